"""The command `status`."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from headrace.commands.output import Json, print_json, print_table, when
from headrace.commands.settings import Flags
from headrace.config import Settings
from headrace.errors import Unavailable
from headrace.ingest import ledger
from headrace.masking import mask, mask_url
from headrace.ports import Backlog, BrokerAdapter, DeadQuery, ResultQuery, StoreAdapter, WorkerStatus
from headrace.urls import Connectors

GAP_SECONDS = 86400  # a gap of a source that was told later than so long ago is a warning
LOST_SECONDS = 30  # a worker that was silent for longer is shown as lost


def status(*, json: Json = False, settings: Flags = Settings()) -> int:
    """Show the backlog, the workers and their progress, and what is stored.

    It warns of settings of the servers with which confirmed documents could be lost.
    """
    connectors = Connectors(settings.broker, settings.store, settings.results)
    known = Known()
    trouble = [
        *_asked(lambda: _ask_broker(known, connectors.broker())),
        *_asked(lambda: _ask_store(known, connectors.store())),
    ]
    known.warnings += trouble
    if json:
        print_json(_as_json(known))
    else:
        _print(known, settings)
    return Unavailable.status if trouble else 0


@dataclass
class Known:
    """What the broker and the store report; None or empty where they couldn't be asked."""

    backlog: Backlog = field(default_factory=lambda: Backlog(None, None, None))
    workers: list[dict[str, Any]] = field(default_factory=list)
    documents: int | None = None
    answers: dict[str, int] = field(default_factory=dict)
    dead: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def _ask_broker(known: Known, connected: BrokerAdapter) -> None:
    with closing(connected) as broker:
        known.backlog = broker.backlog()
        known.warnings += [mask(warning) for warning in broker.warnings()]


def _ask_store(known: Known, connected: StoreAdapter) -> None:
    with closing(connected) as store:
        now = store.time()
        known.workers = [_worker(worker, now) for worker in store.workers()]
        known.warnings += [
            f"{one['name']} leaves out {number} of its shadows, which failed, and tries again later; its log says why"
            for one in known.workers
            if (number := one["counts"].get("shadows_left_out"))
        ]
        known.warnings += [warning for row in ledger.table(store) for warning in _of_source(row, now)]
        counts = store.count(ResultQuery())
        known.documents, known.answers = counts.documents, counts.by_model()
        known.dead = dict(store.count_dead(DeadQuery()))
        known.warnings += [mask(warning) for warning in store.warnings()]


def _of_source(row: dict[str, Any], now: int) -> Iterator[str]:
    """What is to be known of a source: what it lost, and what was dropped of it, during the last day or hour."""
    for gap in row["gaps"]:
        if now - gap["at"] < GAP_SECONDS * 1_000_000:
            yield f"{row['name']} told a gap at {when(gap['at'])}: {gap['reason']}"
    if row["state"] == "paused":
        yield f"{row['name']} is paused: {row['reason']}"
    if shed := ledger.in_the_last_hour(row, "shed", now):
        yield f"{row['name']} has dropped {shed:,} documents in the last hour, as the backlog was over backlog_limit"


def _asked(ask: Callable[[], None]) -> list[str]:
    """Call `ask`; the reason if the server is unavailable, so that the other one is still asked."""
    try:
        ask()
    except Unavailable as error:
        return [mask(str(error))]
    return []


def _as_json(known: Known) -> dict[str, Any]:
    backlog = known.backlog
    return {
        "backlog": {"ready": backlog.ready, "leased": backlog.leased, "oldest_seconds": backlog.oldest},
        "workers": known.workers,
        "documents": known.documents,
        "answers": known.answers,
        "dead": known.dead,
        "warnings": known.warnings,
    }


def _print(known: Known, settings: Settings) -> None:
    backlog = known.backlog
    print(
        f"backlog    {_or_unknown(backlog.ready)} ready, {_or_unknown(backlog.leased)} leased in {mask_url(settings.broker)}",
        end="",
    )
    print("" if backlog.oldest is None else f", the oldest {backlog.oldest:.1f} s old")
    print(f"documents  {_or_unknown(known.documents)} in {mask_url(settings.store)}")
    for model, number in sorted(known.answers.items()):
        print(f"answers    {number:,} by {model}")
    kinds = ", ".join(f"{number:,} {kind}" for kind, number in sorted(known.dead.items()))
    print(f"dead       {kinds or ('none' if known.documents is not None else '?')}")
    print(f"workers    {len(known.workers) if known.documents is not None else '?'}")
    if known.workers:
        rows = [
            (one["name"], one["state"], one["seen_at"], one["counts"].get("stored", 0), ", ".join(one["models"]))
            for one in known.workers
        ]
        print_table(("worker", "state", "seen", "stored", "models"), rows)
    for warning in known.warnings:
        print(f"warning    {warning}")


def _worker(worker: WorkerStatus, now: int) -> dict[str, Any]:
    """A worker as it is shown; `now` is by the clock of the store."""
    lost = now - worker.seen_at > LOST_SECONDS * 1_000_000
    return {
        "name": worker.name,
        "state": "lost" if lost else worker.state,
        "started_at": when(worker.started_at),
        "seen_at": when(worker.seen_at),
        "models": list(worker.models),
        "counts": dict(worker.counts),
    }


def _or_unknown(number: int | None) -> str:
    return "?" if number is None else f"{number:,}"
