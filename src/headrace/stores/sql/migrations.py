"""What makes the tables of a version those of the next, when a store is opened that an earlier Headrace wrote.

As text, in the words of each dialect, or as a function of the driver's connection: the tables of schema.py are those of the newest version.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from headrace.stores.sql import owners

_INDEXES_OF_2 = (
    "CREATE INDEX answers_model ON answers (model, document)",
    "CREATE INDEX dead_letters_kind ON dead_letters (kind)",
    "CREATE INDEX dead_letters_model ON dead_letters (model, burial)",
    "CREATE INDEX dead_letters_source ON dead_letters (source, burial)",
)
# Nobody noted when documents were stored before version 3. They count as stored when they were published, or now if nobody noted that.
_NOW_IN_SQLITE = "CAST(strftime('%s', 'now') AS INTEGER) * 1000000"
_NOW_IN_POSTGRESQL = "CAST(extract(epoch FROM now()) * 1000000 AS bigint)"
_HOURS = "SELECT model, stored_at / 3600000000, label, {}count(*) FROM answers JOIN documents ON n = document GROUP BY 1, 2, 3"
_SPANS = (
    "SELECT 60, stored_at / 60000000, {0}min(n), max(n) FROM documents GROUP BY 2 UNION ALL"
    " SELECT 3600, stored_at / 3600000000, {0}min(n), max(n) FROM documents GROUP BY 2 UNION ALL"
    " SELECT 86400, stored_at / 86400000000, {0}min(n), max(n) FROM documents GROUP BY 2"
)

_CELLS = "INSERT INTO cells (source, label, version, model) SELECT DISTINCT source, label, version, model FROM answers"
_INDEXES_OF_4 = (
    "CREATE INDEX answers_cell ON answers (source, label, version, document)",
    "CREATE INDEX cells_label ON cells (label, model)",
    "CREATE INDEX cells_model ON cells (model)",
    "CREATE INDEX cells_version ON cells (version, label)",
)
_TABLE_OF_CELLS = (
    "CREATE TABLE cells (source INTEGER NOT NULL, label INTEGER NOT NULL, version INTEGER NOT NULL, model INTEGER NOT NULL,"
    " PRIMARY KEY (source, label, version, model))"
)

Step = str | Callable[[Any], None]
_INDEXES_OF_5 = tuple(
    f"CREATE INDEX {table}_{column} ON {table} ({column}) WHERE {column} IS NOT NULL"
    for table in ("dead_letters", "documents")
    for column in ("author", "edit_of")
)


def _owners_as(number: str) -> Sequence[str]:
    """The columns of version 5, of a type."""
    return [
        f"ALTER TABLE {table} ADD COLUMN {column} {number}"
        for table in ("documents", "dead_letters")
        for column in ("author", "edit_of")
    ]


SQLITE: Mapping[int, Sequence[Step]] = {
    1: _INDEXES_OF_2,
    2: (
        "ALTER TABLE documents ADD COLUMN stored_at INTEGER NOT NULL DEFAULT 0",
        f"UPDATE documents SET stored_at = min(coalesce(published_at, {_NOW_IN_SQLITE}), {_NOW_IN_SQLITE})",
        "CREATE TABLE hours (model INTEGER NOT NULL, hour INTEGER NOT NULL, label INTEGER NOT NULL, total INTEGER NOT NULL,"
        " PRIMARY KEY (model, hour, label)) WITHOUT ROWID",
        f"INSERT INTO hours (model, hour, label, total) {_HOURS.format('')}",
        "CREATE TABLE spans (seconds INTEGER NOT NULL, start INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,"
        " PRIMARY KEY (seconds, start)) WITHOUT ROWID",
        f"INSERT INTO spans (seconds, start, first, last) {_SPANS.format('')}",
        "ALTER TABLE workers ADD COLUMN metrics BLOB",
    ),
    3: (
        "ALTER TABLE answers ADD COLUMN source INTEGER NOT NULL DEFAULT 0",
        "UPDATE answers SET source = coalesce((SELECT source FROM documents WHERE n = document), 0)",
        f"{_TABLE_OF_CELLS} WITHOUT ROWID",
        _CELLS,
        *_INDEXES_OF_4,
    ),
    4: (*_owners_as("INTEGER"), partial(owners.note, mark="?"), *_INDEXES_OF_5),
}
POSTGRESQL: Mapping[int, Sequence[Step]] = {
    1: _INDEXES_OF_2,
    2: (
        "ALTER TABLE documents ADD COLUMN stored_at BIGINT",
        # The table is written anew once, where an UPDATE would leave as many dead rows as it has.
        "ALTER TABLE documents ALTER COLUMN stored_at TYPE BIGINT"
        f" USING least(coalesce(published_at, {_NOW_IN_POSTGRESQL}), {_NOW_IN_POSTGRESQL}), ALTER COLUMN stored_at SET NOT NULL",
        "CREATE TABLE hours (model INTEGER NOT NULL, hour INTEGER NOT NULL, label INTEGER NOT NULL, slot INTEGER NOT NULL,"
        " total BIGINT NOT NULL, PRIMARY KEY (model, hour, label, slot))",
        f"INSERT INTO hours (model, hour, label, slot, total) {_HOURS.format('0, ')}",
        "CREATE TABLE spans (seconds INTEGER NOT NULL, start INTEGER NOT NULL, slot INTEGER NOT NULL, first BIGINT NOT NULL,"
        " last BIGINT NOT NULL, PRIMARY KEY (seconds, start, slot))",
        f"INSERT INTO spans (seconds, start, slot, first, last) {_SPANS.format('0, ')}",
        "ALTER TABLE workers ADD COLUMN metrics BYTEA",
    ),
    3: (
        "ALTER TABLE answers ADD COLUMN source INTEGER NOT NULL DEFAULT 0",
        "UPDATE answers SET source = documents.source FROM documents WHERE n = document",
        "ALTER TABLE answers ALTER COLUMN source DROP DEFAULT",
        _TABLE_OF_CELLS,
        _CELLS,
        *_INDEXES_OF_4,
    ),
    4: (*_owners_as("BIGINT"), partial(owners.note, mark="%s"), *_INDEXES_OF_5),
}
