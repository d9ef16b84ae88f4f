"""The command `ingest`."""

from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter

from headrace import config, runtime
from headrace.commands.field_flags import DocumentFields, Encoding, FieldFlags, Whole
from headrace.commands.operands import Operand
from headrace.commands.output import Json, bar, print_json, say
from headrace.commands.settings import Flags
from headrace.config import FILE, IngestTable, Settings
from headrace.errors import HeadraceError, Misconfigured
from headrace.fields import Fields
from headrace.file_options import FileOptions
from headrace.ingest import shedding
from headrace.ingest.accounts import Tally
from headrace.ingest.several import Opened, Options, Several, check_distinct
from headrace.ingest.shedding import Rule
from headrace.masking import mask_url
from headrace.ports import Plural
from headrace.tables import budget_of
from headrace.urls import Connectors, is_memory, open_source


def ingest(
    *sources: Operand,
    format: Annotated[str, Parameter(help="jsonl, csv, tsv, text or parquet. [default: by the file's name]")] = "",  # noqa: A002
    again: Annotated[
        bool, Parameter(negative="", help="Start over, and publish again what was published before.")
    ] = False,
    rate: Annotated[
        float | None, Parameter(help="Documents a second that are published, at most. [default: no limit]")
    ] = None,
    until_idle: Annotated[
        float | None, Parameter(help="End an endless source when nothing came for so many seconds. [default: never]")
    ] = None,
    budget: Annotated[
        int | None, Parameter(help="Posts that may be read in a calendar month (UTC), of twitter: [default: no limit]")
    ] = None,
    shed: Annotated[
        Rule | None,
        Parameter(
            help="What to drop of a source that can't wait, while the backlog is over --backlog-limit: what is `oldest`, all but"
            " a `sample`, or nothing (`never`). [default: oldest]"
        ),
    ] = None,
    json: Json = False,
    encoding: Encoding = "",
    whole: Whole = False,
    follow: Annotated[
        bool, Parameter(negative="", help="Wait for what is written to the files, as tail -F does.")
    ] = False,
    fields: DocumentFields = FieldFlags(),
    settings: Flags = Settings(),
) -> int:
    """Publish the documents of files or other sources, one after the other; `-` is standard input.

    A file holds JSON Lines, CSV or plain text, compressed or not.
    Without SOURCES, it ingests the [[ingest]] tables of headrace.toml.
    Called again after an interruption, it continues where it stopped.
    """
    check_above_zero("--rate", rate)
    check_above_zero("--until-idle", until_idle)
    if budget is not None:
        budget_of(str(budget))
    if is_memory(settings.broker) or is_memory(settings.store):
        raise Misconfigured(
            "ingest can't reach what lives in the memory of another process; choose another --broker and --store"
        )
    opened = _open(sources, FileOptions(format, encoding, whole, follow), fields.read(), settings, budget)
    check_distinct(opened)
    _check_shedding(opened, shed, settings)
    stop = runtime.Stop()
    runtime.on_signals(stop, lambda: None)
    connectors = Connectors(settings.broker, settings.store)
    with bar() as shown:
        task = shown.add_task("publishing", total=None)
        work = Several(
            connectors.broker,
            connectors.store,
            stop=stop,
            options=Options(again, rate, until_idle, settings.backlog_limit, shed),
            progress=lambda published: shown.update(task, completed=published),
        )
        try:
            ended = work.run(opened)
        except HeadraceError:
            say(f"{_counted(work.tally)}; then it had to give up")
            raise
    tally = work.tally
    if json:
        rare = {name: number for name in ("refused", "shed") if (number := getattr(tally, name))}
        names = ("published", "repeated", "malformed", "erased", "missed")
        print_json({**{name: getattr(tally, name) for name in names}, **rare})
    else:
        _print(tally)
    if not ended:
        say("interrupted; call it again to continue")
    return 1 if tally.malformed or tally.refused or not ended else 0


def check_above_zero(flag: str, value: float | None) -> None:
    """Raises Misconfigured for a value of a flag that is not a number above 0."""
    if value is not None and not 0 < value < float("inf"):
        raise Misconfigured(f"{flag} is {value}; it must be above 0")


def _open(
    urls: Sequence[str], options: FileOptions, fields: Fields, settings: Settings, budget: int | None
) -> Sequence[Opened]:
    if not urls and not (tables := config.read_file().ingest):
        raise Misconfigured(f"name the files to ingest, or - for standard input; or write [[ingest]] tables in {FILE}")
    if "" in urls:
        raise Misconfigured("the name of a file is empty; give one, or - for standard input")
    limit = settings.document_bytes
    if not urls and budget is not None:
        raise Misconfigured(f"--budget is for a source that is named; write budget into its [[ingest]] table in {FILE}")
    if not urls:
        return [one for table in tables for one in open_table(table, limit)]
    return [one for url in urls for one in _each(url, limit, fields, options, budget)]


def open_table(table: IngestTable, limit: int) -> Sequence[Opened]:
    """The sources of an [[ingest]] table; raises Misconfigured as `open_source` does, and for a rule to shed by that has no use."""
    rule = shedding.check(table.shed, _shown(table.url))
    opened = _each(table.url, limit, table.fields, table.options, table.budget)
    _check_rule(opened, f"shed = {table.shed}", rule)
    return [one._replace(shed=rule) for one in opened]


def _check_shedding(opened: Sequence[Opened], rule: Rule | None, settings: Settings) -> None:
    """Raises Misconfigured if the flag --shed is given, and would have no effect."""
    if rule is not None and not settings.backlog_limit:
        raise Misconfigured(f"--shed {rule} has no effect without a limit; add one, such as --backlog-limit 1000")
    _check_rule(opened, f"--shed {rule}", rule)


def _check_rule(opened: Sequence[Opened], said: str, rule: Rule | None) -> None:
    if rule is not None and all(one.source.pausable for one in opened):
        what = opened[0].url if len(opened) == 1 else "each of these sources"
        raise Misconfigured(f"{said} has no effect: {what} can wait, so it is paused instead; leave it out")


def _each(url: str, limit: int, fields: Fields, options: FileOptions, budget: int | None = None) -> Sequence[Opened]:
    """The source at a URL, or those that it stands for."""
    source = open_source(url, limit=limit, fields=fields, options=options, budget=budget)
    several = source.each() if isinstance(source, Plural) else [source]
    return [Opened(one, _shown(url) if one is source else one.name or _shown(url)) for one in several]


def _shown(url: str) -> str:
    """A URL or path without secrets, as it can be stored."""
    return mask_url(url).encode(errors="backslashreplace").decode()


def _print(tally: Tally) -> None:
    print(_counted(tally))
    if tally.malformed:
        say(f"malformed, first of all: {tally.fault}")
        say("malformed records are kept, with the reason: headrace dead list")
    if tally.refused:
        say(f"the broker refused {tally.refused:,} documents, which are kept, with the reason: headrace dead list")


def _counted(tally: Tally) -> str:
    more = "".join(f", {number:,} {name}" for name in ("shed", "erased", "missed") if (number := getattr(tally, name)))
    return f"{tally.published:,} published, {tally.repeated:,} repeated, {tally.malformed:,} malformed{more}"
