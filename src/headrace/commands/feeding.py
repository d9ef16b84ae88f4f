"""ingest, predict, score: texts from files and from the command line."""

import math
import os
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from headrace import frames, runtime, scorefile, workers
from headrace.commands.operands import Operand, check_files, check_texts
from headrace.commands.output import Json, bar, print_json, print_table, say
from headrace.commands.writing import writing
from headrace.config import Settings
from headrace.documents import Prediction, read
from headrace.errors import HeadraceError, Misconfigured, Rejected
from headrace.ingest import Ingest, Tally
from headrace.labelling import Labelling
from headrace.opened import open_models
from headrace.scorefile import batches
from headrace.urls import Connectors, is_memory, open_files

SCORED_AT_ONCE = 1024

Threshold = Annotated[
    float | None, Parameter(help="Below this score the label is und; 0 always names a label. [default: the model's]")
]
Models = Annotated[str, Parameter(help="Models of the registry, written like the setting models, instead of it.")]


def ingest(
    *files: Operand,
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
    check_files(*files)
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
        try:
            for name, source in sources:
                cursor = _cursor(name)
                done = done and work.run(source, cursor, again=again or not cursor)
        except HeadraceError:
            say(f"{_counted(work.tally)}; then it had to give up")
            raise
    tally = work.tally
    if json:
        refused = {"refused": tally.refused} if tally.refused else {}
        print_json({"published": tally.published, "repeated": tally.repeated, "malformed": tally.malformed, **refused})
    else:
        print(_counted(tally))
        if tally.malformed:
            say("what is malformed is kept, with the reason: headrace dead list")
        if tally.refused:
            say(f"the broker refused {tally.refused:,}, which are kept, with the reason: headrace dead list")
    if not done:
        say("interrupted; call it again to go on")
    return 1 if tally.malformed or tally.refused or not done else 0


def _cursor(name: str) -> str:
    """What is remembered of a file goes by this name; empty for what cannot be read again: standard input, a pipe, a device."""
    if name == "-" or not os.path.isfile(name):  # noqa: PTH113 (Path.is_file raises where it may not look)
        return ""
    return f"files:{Path(name).resolve()}".encode(errors="backslashreplace").decode()


def _counted(tally: Tally) -> str:
    return f"{tally.published:,} published, {tally.repeated:,} repeated, {tally.malformed:,} malformed"


def predict(
    *texts: Operand,
    model: Models = "",
    threshold: Threshold = None,
    top: Annotated[int, Parameter(help="Show so many labels, the best first.")] = 1,
    json: Json = False,
    settings: Settings = Settings(),
) -> None:
    """Predict the labels of texts at once; without TEXTS, or with `-`, of the lines of standard input."""
    check_texts(*texts)
    _check_threshold(threshold)
    if top < 1:
        raise Misconfigured(f"--top is {top}; show at least 1 label")
    given = _lines() if texts in ((), ("-",)) else list(texts)
    for number, text in enumerate(given, 1):
        try:
            read({"text": text}, limit=settings.document_bytes)
        except Rejected as error:
            raise Misconfigured(f"text {number}: {error}") from error
    wanted = top if top > 1 else 0
    found = _labelling(model, settings).answer(frames.Texts(given, threshold, wanted)).predictions
    if json:
        shown = [{name: best if wanted else best[0] for name, best in known.items()} for known in found]
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
    input: Operand,  # noqa: A002
    output: Operand,
    /,
    *,
    model: Models = "",
    threshold: Threshold = None,
    settings: Settings = Settings(),
) -> int:
    """Predict the labels of a file of JSON Lines (or CSV, or plain text), in order, into a file of JSON Lines; `-` is a standard stream.

    Each line is the input object and its `predictions`; a line that is no document gets an `error` instead, and the exit status is 1.
    """
    check_files(input, output)
    _check_threshold(threshold)
    labelling = _labelling(model, settings)
    source = open_files(input, "", settings.document_bytes)

    def answer(texts: Sequence[str]) -> list[dict[str, Prediction]]:
        found = labelling.answer(frames.Texts(list(texts), threshold)).predictions
        return [{name: best[0] for name, best in known.items()} for known in found]

    wrong = number = 0
    with writing(output) as target, bar() as shown:
        task = shown.add_task("scoring", total=None)
        for batch in batches(source.objects(), SCORED_AT_ONCE):
            lines, bad = scorefile.score(batch, answer, limit=settings.document_bytes)
            target.write(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
            wrong += bad
            number += len(lines)
            shown.update(task, completed=number)
    say(f"{number:,} scored" + (f", {wrong:,} of them have an `error` instead" if wrong else ""))
    return 1 if wrong else 0


def _lines() -> list[str]:
    if sys.stdin.isatty():
        say("reading texts from here, one a line; Ctrl-D ends them")
    return [line.rstrip("\n") for line in sys.stdin]


def _labelling(models: str, settings: Settings) -> Labelling:
    """The models that were asked for, or those of the settings, with their conditions, in this process."""
    asked = replace(settings, models=models or settings.models)
    return Labelling(open_models(workers.setup(asked)), settings.document_bytes, lambda _place: None)


def _check_threshold(threshold: float | None) -> None:
    if threshold is not None and not (math.isfinite(threshold) and 0 <= threshold <= 1):
        raise Misconfigured(f"--threshold is {threshold:g}; it is between 0 and 1")
