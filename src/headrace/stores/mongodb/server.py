"""The MongoDB server of a store: its address, its collections and indexes, and the translation of its errors."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import unquote, urlsplit

from bson.errors import BSONError
from pymongo import IndexModel, MongoClient, ReadPreference, errors, uri_parser
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from headrace.errors import HeadraceError, Misconfigured, Rejected, Unavailable

VERSION = 2
DATABASE, PREFIX = "headrace", "headrace"
# Defaults that the URL overrides. Milliseconds.
PATIENCE: Mapping[str, Any] = {
    "appname": "headrace",
    "serverSelectionTimeoutMS": 10_000,
    "connectTimeoutMS": 10_000,
    "socketTimeoutMS": 60_000,
}
# The URL cannot override these: what is confirmed is on the disks of most nodes, and what is read cannot be rolled back.
CONFIRMED = WriteConcern("majority", wtimeout=30_000, j=True)
DECIDED = ReadConcern("majority")
DUPLICATE = 11000
INDEX_ATTEMPTS, PAUSE_SECONDS = 10, 0.02
_REFUSED = frozenset({13, 18, 8000, 11})  # not allowed, or unknown user
_TOO_LARGE = frozenset({2, 10334, 17280, 17419, 17420})
# Temporary errors: elections, shutdowns, time-outs, a full disk, and internal errors of the server.
_PASSING = frozenset(
    {1, 6, 7, 50, 64, 89, 91, 112, 133, 134, 189, 202, 234, 262, 317, 358, 9001, 10107, 11600, 11602, 13388, 13435}
    | {13436, 14031}
)

Row: TypeAlias = dict[str, Any]
# Indexes for pages and queries; unique ones also decide which of two writers was first.
INDEXES: Mapping[str, Sequence[IndexModel]] = {
    "documents": (
        IndexModel([("n", 1)], unique=True),
        IndexModel([("keys", 1), ("n", 1)]),
        IndexModel([("source", 1), ("n", 1)]),
        IndexModel([("stored_at", 1)]),
    ),
    "hours": (IndexModel([("model", 1), ("hour", 1)]),),
    "claims": (IndexModel([("n", 1)]), IndexModel([("id", 1)])),
    "dead": (
        IndexModel([("id", 1)]),
        IndexModel([("content", 1)]),
        IndexModel([("kind", 1)]),
        IndexModel([("model", 1), ("_id", 1)]),
        IndexModel([("source", 1), ("_id", 1)]),
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
        if not prefix.isidentifier():
            raise Misconfigured(f"prefix={prefix!r} of a MongoDB store: write letters, digits and underscores")
        try:
            parsed = uri_parser.parse_uri(address)
            options = {name: value for name, value in PATIENCE.items() if name not in parsed["options"]}
            self.client: MongoClient[Row] = MongoClient(address, **options)
        except errors.PyMongoError as error:
            raise Misconfigured(f"the address of a MongoDB store cannot be read: {error}") from None
        except (ValueError, TypeError):  # their messages may contain the password
            raise Misconfigured(
                "the address of a MongoDB store cannot be read: check hosts, ports and options, and percent-encode special"
                " characters of user and password"
            ) from None
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

    @staticmethod
    def parse(url: str) -> dict[str, str]:
        """The keyword arguments of the store that a URL describes."""
        parts = urlsplit(url)
        parameters = parts.query.split("&")
        prefix = [unquote(part.removeprefix("prefix=")) for part in parameters if part.startswith("prefix=")]
        rest = "&".join(part for part in parameters if not part.startswith("prefix="))
        address = f"{parts.scheme}://{parts.netloc}{parts.path or '/'}{'?' if rest else ''}{rest}"
        return {"address": address, "prefix": prefix[-1] if prefix else PREFIX}

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


def translate(error: Exception, doing: str) -> HeadraceError:
    """The error to raise for one of MongoDB's, of its driver's or of BSON's."""
    message = " ".join(str(error).partition(", Timeout:")[0].partition(", full error:")[0].split())
    if isinstance(error, (BSONError, OverflowError, errors.DocumentTooLarge)):
        return Rejected(f"{doing}: MongoDB can never store it ({message})")
    if isinstance(error, errors.ConfigurationError):
        return Misconfigured(f"{doing}: {message}; check the options of the URL")
    if isinstance(error, (errors.ConnectionFailure, errors.InvalidOperation, errors.WriteConcernError)):
        return Unavailable(f"{doing}: {message}")
    code = error.code if isinstance(error, errors.OperationFailure) else None
    if isinstance(error, errors.BulkWriteError):
        failed = error.details["writeErrors"] or error.details["writeConcernErrors"]
        code, message = failed[0]["code"], failed[0]["errmsg"]
        if not error.details["writeErrors"]:
            return Unavailable(f"{doing}: {message}")
    if code in _REFUSED:
        return Misconfigured(
            f"{doing}: {message}; check user, password and authSource of the URL, and that the user may write"
        )
    if code in _TOO_LARGE:
        return Rejected(f"{doing}: the server can never store it ({message})")
    if code is None or code in _PASSING:
        return Unavailable(f"{doing}: {message}")
    return Misconfigured(f"{doing}: {message}")
