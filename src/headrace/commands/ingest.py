"""The command `ingest`."""

import os
from contextlib import closing
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from headrace import runtime
from headrace.commands.operands import Operand, check_files
from headrace.commands.output import Json, bar, print_json, say
from headrace.commands.settings import Flags
from headrace.config import Settings
from headrace.errors import HeadraceError, Misconfigured
from headrace.ingest.ingest import Ingest, Tally
from headrace.urls import Connectors, is_memory, open_files


def ingest(
    *files: Operand,
    format: Annotated[str, Parameter(help="jsonl, csv, tsv or text. [default: by the file's name]")] = "",  # noqa: A002
    again: Annotated[bool, Parameter(negative="", help="From the start, also what was published before.")] = False,
    json: Json = False,
    settings: Flags = Settings(),
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
