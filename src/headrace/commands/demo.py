"""The command `demo`."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from headrace import samples
from headrace.commands.ingest import check_above_zero, open_table
from headrace.commands.settings import Flags
from headrace.commands.up import feeding, run_everything
from headrace.config import IngestTable, Settings
from headrace.ingest.several import Options

FOLDER = Path("headrace-demo")


def demo(
    *,
    source: Annotated[
        str,
        Parameter(help="A file, or the URL of a source, such as twitter:recorded.jsonl, to show instead of samples."),
    ] = "",
    rate: Annotated[
        float | None,
        Parameter(help="Documents a second, at most. [default: 8 of the samples, as many as come of a source]"),
    ] = None,
    settings: Flags = Settings(),
) -> int:
    """Start everything, in the folder headrace-demo, and feed it samples in 38 languages, or a source."""
    check_above_zero("--rate", rate)
    usual = Settings()
    FOLDER.mkdir(exist_ok=True)
    if settings.broker == usual.broker:
        settings = replace(settings, broker=f"sqlite:///{FOLDER}/queue.db")
    if settings.store == usual.store:
        settings = replace(settings, store=f"sqlite:///{FOLDER}/store.db")
    if not source:
        return run_everything(settings, feed=partial(samples.feed, per_second=rate or samples.PER_SECOND))
    opened = open_table(IngestTable(source), settings.document_bytes)
    return run_everything(settings, feeding(opened, Options(rate=rate, backlog_limit=settings.backlog_limit)))
