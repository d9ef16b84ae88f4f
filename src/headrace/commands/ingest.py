"""The command `ingest`."""

from collections.abc import Sequence
from contextlib import closing
from typing import Annotated

from cyclopts import Parameter

from headrace import config, runtime
from headrace.commands.field_flags import DocumentFields, FieldFlags
from headrace.commands.operands import Operand
from headrace.commands.output import Json, bar, print_json, say
from headrace.commands.settings import Flags
from headrace.config import FILE, Settings
from headrace.errors import HeadraceError, Misconfigured
from headrace.fields import Fields
from headrace.ingest.ingest import Ingest, Tally
from headrace.ports import SourceAdapter
from headrace.urls import Connectors, is_memory, open_source


def ingest(
    *sources: Operand,
    format: Annotated[str, Parameter(help="jsonl, csv, tsv or text. [default: by the file's name]")] = "",  # noqa: A002
    again: Annotated[
        bool, Parameter(negative="", help="Start over, and publish again what was published before.")
    ] = False,
    json: Json = False,
    fields: DocumentFields = FieldFlags(),
    settings: Flags = Settings(),
) -> int:
    """Publish the documents of files or other sources, one after the other; `-` is standard input.

    A file holds JSON Lines, CSV or plain text, compressed with gzip or not.
    Without SOURCES, it ingests the [[ingest]] tables of headrace.toml.
    Called again after an interruption, it continues where it stopped.
    """
    if is_memory(settings.broker) or is_memory(settings.store):
        raise Misconfigured(
            "ingest can't reach what lives in the memory of another process; choose another --broker and --store"
        )
    opened = _open(sources, format, fields.read(), settings)
    stop = runtime.Stop()
    runtime.on_signals(stop, lambda: None)
    connectors = Connectors(settings.broker, settings.store)
    with closing(connectors.store()) as store, closing(connectors.broker()) as broker, bar() as shown:
        task = shown.add_task("publishing", total=None)
        work = Ingest(broker, store, stop=stop, progress=lambda tally: shown.update(task, completed=tally.published))
        try:
            ended = all(work.run(source, source.name, again=again or not source.name) for source in opened)
        except HeadraceError:
            say(f"{_counted(work.tally)}; then it had to give up")
            raise
    tally = work.tally
    if json:
        refused = {"refused": tally.refused} if tally.refused else {}
        print_json({"published": tally.published, "repeated": tally.repeated, "malformed": tally.malformed, **refused})
    else:
        _print(tally)
    if not ended:
        say("interrupted; call it again to continue")
    return 1 if tally.malformed or tally.refused or not ended else 0


def _open(urls: Sequence[str], kind: str, fields: Fields, settings: Settings) -> Sequence[SourceAdapter]:
    if not urls and not (tables := config.read_file().ingest):
        raise Misconfigured(f"name the files to ingest, or - for standard input; or write [[ingest]] tables in {FILE}")
    if "" in urls:
        raise Misconfigured("the name of a file is empty; give one, or - for standard input")
    limit = settings.document_bytes
    if not urls:
        return [open_source(one.url, kind=one.format or kind, limit=limit, fields=one.fields) for one in tables]
    return [open_source(url, kind=kind, limit=limit, fields=fields) for url in urls]


def _print(tally: Tally) -> None:
    print(_counted(tally))
    if tally.malformed:
        say(f"malformed, first of all: {tally.fault}")
        say("malformed records are kept, with the reason: headrace dead list")
    if tally.refused:
        say(f"the broker refused {tally.refused:,} documents, which are kept, with the reason: headrace dead list")


def _counted(tally: Tally) -> str:
    return f"{tally.published:,} published, {tally.repeated:,} repeated, {tally.malformed:,} malformed"
