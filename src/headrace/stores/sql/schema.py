"""The tables of the SQL stores, in SQLAlchemy Core.

Rows are numbered as they come and everything else refers to the numbers: names (labels, models, sources) are small integers, and the
only key in random order is an eight-byte hash of the id. That is what keeps a store of millions of documents fast to write.
"""

import hashlib
from collections.abc import Mapping, Sequence

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.schema import CreateIndex, CreateTable

VERSION = 5
metadata = MetaData()
_NUMBER = BigInteger().with_variant(Integer, "sqlite")


def _owner(table: str, column: str) -> Index:
    """An index of the rows that have an owner."""
    there = text(f"{column} IS NOT NULL")
    return Index(f"{table}_{column}", column, sqlite_where=there, postgresql_where=there)


names = Table(
    "names", metadata, Column("n", Integer, primary_key=True), Column("name", String, nullable=False, unique=True)
)
documents = Table(
    "documents",
    metadata,
    Column("n", _NUMBER, primary_key=True),
    Column("key", _NUMBER, nullable=False),
    Column("id", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("source", Integer, nullable=False),
    Column("created_at", Text),
    Column("meta", Text),
    Column("published_at", _NUMBER),
    Column("stored_at", _NUMBER, nullable=False),
    # Hashes, as `key` is, of what a document is erased by beside its id; most have neither.
    Column("author", _NUMBER),
    Column("edit_of", _NUMBER),
    _owner("documents", "author"),
    _owner("documents", "edit_of"),
    Index("documents_key", "key", info={"only": "sqlite"}),
    # With concurrent writers, this index prevents a document from being stored twice.
    Index("documents_identity", "key", "id", unique=True, info={"only": "postgresql"}),
    Index("documents_source", "source", "n"),
)
# What queries read of a document.
DOCUMENT = tuple(column for column in documents.c if column.name not in ("author", "edit_of"))
# The answers: the prediction that stands for a document and a model.
answers = Table(
    "answers",
    metadata,
    Column("document", _NUMBER, primary_key=True),
    Column("model", Integer, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("label", Integer, nullable=False),
    Column("score", Double, nullable=False),
    Column("source", Integer, nullable=False),  # that of the document, for the index of cells
    Index("answers_label", "label", "document", "model"),
    Index("answers_model", "model", "document"),
    Index("answers_cell", "source", "label", "version", "document"),
    sqlite_with_rowid=False,
)
# Which combinations there are among the answers; erasing leaves them. There are few, so that a query can look into each.
cells = Table(
    "cells",
    metadata,
    *(Column(name, Integer, primary_key=True, autoincrement=False) for name in ("source", "label", "version", "model")),
    Index("cells_label", "label", "model"),
    Index("cells_model", "model"),
    Index("cells_version", "version", "label"),
    sqlite_with_rowid=False,
)
# The other predictions: of shadows, and of versions that came after the answer.
predictions = Table(
    "predictions",
    metadata,
    Column("document", _NUMBER, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("label", Integer, nullable=False),
    Column("score", Double, nullable=False),
    sqlite_with_rowid=False,
)


def _tally(name: str, keys: Sequence[str], values: Sequence[str]) -> tuple[Table, Table]:
    """A table of figures that are kept in the transactions which change them, and the same for PostgreSQL.

    There writers don't wait for each other: each keeps rows of its own slot, and queries add them up.
    """

    def table(tables: MetaData, *slot: str) -> Table:
        columns = [Column(key, Integer, primary_key=True, autoincrement=False) for key in (*keys, *slot)]
        columns += [Column(value, _NUMBER, nullable=False) for value in values]
        return Table(name, tables, *columns, sqlite_with_rowid=False)

    return table(metadata), table(MetaData(), "slot")


# How many answers there are; model 0 counts the documents.
counts, _slotted_counts = _tally("counts", ("model", "label"), ("total",))
# How many answers there are by the hour in which their document was stored, in hours since the epoch.
hours, _slotted_hours = _tally("hours", ("model", "hour", "label"), ("total",))
# Between which numbers all documents lie that were stored in a minute (60 seconds), an hour (3600) or a day (86400), numbered since
# the epoch. Whatever clocks did, a document stored in a span of time has a number within its bounds; erasing leaves them as they are.
spans, _slotted_spans = _tally("spans", ("seconds", "start"), ("first", "last"))
_SLOTTED: Mapping[str, Table] = {table.name: table for table in (_slotted_counts, _slotted_hours, _slotted_spans)}
dead_letters = Table(
    "dead_letters",
    metadata,
    Column("burial", _NUMBER, primary_key=True),
    Column("key", _NUMBER, nullable=False),
    Column("content", String(32), nullable=False),
    Column("model", String, nullable=False),
    Column("id", Text, nullable=False),
    Column("kind", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("source", String, nullable=False),
    Column("published_at", _NUMBER),
    Column("buried_at", _NUMBER, nullable=False),
    Column("author", _NUMBER),
    Column("edit_of", _NUMBER),
    _owner("dead_letters", "author"),
    _owner("dead_letters", "edit_of"),
    Index("dead_letters_content", "content", "model", unique=True),
    Index("dead_letters_key", "key"),
    Index("dead_letters_kind", "kind"),
    Index("dead_letters_model", "model", "burial"),
    Index("dead_letters_source", "source", "burial"),
    sqlite_autoincrement=True,
)
tombstones = Table(
    "tombstones",
    metadata,
    Column("key", _NUMBER, primary_key=True, autoincrement=False),
    Column("erased_at", _NUMBER, nullable=False),
)
cursors = Table("cursors", metadata, Column("name", String, primary_key=True), Column("cursor", Text, nullable=False))
workers = Table(
    "workers",
    metadata,
    Column("name", String, primary_key=True),
    Column("started_at", _NUMBER, nullable=False),
    Column("seen_at", _NUMBER, nullable=False),
    Column("state", String, nullable=False),
    Column("models", Text, nullable=False),
    Column("counts", Text, nullable=False),
    Column("metrics", LargeBinary),
)


def key_of(identity: str) -> int:
    """Eight bytes of the id's hash, to look it up by; ids may share a key, so compare the id as well."""
    return int.from_bytes(hashlib.blake2b(identity.encode(), digest_size=8).digest(), signed=True)


def ddl(dialect: Dialect) -> list[str]:
    """The statements that create the tables and indexes."""
    made: list[str] = []
    slotted = _SLOTTED if dialect.name == "postgresql" else {}
    for table in metadata.sorted_tables:
        chosen = slotted.get(table.name, table)
        made.append(str(CreateTable(chosen).compile(dialect=dialect)))
        indexes = [index for index in chosen.indexes if index.info.get("only", dialect.name) == dialect.name]
        indexes.sort(key=lambda index: str(index.name))
        made.extend(str(CreateIndex(index).compile(dialect=dialect)) for index in indexes)
    return made
