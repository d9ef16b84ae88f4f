"""The MongoDB server of a store: its address, its collections and indexes, and the translation of its errors."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from pymongo import IndexModel, MongoClient, ReadPreference, errors
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from headrace.clock import to_microseconds
from headrace.errors import Misconfigured
from headrace.stores.mongodb.url import opened, parsed_of

VERSION = 4
DATABASE = "headrace"
# The URL cannot override these: what is confirmed is on the disks of most nodes, and what is read cannot be rolled back.
CONFIRMED = WriteConcern("majority", wtimeout=30_000, j=True)
DECIDED = ReadConcern("majority")
DUPLICATE = 11000
INDEX_ATTEMPTS, PAUSE_SECONDS = 10, 0.02

Row: TypeAlias = dict[str, Any]
# Indexes for pages and queries; unique ones also decide which of two writers was first.
INDEXES: Mapping[str, Sequence[IndexModel]] = {
    "documents": (
        IndexModel([("n", 1)], unique=True),
        IndexModel([("keys", 1), ("n", 1)]),
        IndexModel([("source", 1), ("n", 1)]),
        IndexModel([("source", 1), ("keys", 1), ("n", 1)]),
        IndexModel([("stored_at", 1)]),
        IndexModel([("owners", 1)]),
    ),
    "hours": (IndexModel([("model", 1), ("hour", 1)]),),
    "claims": (IndexModel([("n", 1)]), IndexModel([("id", 1)]), IndexModel([("owners", 1)])),
    "dead": (
        IndexModel([("id", 1)]),
        IndexModel([("content", 1)]),
        IndexModel([("kind", 1)]),
        IndexModel([("model", 1), ("_id", 1)]),
        IndexModel([("source", 1), ("_id", 1)]),
        IndexModel([("owners", 1)]),
    ),
    "workers": (IndexModel([("seen_at", 1)]),),
}


@dataclass(frozen=True, slots=True)
class Collections:
    """The collections of a store.

    `claims` are predictions for documents that are stored already: inserting one decides it, and then the document is made to show it.
    `labels` names all labels that were ever answered, `hours` those of each hour; `numbers` holds the last number given of each kind.
    """

    documents: Collection[Row]
    claims: Collection[Row]
    dead: Collection[Row]
    tombstones: Collection[Row]
    labels: Collection[Row]
    hours: Collection[Row]
    numbers: Collection[Row]
    cursors: Collection[Row]
    workers: Collection[Row]
    about: Collection[Row]


class Server:
    """The server, database and prefix of a store. `str` gives hosts, database and prefix, without the password."""

    def __init__(self, address: str, prefix: str) -> None:
        parsed = parsed_of(address, prefix)
        self.client: MongoClient[Row] = opened(address, parsed)
        name = parsed["database"] or DATABASE
        self._database: Database[Row] = self.client.get_database(
            name, write_concern=CONFIRMED, read_concern=DECIDED, read_preference=ReadPreference.PRIMARY
        )
        hosts = ",".join(f"{host}:{port}" if port else host for host, port in parsed["nodelist"])
        self._named = f"mongodb://{hosts}/{name}?prefix={prefix}"
        self.collections = Collections(
            **{field: self._database[f"{prefix}.{field}"] for field in Collections.__dataclass_fields__}
        )

    def __str__(self) -> str:
        return self._named

    def prepare(self, steps: Mapping[int, Callable[[Collections], None]]) -> None:
        """Make the indexes that are missing, and take documents of an earlier version forward by the steps from it.

        The version is written last: what a process leaves undone that dies before, the next one does; making an index again is harmless.
        Raises Misconfigured for a store of a newer Headrace.
        """
        kept = self.collections
        about = kept.about.find_one({"_id": "store"})
        found = 0 if about is None else about["version"]
        if found > VERSION:
            raise Misconfigured(
                f"opening the store {self}: it was made by a newer Headrace"
                f" (version {found}, this one knows {VERSION}); upgrade Headrace"
            )
        if found < VERSION:
            for name, indexes in INDEXES.items():
                for index in indexes:  # one by one: FerretDB fails on a list of which some exist
                    _create_index(getattr(kept, name), index)
            for version in range(max(found, 1), VERSION if found else 0):
                steps[version](kept)
            kept.about.update_one({"_id": "store"}, {"$max": {"version": VERSION}}, upsert=True)

    def now(self) -> int:
        """The time by the clock of the primary, in microseconds since the epoch.

        It tells the time to whoever asks; FerretDB knows no other way.
        """
        told: datetime = self.client.admin.command("hello")["localTime"]
        return to_microseconds(told.replace(tzinfo=UTC))

    def remove(self) -> None:
        """Drop the collections; the version first, so that a store that is half removed is created anew."""
        for field in reversed(Collections.__dataclass_fields__):
            getattr(self.collections, field).drop()

    def warnings(self) -> list[str]:
        """Settings with which what was confirmed can be lost."""
        warnings = []
        build = self.client.admin.command("buildInfo")
        if any(name.startswith("ferretdb") for name in build):
            warnings.append(
                f"{self}: FerretDB confirms as its own backend does, and doesn't tell how; take MongoDB for what matters"
            )
        try:
            engine = self.client.admin.command("serverStatus").get("storageEngine", {})
        except errors.OperationFailure:
            engine = {}  # this user may not ask
        if engine.get("persistent") is False:
            warnings.append(
                f"{self}: the storage engine {engine.get('name')} loses everything when the server restarts"
            )
        return warnings


def _create_index(collection: Collection[Row], index: IndexModel) -> None:
    """Create an index; creating it again is harmless.

    FerretDB may mistake the index of a collection dropped a moment ago for one of the new collection, and fail; asked again, it creates
    it.
    """
    for attempt in range(1, INDEX_ATTEMPTS + 1):
        try:
            collection.create_indexes([index])
            return
        except errors.OperationFailure as error:
            if "already exists" not in str(error) or attempt == INDEX_ATTEMPTS:
                raise
            time.sleep(PAUSE_SECONDS * attempt)
