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
)
from sqlalchemy.schema import CreateIndex, CreateTable

VERSION = 3
# What makes the tables of a version those of the next, for a store that is opened. As text: the tables below are those of the newest
# version. `{bytes}` is the type of bytes, which each dialect calls otherwise.
STEPS: Mapping[int, Sequence[str]] = {
    1: (
        "CREATE INDEX answers_model ON answers (model, document)",
        "CREATE INDEX dead_letters_kind ON dead_letters (kind)",
        "CREATE INDEX dead_letters_model ON dead_letters (model, burial)",
        "CREATE INDEX dead_letters_source ON dead_letters (source, burial)",
    ),
    2: ("ALTER TABLE workers ADD COLUMN metrics {bytes}",),
}
metadata = MetaData()
_NUMBER = BigInteger().with_variant(Integer, "sqlite")

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
    Index("documents_key", "key", info={"only": "sqlite"}),
    # Where many write at once, this is what keeps a document from being stored twice.
    Index("documents_identity", "key", "id", unique=True, info={"only": "postgresql"}),
    Index("documents_source", "source", "n"),
    sqlite_autoincrement=True,
)
# The prediction that stands for a document and a model.
answers = Table(
    "answers",
    metadata,
    Column("document", _NUMBER, primary_key=True),
    Column("model", Integer, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("label", Integer, nullable=False),
    Column("score", Double, nullable=False),
    Index("answers_label", "label", "document", "model"),
    Index("answers_model", "model", "document"),
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
# How many answers there are, kept in the transactions that write them; model 0 counts the documents.
counts = Table(
    "counts",
    metadata,
    Column("model", Integer, primary_key=True, autoincrement=False),
    Column("label", Integer, primary_key=True, autoincrement=False),
    Column("total", _NUMBER, nullable=False),
    sqlite_with_rowid=False,
)
# The same for PostgreSQL, where writers don't wait for each other: each adds to rows of its own slot, and whoever asks adds them up.
slotted_counts = Table(
    "counts",
    MetaData(),
    Column("model", Integer, primary_key=True, autoincrement=False),
    Column("label", Integer, primary_key=True, autoincrement=False),
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("total", _NUMBER, nullable=False),
)
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
    """Eight bytes that find an id; whoever looks compares the id as well."""
    return int.from_bytes(hashlib.blake2b(identity.encode(), digest_size=8).digest(), signed=True)


def steps(dialect: Dialect) -> dict[int, list[str]]:
    """STEPS in the words of a dialect."""
    types = {"bytes": LargeBinary().compile(dialect=dialect)}
    return {version: [statement.format(**types) for statement in statements] for version, statements in STEPS.items()}


def ddl(dialect: Dialect) -> list[str]:
    """The statements that create the tables and indexes."""
    made: list[str] = []
    slotted = dialect.name == "postgresql"
    for table in metadata.sorted_tables:
        chosen = slotted_counts if slotted and table is counts else table
        made.append(str(CreateTable(chosen).compile(dialect=dialect)))
        indexes = [index for index in chosen.indexes if index.info.get("only", dialect.name) == dialect.name]
        indexes.sort(key=lambda index: str(index.name))
        made.extend(str(CreateIndex(index).compile(dialect=dialect)) for index in indexes)
    return made
