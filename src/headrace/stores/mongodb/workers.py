"""The workers that MongoDB remembers."""

import msgspec
from bson import Int64

from headrace.ports import WorkerStatus
from headrace.stores.mongodb.server import Collections, Row
from headrace.stores.presence import forgotten_before


def beat(kept: Collections, worker: WorkerStatus, now: int, forget: float) -> None:
    """See `ports.Presence.beat`; `now` is by the clock of the store. Whatever is left undone, the next heartbeat does."""
    before = kept.workers.find_one({"_id": worker.name}, {"seen_at": 1})
    kept.workers.replace_one({"_id": worker.name}, _row(worker, now), upsert=True)
    kept.workers.update_many({"seen_at": {"$gt": Int64(now)}}, {"$set": {"seen_at": Int64(now)}})
    oldest = forgotten_before(now, int(before["seen_at"]) if before else None, forget)
    kept.workers.delete_many({"seen_at": {"$lt": Int64(oldest)}})


def listed(kept: Collections, *, stopped: bool) -> list[WorkerStatus]:
    """See `ports.Presence.workers`."""
    wanted = {} if stopped else {"state": {"$ne": "stopped"}}
    return [
        WorkerStatus(
            row["_id"],
            int(row["started_at"]),
            int(row["seen_at"]),
            row["state"],
            row["models"],
            msgspec.json.decode(row["counts"]),
            row.get("metrics", b""),
        )
        for row in kept.workers.find(wanted).sort("_id", 1)
    ]


def _row(worker: WorkerStatus, now: int) -> Row:
    counts = msgspec.json.encode(dict(worker.counts)).decode()
    return {
        "_id": worker.name,
        "started_at": Int64(worker.started_at),
        "seen_at": Int64(now),
        "state": worker.state,
        "models": list(worker.models),
        "counts": counts,
        "metrics": worker.metrics,
    }
