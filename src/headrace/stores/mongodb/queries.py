"""The questions that are asked of MongoDB: pages, counts, workers."""

from collections.abc import Sequence
from typing import Any

import msgspec

from headrace.documents import DeadLetter, Prediction, Result
from headrace.ports import Page, Query, WorkerStatus
from headrace.stores import pages
from headrace.stores.mongodb.rows import model_of, pair
from headrace.stores.mongodb.server import Collections, Row


def find(kept: Collections, query: Query, limit: int, page: str | None) -> Page:
    """A page of results or dead letters, newest first; pages are keyed by the number of the last row."""
    dead = query.kind == "dead"
    collection, place = (kept.dead, "_id") if dead else (kept.documents, "n")
    asked = _dead(query) if dead else _results(query)
    if page is not None:
        asked.append({place: {"$lt": pages.number(page)}})
    rows = list(collection.find(_all(asked)).sort(place, -1).limit(limit + 1))
    more, rows = len(rows) > limit, rows[:limit]
    items = [_dead_letter(row) for row in rows] if dead else [_result(row) for row in rows]
    return Page(items, str(rows[-1][place]) if more else None)


def count(kept: Collections, query: Query) -> dict[str, int]:
    """See `ports.Store.count`. Each figure is counted in an index, so that it is right whoever died in between."""
    if query.kind == "dead":
        asked = _dead(query)
        kinds = sorted(kept.dead.distinct("kind", _all(asked)))
        return _told({kind: kept.dead.count_documents(_all([*asked, {"kind": kind}])) for kind in kinds})
    asked = _results(query)
    pairs = [row["_id"].partition("=") for row in kept.labels.find()]
    if query.model:
        keys = {label: pair(model, label) for model, _, label in pairs if model == query.model}
    else:
        keys = {model: model for model, _, _ in pairs}
    totals = {name: kept.documents.count_documents(_all([*asked, {"keys": key}])) for name, key in sorted(keys.items())}
    if not query.model:
        totals[""] = kept.documents.count_documents(_all(asked))
    return _told(totals)


def worker_row(worker: WorkerStatus) -> Row:
    """A worker as a row of its collection."""
    members = {name: getattr(worker, name) for name in ("started_at", "seen_at", "state")}
    counts = msgspec.json.encode(dict(worker.counts)).decode()
    return {"_id": worker.name, **members, "models": list(worker.models), "counts": counts, "metrics": worker.metrics}


def list_workers(kept: Collections) -> list[WorkerStatus]:
    """Every worker that was remembered, by name."""
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
        for row in kept.workers.find().sort("_id", 1)
    ]


def _results(query: Query) -> list[Row]:
    asked: list[Row] = []
    if query.ids:
        asked.append({"_id": {"$in": list(query.ids)}})
    if query.source:
        asked.append({"source": query.source})
    if query.label:
        asked.append({"keys": pair(query.model, query.label)})
    elif query.model:
        asked.append({"keys": query.model})
    return asked


def _dead(query: Query) -> list[Row]:
    asked: list[Row] = [{name: value} for name in ("source", "model") if (value := getattr(query, name))]
    if query.ids:
        asked.append({"id": {"$in": list(query.ids)}})
    if query.burials:
        asked.append({"_id": {"$in": list(query.burials)}})
    if query.label:
        asked.append({"_id": {"$in": []}})  # a dead letter has none
    return asked


def _all(asked: Sequence[Row]) -> Row:
    return {"$and": list(asked)} if len(asked) > 1 else dict(*asked)


def _told(totals: dict[str, int]) -> dict[str, int]:
    return {name: total for name, total in totals.items() if total or not name}


def _result(row: Row) -> Result:
    predictions = {
        model_of(one["version"]): Prediction(one["label"], one["score"], one["version"]) for one in row["answers"]
    }
    meta: dict[str, Any] = msgspec.json.decode(row["meta"]) if row["meta"] else {}
    return Result(row["_id"], row["text"], row["source"], row["created_at"], meta, predictions)


def _dead_letter(row: Row) -> DeadLetter:
    """BSON's numbers of 64 bits are a kind of their own, which JSON has no word for."""
    members: dict[str, Any] = {
        name: int(value) if isinstance(value, int) else value for name, value in row.items() if name != "_id"
    }
    return DeadLetter(burial=int(row["_id"]), **members)
