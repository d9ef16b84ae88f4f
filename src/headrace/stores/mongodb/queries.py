"""The queries of MongoDB: pages and counts."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from itertools import islice
from math import inf
from typing import Any

import msgspec
from bson import Int64

from headrace.clock import HOUR, to_datetime, to_microseconds
from headrace.documents import DeadLetter, Prediction, Result
from headrace.ports import Counts, DeadQuery, HourCount, Page, ResultQuery, StoredPrediction, model_of
from headrace.stores import pages
from headrace.stores.merging import ordered
from headrace.stores.mongodb.rows import ANSWERED, OTHERS, cell, pair, stored_at_of, version_key
from headrace.stores.mongodb.server import Collections, Row


def find(kept: Collections, query: ResultQuery, limit: int, page: str | None) -> Page[Result]:
    """See `ports.Store.find`."""
    asked = _below(_results(query), "n", page)
    if _scores(query):
        found = kept.documents.find(_all(asked)).sort("n", -1)
        with closing(found):
            rows = list(islice(_scored(query, found), limit + 1))
    else:
        rows = list(kept.documents.find(_all(asked)).sort("n", -1).limit(limit + 1))
    shown, following = pages.cut(rows, limit, lambda row: int(row["n"]))
    return Page([_result(row) for row in shown], following)


def find_dead(kept: Collections, query: DeadQuery, limit: int, page: str | None) -> Page[DeadLetter]:
    """See `ports.Store.find_dead`."""
    asked = _below(_dead(query), "_id", page)
    rows = list(kept.dead.find(_all(asked)).sort("_id", -1).limit(limit + 1))
    shown, following = pages.cut(rows, limit, lambda row: int(row["_id"]))
    return Page([_dead_letter(row) for row in shown], following)


def count(kept: Collections, query: ResultQuery) -> Counts:
    """See `ports.Store.count`. Each figure is counted in an index, so it is right even if a writer died half-way."""
    asked = _results(query)
    if _scores(query):
        return _count_rows(query, kept.documents.find(_all(asked), {ANSWERED: 1}))
    made: dict[str, dict[str, int]] = {}
    for model, label in sorted(_pairs(kept, query.model)):
        if total := kept.documents.count_documents(_all([*asked, {"keys": pair(model, label)}])):
            made.setdefault(model, {})[label] = total
    return Counts(kept.documents.count_documents(_all(asked)), made)


def _count_rows(query: ResultQuery, rows: Iterable[Row]) -> Counts:
    documents, made = 0, dict[str, Counter[str]]()
    for row in _scored(query, rows):
        documents += 1
        for answer in row[ANSWERED]:
            if query.model in ("", model := model_of(answer["version"])):
                made.setdefault(model, Counter())[answer["label"]] += 1
    return Counts(documents, {model: dict(labels) for model, labels in made.items()})


def count_dead(kept: Collections, query: DeadQuery) -> dict[str, int]:
    """See `ports.Store.count_dead`."""
    asked = _dead(query)
    totals = {
        kind: kept.dead.count_documents(_all([*asked, {"kind": kind}]))
        for kind in sorted(kept.dead.distinct("kind", _all(asked)))
    }
    return {kind: total for kind, total in totals.items() if total}


def conflicts(kept: Collections, documents: Sequence[tuple[str, str]]) -> set[int]:
    """See `ports.Watch.conflicts`."""
    places: dict[str, list[int]] = {}
    for place, (identity, _) in enumerate(documents):
        places.setdefault(identity, []).append(place)
    found = kept.documents.find({"_id": _among(list(places))}, {"text": 1})
    return {place for row in found for place in places[row["_id"]] if documents[place][1] != row["text"]}


def results_of(kept: Collections, ids: Sequence[str]) -> dict[str, Result]:
    """See `ports.Watch.results`."""
    return {row["_id"]: _result(row) for row in kept.documents.find({"_id": _among(ids)})}


def letters_of(kept: Collections, contents: Sequence[str]) -> list[DeadLetter]:
    """See `ports.Watch.letters`."""
    return [_dead_letter(row) for row in kept.dead.find({"content": _among(contents)}).sort("_id", -1)]


def all_predictions(kept: Collections, ids: Sequence[str]) -> dict[str, list[StoredPrediction]]:
    """See `ports.History.predictions`."""
    found = {
        row["_id"]: ordered(
            StoredPrediction(_prediction(one), name == ANSWERED) for name in (ANSWERED, OTHERS) for one in row[name]
        )
        for row in kept.documents.find({"_id": {"$in": list(ids)}}, {ANSWERED: 1, OTHERS: 1})
    }
    return {identity: those for identity, those in found.items() if those}


def count_by_hour(kept: Collections, model: str, since: datetime | None, until: datetime | None) -> list[HourCount]:
    """See `ports.History.count_by_hour`. Each hour that was noted is counted in an index, as `count` does it."""
    times = {"$gte": since, "$lt": until}
    bounds = {name: -(-to_microseconds(at) // HOUR) for name, at in times.items() if at is not None}
    asked: Row = {"model": model, "hour": bounds} if bounds else {"model": model}
    cells = sorted((row["hour"], row["label"]) for row in kept.hours.find(asked))
    totals = [(*one, kept.documents.count_documents({"keys": cell(one[0], model, one[1])})) for one in cells]
    return [HourCount(to_datetime(hour * HOUR), label, total) for hour, label, total in totals if total]


def _below(asked: Sequence[Row], place: str, page: str | None) -> list[Row]:
    below = pages.below(page)
    return [*asked] if below is None else [*asked, {place: {"$lt": below}}]


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
    if query.text:
        asked.append({"text": {"$regex": re.escape(query.text)}})
    times = {"$gte": query.since, "$lt": query.until}
    if bounds := {name: Int64(to_microseconds(at)) for name, at in times.items() if at is not None}:
        asked.append({"stored_at": bounds})
    model = query.model or model_of(query.version)
    # A single key, which says all of it: an index serves only one.
    if query.version:
        key = version_key(query.version, query.label or None)
        asked.append({"keys": key} if model == model_of(query.version) else {"_id": {"$in": []}})
    elif query.label or model:
        asked.append({"keys": pair(model, query.label) if query.label else model})
    if scores := _scores(query):
        asked.append({"answers.score": scores})
    return asked


def _scores(query: ResultQuery) -> Row:
    bounds = {"$gte": query.min_score, "$lte": query.max_score}
    return {name: score for name, score in bounds.items() if score is not None}


def _scored(query: ResultQuery, rows: Iterable[Row]) -> Iterator[Row]:
    """The rows in which a single answer meets all conditions. Servers check them across answers: FerretDB has no $elemMatch on members."""
    least, most = (-inf if query.min_score is None else query.min_score), query.max_score
    for row in rows:
        if any(
            least <= one["score"]
            and (most is None or one["score"] <= most)
            and query.model in ("", model_of(one["version"]))
            and query.version in ("", one["version"])
            and query.label in ("", one["label"])
            for one in row[ANSWERED]
        ):
            yield row


def _dead(query: DeadQuery) -> list[Row]:
    asked: list[Row] = [{name: value} for name in ("source", "model") if (value := getattr(query, name))]
    of: Mapping[str, Sequence[Any]] = {"id": query.ids, "_id": query.burials, "content": query.contents}
    return asked + [{name: _among(values)} for name, values in of.items() if values]


def _among(values: Sequence[Any]) -> Any:
    """What a member must be to be one of these. A single value is found in the index by FerretDB too."""
    return {"$in": list(values)} if len(values) > 1 else values[0]


def _all(asked: Sequence[Row]) -> Row:
    return {"$and": list(asked)} if len(asked) > 1 else dict(*asked)


def _result(row: Row) -> Result:
    predictions = {model_of(one["version"]): _prediction(one) for one in row[ANSWERED]}
    meta: dict[str, Any] = msgspec.json.decode(row["meta"]) if row["meta"] else {}
    published_at = None if row["published_at"] is None else to_datetime(row["published_at"])
    said = row["_id"], row["text"], row["source"], row["created_at"], meta
    return Result(*said, predictions, published_at, to_datetime(stored_at_of(row)))


def _prediction(row: Row) -> Prediction:
    return Prediction(row["label"], row["score"], row["version"])


def _dead_letter(row: Row) -> DeadLetter:
    """As the struct. BSON's 64-bit numbers are a type of their own, which cannot be written as JSON; they become int."""
    members: dict[str, Any] = {
        name: int(value) if isinstance(value, int) else value for name, value in row.items() if name != "_id"
    }
    return DeadLetter(burial=int(row["_id"]), **members)
