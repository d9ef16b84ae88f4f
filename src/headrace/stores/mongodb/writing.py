"""How outcomes become documents of MongoDB, without transactions: by insertions that only one writer can win, in an order that may stop
anywhere.

A document is inserted whole, with its answers, under its id: the first insertion stands. An answer that comes later is inserted as a claim,
under the document's number and the model: again the first stands. Then the document is updated to show its claims, and read again until it
does. What is decided never changes, so every step can be repeated, by the same writer or by another, with the same end: a death in between
costs a repetition. None of this needs atomic updates, which FerretDB does not have.
"""

from collections import defaultdict
from collections.abc import Collection as Several
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from bson import Int64
from pymongo import DeleteMany, ReturnDocument, UpdateOne
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from headrace.clock import HOUR, microseconds
from headrace.documents import Outcome
from headrace.ports import model_of
from headrace.stores.merging import Plan, ids_of, keys_in, plan
from headrace.stores.mongodb.rows import (
    ANSWERED,
    OTHERS,
    cell,
    check_size,
    claim_row,
    dead_row,
    document_row,
    entry,
    folded,
    hashed,
    known_of,
    pair,
)
from headrace.stores.mongodb.server import DUPLICATE, Collections, Row


class AnotherWasFirst(Exception):
    """Another writer has inserted under one of the keys; reading again finds it."""


def write(kept: Collections, outcomes: Sequence[Outcome]) -> bool:
    """Write what is new in the outcomes; whether the collections began with it, and may lack their indexes.

    Raises AnotherWasFirst: then repeat the call.
    """
    ids, keys = ids_of(outcomes), keys_in(outcomes)
    erased = erased_at(kept, keys)
    # Another writer may have died between its insertions and its last sweep.
    _sweep(kept, erased)
    rows = {row["n"]: row for row in kept.documents.find({"_id": {"$in": sorted(ids)}})}
    claimed = _claims(kept, rows)
    known = {row["_id"]: known_of(row, claimed.get(n, ())) for n, row in rows.items()}
    any_buried = kept.dead.find_one({}, {"_id": 1}) is not None
    # New documents get numbers below zero in the plan; `_insert` gives them their own.
    made = plan(outcomes, known, erased, next_number=-len(outcomes), now=microseconds(), any_buried=any_buried)
    _note(kept, made)
    began = _insert(kept, made)
    claims = [claim_row(rows[n], ANSWERED, p) for n, p in made.answers if n in rows]
    claims += [claim_row(rows[n], OTHERS, p) for n, p in made.predictions if n in rows]
    insert(kept.claims, claims)
    _show(kept, {claim["n"] for claim in claims} | claimed.keys())
    began |= _bury(kept, made)
    # An erasure writes the tombstone first. So either it has seen what was inserted here, or this sees the tombstone.
    _sweep(kept, {name: at for name, at in erased_at(kept, keys).items() if erased.get(name) != at})
    return began


def erase(kept: Collections, names: Sequence[str]) -> None:
    """Erase by the keys of `belonging`; see `ports.Store.erase`."""
    if not names:
        return
    hashes = {hashed(name): name for name in names}
    times = dict.fromkeys(names, microseconds())
    for collection, identity in ((kept.documents, "_id"), (kept.dead, "id")):
        asked = {"$or": [{identity: {"$in": list(times)}}, {"owners": {"$in": list(hashes)}}]}
        for row in collection.find(asked, {identity: 1, "owners": 1, "published_at": 1}):
            for name in (row[identity], *(hashes.get(owner) for owner in row.get("owners", ()))):
                if name in times:
                    # A clock that was set back must not make the tombstone older than what it erases.
                    times[name] = max(times[name], row["published_at"] or 0)
    tombstones = [
        UpdateOne({"_id": hashed(name)}, {"$max": {"erased_at": Int64(at)}}, upsert=True) for name, at in times.items()
    ]
    with_duplicates(lambda: kept.tombstones.bulk_write(tombstones, ordered=False))
    _sweep(kept, times)


def drop(kept: Collections, burials: Sequence[int]) -> None:
    """See `ports.Store.drop`."""
    kept.dead.delete_many({"_id": {"$in": list(burials)}})


def insert(collection: Collection[Row], rows: Sequence[Row]) -> None:
    """Insert the rows whose keys are free. Raises AnotherWasFirst if one was taken."""
    for row in rows:
        check_size(row)
    if rows:
        with_duplicates(lambda: collection.insert_many(rows, ordered=False))


def with_duplicates(work: Any) -> None:
    """Do the work. Raises AnotherWasFirst if all that failed in it were keys that are taken."""
    try:
        work()
    except BulkWriteError as error:
        failed = error.details["writeErrors"]
        if error.details["writeConcernErrors"] or any(one["code"] != DUPLICATE for one in failed):
            raise
        raise AnotherWasFirst from error


def erased_at(kept: Collections, names: Several[str]) -> dict[str, int]:
    """See `ports.Tombstones.erased`."""
    hashes = {hashed(name): name for name in names}
    found = kept.tombstones.find({"_id": {"$in": list(hashes)}})
    return {hashes[row["_id"]]: row["erased_at"] for row in found}


def _sweep(kept: Collections, erased: Mapping[str, int]) -> None:
    """Delete what was published before it was erased."""
    for collection, identity in ((kept.documents, "_id"), (kept.claims, "id"), (kept.dead, "id")):
        deletions = [
            DeleteMany({**named, "published_at": {"$not": {"$gt": Int64(at)}}})
            for name, at in erased.items()
            for named in ({identity: name}, {"owners": hashed(name)})
        ]
        if deletions:
            collection.bulk_write(deletions, ordered=False)


def _claims(kept: Collections, numbers: Iterable[int]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = defaultdict(list)
    if wanted := sorted(numbers):
        for claim in kept.claims.find({"n": {"$in": wanted}}):
            found[claim["n"]].append(claim)
    return found


def _note(kept: Collections, made: Plan) -> None:
    """Note which labels and cells there will be, before the answers are written: so counting by what is noted misses none."""
    answers = [(n, model_of(prediction.model), prediction.label) for n, prediction in made.answers]
    note_labels(kept, {pair(model, label) for _, model, label in answers})
    note_cells(kept, {(made.earlier.get(n, made.now) // HOUR, model, label) for n, model, label in answers})


def note_labels(kept: Collections, labels: Several[str]) -> None:
    """Note labels (`pair`) that models answer."""
    _add_missing(kept.labels, [{"_id": name} for name in sorted(labels)])


def note_cells(kept: Collections, cells: Several[tuple[int, str, str]]) -> None:
    """Note in which hours models answer which labels."""
    _add_missing(
        kept.hours,
        [
            {"_id": cell(hour, model, label), "hour": hour, "model": model, "label": label}
            for hour, model, label in sorted(cells)
        ],
    )


def _add_missing(collection: Collection[Row], rows: Sequence[Row]) -> None:
    """Insert the rows that are not there. The server is asked each time: it may have been restored, or emptied, since the last."""
    if rows:
        there = {row["_id"] for row in collection.find({"_id": {"$in": [row["_id"] for row in rows]}}, {"_id": 1})}
        with suppress(AnotherWasFirst):  # its presence is all that counts
            insert(collection, [row for row in rows if row["_id"] not in there])


def _insert(kept: Collections, made: Plan) -> bool:
    """Insert the new documents; whether they are the first."""
    if not made.documents:
        return False
    said: dict[int, Row] = {planned: {ANSWERED: [], OTHERS: []} for planned, _ in made.documents}
    for name, predictions in ((ANSWERED, made.answers), (OTHERS, made.predictions)):
        for planned, prediction in predictions:
            if planned in said:
                said[planned][name].append(entry(prediction))
    first = _take(kept, "documents", len(made.documents))
    numbered = enumerate(made.documents, first)
    rows = [document_row(n, document, made.now, said[planned]) for n, (planned, document) in numbered]
    insert(kept.documents, rows)
    return first == 1


def _show(kept: Collections, numbers: Several[int]) -> None:
    """Make these documents show their claims. Every writer reads a document again after changing it, so the last change misses nothing."""
    while numbers:
        claims = _claims(kept, numbers)
        updates = []
        for row in kept.documents.find({"n": {"$in": sorted(numbers)}}, {"text": 0, "meta": 0}):
            shown = folded(row, claims.get(row["n"], ()))
            if shown != {name: row[name] for name in shown}:
                updates.append(UpdateOne({"_id": row["_id"], "n": Int64(row["n"])}, {"$set": shown}))
        if not updates:
            return
        kept.documents.bulk_write(updates, ordered=False)


def _bury(kept: Collections, made: Plan) -> bool:
    """Bury the dead letters; whether they are the first."""
    if made.cleared:
        found = kept.dead.find({"content": {"$in": made.cleared_contents()}}, {"content": 1, "model": 1})
        if cleared := made.clears((row["_id"], row["content"], row["model"]) for row in found):
            drop(kept, cleared)
    if not made.burials:
        return False
    first = _take(kept, "dead", len(made.burials))
    insert(kept.dead, [dead_row(number, letter) for number, letter in enumerate(made.burials.values(), first)])
    # Of the same content the newest stays. Numbers are never given twice, so dropping the old burial does not drop this one.
    contents = sorted({content for content, _ in made.burials})
    newest: set[tuple[str, str]] = set()
    older = []
    for row in kept.dead.find({"content": {"$in": contents}}, {"content": 1, "model": 1}).sort("_id", -1):
        key = row["content"], row["model"]
        if key in newest:
            older.append(row["_id"])
        newest.add(key)
    if older:
        kept.dead.delete_many({"_id": {"$in": older}})
    return first == 1


def _take(kept: Collections, what: str, many: int) -> int:
    """Reserve this many numbers; returns the first.

    If the server's addition is not atomic (FerretDB), another writer may get them too; then the unique index refuses one of the two.
    """
    row = kept.numbers.find_one_and_update(
        {"_id": what}, {"$inc": {"last": Int64(many)}}, upsert=True, return_document=ReturnDocument.AFTER
    )
    assert row is not None  # it is created if it is missing
    return int(row["last"]) - many + 1
