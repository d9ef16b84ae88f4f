"""ingest, predict, score: texts from files and from the command line."""

import contextlib
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, Annotated

import msgspec
from cyclopts import Parameter

from headrace import runtime
from headrace.commands.output import Json, bar, print_json, print_table, say
from headrace.config import Settings
from headrace.documents import Prediction, read
from headrace.errors import Misconfigured, Rejected
from headrace.ingest import Ingest
from headrace.registry import Model, Registry
from headrace.scorefile import as_scored, batches, score_lines
from headrace.served import parse as parse_models
from headrace.urls import Connectors, is_memory, open_files

SCORED_AT_ONCE = 1024

Threshold = Annotated[
    float | None, Parameter(help="Below this score the label is und; 0 always names a label. [default: the model's]")
]


def ingest(
    *files: str,
    format: Annotated[str, Parameter(help="jsonl, csv, tsv or text. [default: by the file's name]")] = "",  # noqa: A002
    again: Annotated[bool, Parameter(negative="", help="From the start, also what was published before.")] = False,
    json: Json = False,
    settings: Settings = Settings(),
) -> int:
    """Publish the documents of files; `-` is standard input.

    JSON Lines, CSV and plain text, compressed with gzip or not. Interrupted, it goes on where it stopped when it is called again.
    """
    if not files:
        raise Misconfigured("name the files to ingest, or - for standard input")
    if is_memory(settings.broker) or is_memory(settings.store):
        raise Misconfigured(
            "ingest can't reach what lives in the memory of another process; choose another --broker and --store"
        )
    stop = runtime.Stop()
    runtime.on_signals(stop, lambda: None)
    sources = [(name, open_files(name, format, settings.document_bytes)) for name in files]
    connectors = Connectors(settings.broker, settings.store)
    with closing(connectors.store()) as store, closing(connectors.broker()) as broker, bar() as shown:
        task = shown.add_task("publishing", total=None)
        work = Ingest(
            broker, store, stop=stop, say=say, progress=lambda tally: shown.update(task, completed=tally.published)
        )
        done = True
        for name, source in sources:
            cursor = "" if name == "-" else f"files:{Path(name).resolve()}"
            done = done and work.run(source, cursor, again=again or not cursor)
    tally = work.tally
    if json:
        print_json({"published": tally.published, "repeated": tally.repeated, "malformed": tally.malformed})
    else:
        print(f"{tally.published:,} published, {tally.repeated:,} repeated, {tally.malformed:,} malformed")
        if tally.malformed:
            say("what is malformed is kept, with the reason: headrace dead list")
    if not done:
        say("interrupted; call it again to go on")
    return 1 if tally.malformed or not done else 0


def predict(
    *texts: str,
    model: Annotated[str, Parameter(help="A model of the registry. [default: the setting models]")] = "",
    threshold: Threshold = None,
    top: Annotated[int, Parameter(help="Show so many labels, the best first.")] = 1,
    json: Json = False,
    settings: Settings = Settings(),
) -> None:
    """Predict the labels of texts at once; without TEXT, of the lines of standard input."""
    given = list(texts) or [line.rstrip("\n") for line in sys.stdin]
    for number, text in enumerate(given, 1):
        try:
            read({"text": text}, limit=settings.document_bytes)
        except Rejected as error:
            raise Misconfigured(f"text {number}: {error}") from error
    found: list[dict[str, list[Prediction]]] = [{} for _ in given]
    for one in _models(model, settings):
        name = one.name.partition("@")[0]
        best = one.top(given, top) if top > 1 else [[best] for best in one.predict(given, threshold=threshold)]
        for known, predictions in zip(found, best, strict=True):
            known[name] = predictions
    if json:
        shown = [{name: best if top > 1 else best[0] for name, best in known.items()} for known in found]
        print_json({"predictions": shown})
        return
    rows = [
        (one.label, f"{one.score:.3f}", one.model, text)
        for text, known in zip(given, found, strict=True)
        for best in known.values()
        for one in best
    ]
    print_table(("label", "score", "model", "text"), rows)


def score(
    input: Path,  # noqa: A002
    output: Path,
    *,
    model: Annotated[
        str, Parameter(help="A model of the registry; several by commas. [default: the setting models]")
    ] = "",
    threshold: Threshold = None,
    settings: Settings = Settings(),
) -> int:
    """Predict the labels of a file of JSON Lines (or CSV, or plain text), in order, into a file of JSON Lines; `-` is a standard stream.

    Each line is the input object and its `predictions`; a line that is no document gets an `error` instead, and the exit status is 1.
    """
    models = _models(model, settings)
    source = open_files(str(input), "", settings.document_bytes)
    wrong = number = 0
    with _writing(output) as target, bar() as shown:
        task = shown.add_task("scoring", total=None)
        for batch in batches(source.objects(), SCORED_AT_ONCE):
            lines = [as_scored(raw, settings.document_bytes) for raw in batch]
            wrong += score_lines(lines, models, threshold)
            target.write(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
            number += len(lines)
            shown.update(task, completed=number)
    say(f"{number:,} scored" + (f", {wrong:,} of them are no documents and have an `error`" if wrong else ""))
    return 1 if wrong else 0


def _models(reference: str, settings: Settings) -> list[Model]:
    """The models that were asked for by name, or those that the settings let answer everywhere."""
    registry = Registry.from_url(settings.registry)
    served = [one for one in parse_models(reference or settings.models) if one.reference and not one.shadow]
    return [registry.get(one.reference) for one in served]


@contextlib.contextmanager
def _writing(output: Path) -> Iterator[IO[bytes]]:
    """The output, which appears under its name when it is complete."""
    if str(output) == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    draft = output.with_name(f".{output.name}.part")
    try:
        with draft.open("wb") as target:
            yield target
        draft.replace(output)
    except OSError as error:
        raise Misconfigured(
            f"writing {output}: {error.strerror}; check the name, the permissions and the disk"
        ) from error
    finally:
        draft.unlink(missing_ok=True)
