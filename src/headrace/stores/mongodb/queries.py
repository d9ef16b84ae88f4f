"""The queries of MongoDB: pages, counts, workers."""

from collections.abc import Sequence
from typing import Any

import msgspec
from pymongo.collection import Collection

from headrace.documents import DeadLetter, Prediction, Result
from headrace.ports import Counts, DeadQuery, Page, ResultQuery, WorkerStatus, model_of
from headrace.stores import pages
from headrace.stores.mongodb.rows import pair
from headrace.stores.mongodb.server import Collections, Row


def find(kept: Collections, query: ResultQuery, limit: int, page: str | None) -> Page[Result]:
    """See `ports.Store.find`."""
    rows, following = _page(kept.documents, "n", _results(query), limit, page)
    return Page([_result(row) for row in rows], following)


def find_dead(kept: Collections, query: DeadQuery, limit: int, page: str | None) -> Page[DeadLetter]:
    """See `ports.Store.find_dead`."""
    rows, following = _page(kept.dead, "_id", _dead(query), limit, page)
    return Page([_dead_letter(row) for row in rows], following)


def count(kept: Collections, query: ResultQuery) -> Counts:
    """See `ports.Store.count`. Each figure is counted in an index, so that it is right whenever a writer died in between."""
    asked = _results(query)
    made: dict[str, dict[str, int]] = {}
    for model, label in sorted(_pairs(kept, query.model)):
        if total := kept.documents.count_documents(_all([*asked, {"keys": pair(model, label)}])):
            made.setdefault(model, {})[label] = total
    return Counts(kept.documents.count_documents(_all(asked)), made)


def count_dead(kept: Collections, query: DeadQuery) -> dict[str, int]:
    """See `ports.Store.count_dead`."""
    asked = _dead(query)
    totals = {
        kind: kept.dead.count_documents(_all([*asked, {"kind": kind}]))
        for kind in sorted(kept.dead.distinct("kind", _all(asked)))
    }
    return {kind: total for kind, total in totals.items() if total}


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


def _page(
    collection: Collection[Row], place: str, asked: Sequence[Row], limit: int, page: str | None
) -> tuple[Sequence[Row], str | None]:
    if (below := pages.below(page)) is not None:
        asked = [*asked, {place: {"$lt": below}}]
    rows = list(collection.find(_all(asked)).sort(place, -1).limit(limit + 1))
    return pages.cut(rows, limit, lambda row: int(row[place]))


def _pairs(kept: Collections, model: str) -> list[tuple[str, str]]:
    """Every model with every label that it ever answered; those of one model, if it is given."""
    pairs = [row["_id"].partition("=") for row in kept.labels.find()]
    return [(named, label) for named, _, label in pairs if model in ("", named)]


def _results(query: ResultQuery) -> list[Row]:
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


def _dead(query: DeadQuery) -> list[Row]:
    asked: list[Row] = [{name: value} for name in ("source", "model") if (value := getattr(query, name))]
    if query.ids:
        asked.append({"id": {"$in": list(query.ids)}})
    if query.burials:
        asked.append({"_id": {"$in": list(query.burials)}})
    return asked


def _all(asked: Sequence[Row]) -> Row:
    return {"$and": list(asked)} if len(asked) > 1 else dict(*asked)


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
