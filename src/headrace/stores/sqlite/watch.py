"""Looking up many documents of the embedded store at once, and learning of its changes.

Every query gives one row, made of JSON: Python gives up its lock for each row that it reads, and a busy server may get it back late.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from headrace import sqlite_file
from headrace.clock import to_datetime
from headrace.documents import DeadLetter, Prediction, Result
from headrace.stores.sql.numbering import name_sql
from headrace.stores.sql.schema import key_of
from headrace.stores.sqlite.writing import IN, as_json

POLL_SECONDS = 0.001  #: between two looks at the number that changes with every commit

Row = tuple[str, str, str, str | None, str | None, int | None, int, list[tuple[str, str, str, str]]]


# 18 digits tell every double from its neighbours; JSON of SQLite has 15.
_ANSWERS = (
    f"SELECT json_group_array(json_array({name_sql('m', 'a.model')}, {name_sql('v', 'a.version')}, {name_sql('l', 'a.label')},"
    " printf('%!.17e', a.score))) FROM answers AS a LEFT JOIN names AS m ON m.n = a.model"
    " LEFT JOIN names AS v ON v.n = a.version LEFT JOIN names AS l ON l.n = a.label WHERE a.document = d.n"
)
_RESULTS = (
    f"SELECT json_group_array(json_array(d.id, d.text, {name_sql('s', 'd.source')}, d.created_at, d.meta, d.published_at,"
    f" d.stored_at, json(({_ANSWERS})))) FROM json_each(?) AS asked CROSS JOIN documents AS d ON d.key = asked.value"
    " LEFT JOIN names AS s ON s.n = d.source"
)
_KNOWN = (
    "SELECT json_group_array(json_array(d.n, d.id)) FROM json_each(?) AS asked"
    " CROSS JOIN documents AS d ON d.key = asked.value"
)
_OTHERS = (
    "SELECT json_group_array(json_extract(asked.value, '$[2]')) FROM json_each(?) AS asked"
    " CROSS JOIN documents AS d ON d.n = json_extract(asked.value, '$[0]')"
    " WHERE d.text != json_extract(asked.value, '$[1]')"
)
_LETTERS = f"SELECT {', '.join(DeadLetter.__struct_fields__)} FROM dead_letters WHERE content {IN} ORDER BY burial DESC"

_decode_rows = msgspec.json.Decoder(list[Row]).decode
_decode_known = msgspec.json.Decoder(list[tuple[int, str]]).decode
_decode_places = msgspec.json.Decoder(set[int]).decode


class SqliteWatch:
    """A watch of the file that its path names, over a connection that stays open. `open_file` opens it."""

    def __init__(self, open_file: Callable[[], sqlite_file.OpenFile]) -> None:
        self._open_file = open_file
        self._connection: sqlite_file.OpenFile | None = None
        self._seen: int | None = None

    def conflicts(self, documents: Sequence[tuple[str, str]]) -> set[int]:
        with self._asking() as connection:
            known = _decode_known(_one(connection, _KNOWN, _keys(identity for identity, _ in documents)))
            numbers = {identity: number for number, identity in known}
            asked = [
                (numbers[identity], text, place)
                for place, (identity, text) in enumerate(documents)
                if identity in numbers
            ]
            return _decode_places(_one(connection, _OTHERS, as_json(asked))) if asked else set()

    def results(self, ids: Sequence[str]) -> dict[str, Result]:
        asked = set(ids)
        with self._asking() as connection:
            rows = _decode_rows(_one(connection, _RESULTS, _keys(asked)))
        return {row[0]: _result(row) for row in rows if row[0] in asked}

    def letters(self, contents: Sequence[str]) -> list[DeadLetter]:
        with self._asking() as connection:
            if not connection.execute("SELECT EXISTS (SELECT 1 FROM dead_letters)").fetchone()[0]:
                return []
            return [DeadLetter(*row) for row in connection.execute(_LETTERS, (as_json(contents),))]

    def wait(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        with self._asking() as connection:
            while self._seen == (change := _change(connection)):
                if (left := deadline - time.monotonic()) <= 0:
                    return False
                time.sleep(min(left, POLL_SECONDS))
        self._seen = change
        return True

    def close(self) -> None:
        connection, self._connection, self._seen = self._connection, None, None
        if connection is not None:
            connection.close()

    @contextmanager
    def _asking(self) -> Iterator[sqlite_file.OpenFile]:
        """A connection to the file that the path names now."""
        if self._connection is not None and not self._connection.is_current():
            self.close()
        self._connection = connection = self._connection or self._open_file()
        with sqlite_file.translated(f"using the store {connection.path}"):
            yield connection


def _change(connection: sqlite_file.OpenFile) -> int:
    """A number that is another one after another connection has committed."""
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def _one(connection: sqlite_file.OpenFile, statement: str, parameter: str) -> str:
    value: str = connection.execute(statement, (parameter,)).fetchone()[0]
    return value


def _keys(ids: Iterable[str]) -> str:
    return as_json([key_of(identity) for identity in ids])


def _result(row: Row) -> Result:
    identity, text, source, created_at, meta, published_at, stored_at, answers = row
    members: dict[str, Any] = msgspec.json.decode(meta) if meta else {}
    predictions = {model: Prediction(label, float(score), version) for model, version, label, score in answers}
    published = None if published_at is None else to_datetime(published_at)
    return Result(identity, text, source, created_at, members, predictions, published, to_datetime(stored_at))
