"""status, erase: what waits, who works, what is stored; and forgetting."""

from contextlib import closing
from typing import Any

from headrace.commands.output import Json, print_json, print_table, when
from headrace.config import Settings
from headrace.documents import microseconds
from headrace.errors import Misconfigured
from headrace.ports import Query, Worker
from headrace.urls import Connectors, mask

LOST_SECONDS = 30


def status(*, json: Json = False, settings: Settings = Settings()) -> None:
    """Show the backlog, the workers and their progress, what is stored, and which settings of the servers lose what was confirmed."""
    connectors = Connectors(settings.broker, settings.store)
    with closing(connectors.store()) as store, closing(connectors.broker()) as broker:
        backlog = broker.backlog()
        warnings = [mask(told) for told in (*broker.warnings(), *store.warnings())]
        workers = [_worker(worker) for worker in store.workers()]
        answers = dict(store.count(Query()))
        dead = dict(store.count(Query(kind="dead")))
    documents = answers.pop("", 0)
    if json:
        waiting = {"ready": backlog.ready, "leased": backlog.leased, "oldest_seconds": backlog.oldest}
        stored = {"documents": documents, "answers": answers, "dead": dead}
        print_json({"backlog": waiting, "workers": workers, **stored, "warnings": warnings})
        return
    print(
        f"backlog    {_or_unknown(backlog.ready)} ready, {_or_unknown(backlog.leased)} leased in {mask(settings.broker)}",
        end="",
    )
    print("" if backlog.oldest is None else f", the oldest {backlog.oldest:.1f} s old")
    print(f"documents  {documents:,} in {mask(settings.store)}")
    for model, number in sorted(answers.items()):
        print(f"answers    {number:,} by {model}")
    kinds = ", ".join(f"{number:,} {kind}" for kind, number in sorted(dead.items()))
    print(f"dead       {kinds or 'none'}")
    print(f"workers    {len(workers)}")
    if workers:
        rows = [
            (one["name"], one["state"], one["seen_at"], one["counts"].get("stored", 0), ", ".join(one["models"]))
            for one in workers
        ]
        print_table(("worker", "state", "seen", "stored", "models"), rows)
    for told in warnings:
        print(f"warning    {told}")


def erase(*ids: str, json: Json = False, settings: Settings = Settings()) -> None:
    """Erase documents by their ids: results, dead letters, and what is still on its way."""
    if not ids:
        raise Misconfigured("give the ids of the documents to erase")
    with closing(Connectors(settings.broker, settings.store).store()) as store:
        store.erase(ids)
    if json:
        print_json({"erased": len(set(ids))})
    else:
        print(f"{len(set(ids)):,} erased")


def _worker(worker: Worker) -> dict[str, Any]:
    lost = microseconds() - worker.seen_at > LOST_SECONDS * 1_000_000
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
