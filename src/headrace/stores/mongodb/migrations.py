"""What makes the documents of a version those of the next, when a store is opened that an earlier Headrace wrote.

There are no transactions: each step may end anywhere, be done again, and be done by several at once.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice

import msgspec
from bson import Int64
from pymongo import UpdateOne

from headrace.belonging import owners_of, owners_of_letter
from headrace.clock import HOUR, microseconds
from headrace.ports import model_of
from headrace.stores.mongodb.rows import ANSWERED, keys_of, owned
from headrace.stores.mongodb.server import Collections, Row
from headrace.stores.mongodb.writing import note_cells

AT_ONCE = 1000  # documents of an update


def _note_times(kept: Collections) -> None:
    """Nobody noted when documents were stored before version 2. They count as stored when they were published, or now if nobody noted
    that."""
    now, untimed = microseconds(), {"stored_at": {"$exists": False}}
    rows = iter(kept.documents.find(untimed, {"published_at": 1, ANSWERED: 1}))
    for some in _batches(rows):
        times = {row["_id"]: min(row["published_at"] or now, now) for row in some}
        note_cells(
            kept,
            {
                (times[row["_id"]] // HOUR, model_of(answer["version"]), answer["label"])
                for row in some
                for answer in row[ANSWERED]
            },
        )
        updates = [
            UpdateOne(
                {"_id": row["_id"], **untimed},
                {"$set": {"stored_at": Int64(times[row["_id"]]), "keys": keys_of(row[ANSWERED], times[row["_id"]])}},
            )
            for row in some
        ]
        kept.documents.bulk_write(updates, ordered=False)


def _key_versions(kept: Collections) -> None:
    """Before version 3, no key said version and label together."""
    for some in _batches(kept.documents.find({f"{ANSWERED}.0": {"$exists": True}}, {ANSWERED: 1, "stored_at": 1})):
        updates = [
            # If somebody has shown another answer meanwhile, its keys are those of this version already.
            UpdateOne(
                {"_id": row["_id"], ANSWERED: row[ANSWERED]},
                {"$set": {"keys": keys_of(row[ANSWERED], int(row["stored_at"]))}},
            )
            for row in some
        ]
        kept.documents.bulk_write(updates, ordered=False)


def _note_owners(kept: Collections) -> None:
    """Before version 4, no row said to whom it belongs. Predictions that are claimed of a document say it as the document does."""
    for some in _batches(kept.documents.find({"meta": {"$ne": None}}, {"source": 1, "meta": 1, "n": 1})):
        for row in some:
            if owners := owned(owners_of(row["source"], msgspec.json.decode(row["meta"]))):
                kept.documents.update_one({"_id": row["_id"]}, {"$set": owners})
                kept.claims.update_many({"n": row["n"]}, {"$set": owners})
    for some in _batches(kept.dead.find({}, {"source": 1, "data": 1})):
        for row in some:
            if owners := owned(owners_of_letter(row["source"], row["data"])):
                kept.dead.update_one({"_id": row["_id"]}, {"$set": owners})


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while some := list(islice(rows, AT_ONCE)):
        yield some


STEPS: Mapping[int, Callable[[Collections], None]] = {1: _note_times, 2: _key_versions, 3: _note_owners}
