"""Stores that an earlier or a newer Headrace wrote: taken forward when they are opened, or refused and left as they are."""

import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import psycopg
import pytest

from headrace.clock import HOUR
from headrace.documents import Outcome, encode
from headrace.errors import HeadraceError, Misconfigured
from headrace.ports import Counts, DeadQuery, HourCount, ResultQuery, StoreAdapter, WorkerStatus
from headrace.stores.postgresql import PostgresqlStore
from headrace.stores.sql import migrations, schema
from headrace.stores.sqlite import SqliteStore
from headrace.testing.outcomes import document, labelled, letters, prediction, results

EARLIER = Path(__file__).parent / "earlier"  # the tables as each version made them
NEW = {"answers_cell", "answers_model", "dead_letters_kind", "dead_letters_model", "dead_letters_source"}
NAMES = "INSERT INTO names (n, name) VALUES (1, 'suite'), (2, 'language'), (3, 'language@aaaaaa'), (4, 'sv')"
# A document with an answer, and a dead letter.
ROWS = (
    NAMES,
    f"INSERT INTO documents (n, key, id, text, source, published_at) VALUES (1, {schema.key_of('a')}, 'a', 'hej', 1, 1000000)",
    "INSERT INTO answers (document, model, version, label, score) VALUES (1, 2, 3, 4, 0.75)",
    "INSERT INTO dead_letters (burial, key, content, model, id, kind, reason, data, source, buried_at)"
    " VALUES (7, 5, 'c', 'mood', 'b', 'raised', 'no', '', 'suite', 1)",
)

UNTIMED = list(product(["sqlite", "postgresql"], [1, 2]))
# Since version 3 it is noted when a document was stored.
OF_3 = (
    NAMES,
    "INSERT INTO documents (n, key, id, text, source, published_at, stored_at)"
    f" VALUES (1, {schema.key_of('a')}, 'a', 'hej', 1, 1000000, 1000000)",
    *ROWS[2:],
)
SINCE_3 = "INSERT INTO hours VALUES (2, 0, 4{0}, 1); INSERT INTO spans VALUES (60, 0{0}, 1, 1), (3600, 0{0}, 1, 1), (86400, 0{0}, 1, 1)"

# Since version 4, answers have the source of their document, and combinations of it are noted.
OF_4 = (
    "INSERT INTO answers (document, model, version, label, score, source) VALUES (1, 2, 3, 4, 0.75, 1)",
    "INSERT INTO cells (source, label, version, model) VALUES (1, 4, 3, 2)",
)


def rows_of(version: int, slot: str) -> list[str]:
    """What a store of this version holds. `slot` stands before the figures of tables that have one."""
    counts = f"INSERT INTO counts VALUES (0, 0{slot}, 1), (2, 4{slot}, 1)"
    if version < 3:
        return [*ROWS, counts]
    rows = [*OF_3, counts, *SINCE_3.format(slot).split("; ")]
    return rows if version < 4 else [new for row in rows for new in (OF_4 if row == OF_3[2] else (row,))]


@dataclass
class Earlier:
    """A store of an earlier version: how it is opened, and how to look into it."""

    connect: Callable[[], StoreAdapter]
    ask: Callable[[str], list[Any]]
    version: str
    indexes: str
    columns: str


def in_sqlite(path: Path, version: int) -> Earlier:
    with closing(sqlite3.connect(path)) as made:
        made.executescript((EARLIER / f"store_{version}_sqlite.sql").read_text())
        made.executescript(";".join(rows_of(version, "")))

    def ask(statement: str) -> list[Any]:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            return connection.execute(statement).fetchall()

    indexes = "SELECT name, sql FROM sqlite_master WHERE type = 'index' ORDER BY name"
    columns = (
        'SELECT m.name, c.name, c.type, c."notnull", c.pk FROM sqlite_master m, pragma_table_info(m.name) c'
        " WHERE m.type = 'table' ORDER BY m.name, c.cid"
    )
    return Earlier(lambda: SqliteStore(path), ask, "PRAGMA user_version", indexes, columns)


def in_postgresql(url: str, name: str, version: int) -> Earlier:
    def ask(statement: str) -> list[Any]:
        with psycopg.connect(url, options=f"-c search_path={name}", autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    ask(f"CREATE SCHEMA {name}")
    ask((EARLIER / f"store_{version}_postgresql.sql").read_text())
    for statement in rows_of(version, ", 0"):
        ask(statement)
    ask("SELECT setval(pg_get_serial_sequence('documents', 'n'), 1), setval(pg_get_serial_sequence('names', 'n'), 4)")
    indexes = f"SELECT indexname, replace(indexdef, '{name}', '') FROM pg_indexes WHERE schemaname = '{name}' ORDER BY indexname"
    columns = (
        "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns"
        f" WHERE table_schema = '{name}' ORDER BY table_name, ordinal_position"
    )
    return Earlier(lambda: PostgresqlStore(url, schema=name), ask, "SELECT version FROM about", indexes, columns)


@pytest.fixture(params=list(product(["sqlite", "postgresql"], range(1, schema.VERSION))), ids="{0[0]}-{0[1]}".format)
def earlier(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Earlier]:
    server, version = request.param
    if server == "sqlite":
        yield in_sqlite(tmp_path / "store.db", version)
        return
    made = in_postgresql(request.getfixturevalue("postgresql"), f"earlier_{secrets.token_hex(6)}", version)
    yield made
    made.ask("DROP SCHEMA {} CASCADE".format(made.ask("SELECT current_schema()")[0][0]))


def check(store: StoreAdapter) -> None:
    (result,) = results(store)
    assert (result.id, result.text, result.source, result.predictions["language"].label) == ("a", "hej", "suite", "sv")
    published = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert (result.published_at, result.stored_at) == (published, published)
    assert results(store, ResultQuery(since=published, until=published + timedelta(seconds=1))) == [result]
    assert results(store, ResultQuery(until=published)) == []
    assert list(store.count_by_hour("language")) == [HourCount(published.replace(second=0), "sv", 1)]
    assert store.count(ResultQuery()) == Counts(1, {"language": {"sv": 1}})
    assert [(one.burial, one.id, one.model) for one in letters(store)] == [(7, "b", "mood")]
    assert [one.id for one in results(store, ResultQuery(model="language"))] == ["a"]
    assert [one.id for one in results(store, ResultQuery(source="suite", label="sv"))] == ["a"]
    assert [one.id for one in results(store, ResultQuery(version="language@aaaaaa", label="sv"))] == ["a"]
    assert store.count_dead(DeadQuery()) == {"raised": 1}


def test_an_earlier_store_is_taken_forward_and_keeps_what_it_has(earlier: Earlier) -> None:
    for _ in range(2):
        with closing(earlier.connect()) as store:
            check(store)
    assert earlier.ask(earlier.version) == [(schema.VERSION,)]
    with closing(earlier.connect()) as store:
        store.write([labelled("a"), labelled("new")])
        assert [one.id for one in results(store)] == ["new", "a"]


def test_a_worker_that_an_earlier_headrace_saw_in_the_future_is_listed_as_seen_now(earlier: Earlier) -> None:
    with closing(earlier.connect()) as store:
        ahead = store.time() + HOUR
        earlier.ask(
            "INSERT INTO workers (name, started_at, seen_at, state, models, counts)"
            f" VALUES ('ahead', {ahead}, {ahead}, 'working', '[]', '{{}}')"
        )
        for _ in range(2):
            store.beat(WorkerStatus("right", 1, 2, "working"))
        assert [one.name for one in store.workers()] == ["ahead", "right"]
        assert all(one.seen_at <= store.time() for one in store.workers())


@pytest.mark.parametrize("earlier", UNTIMED, ids="{0[0]}-{0[1]}".format, indirect=True)
def test_what_says_no_time_of_publishing_or_one_to_come_counts_as_stored_when_it_is_taken_forward(
    earlier: Earlier,
) -> None:
    late = 1 << 61
    for number, at in ((2, "NULL"), (3, f"{late}")):
        name = "ab"[number - 2] * number
        earlier.ask(
            "INSERT INTO documents (n, key, id, text, source, published_at)"
            f" VALUES ({number}, {schema.key_of(name)}, '{name}', 'hej', 1, {at})"
        )
        earlier.ask(f"INSERT INTO answers (document, model, version, label, score) VALUES ({number}, 2, 3, 4, 0.75)")
    before = datetime.now(UTC) - timedelta(seconds=1)
    with closing(earlier.connect()) as store:
        after = datetime.now(UTC)
        assert [one.id for one in results(store, ResultQuery(since=before))] == ["bbb", "aa"]
        assert all(one.stored_at <= after for one in results(store) if one.stored_at is not None)
        assert sum(one.count for one in store.count_by_hour("language")) == 3


def test_a_store_that_was_taken_forward_goes_on_counting(earlier: Earlier) -> None:
    with closing(earlier.connect()) as store:
        mood = Outcome(document("a"), (prediction("good", "mood@aaaaaa"),), (prediction("da", "language@bbbbbb"),))
        store.write([labelled("new"), mood])
        assert [one.hour.year for one in store.count_by_hour("mood")] == [1970]
        assert [(one.prediction.label, one.answer) for one in store.predictions(["a"])["a"]] == [
            ("sv", True),
            ("da", False),
            ("good", True),
        ]
        store.erase(["a"])
        assert [one.count for one in store.count_by_hour("language")] == [1]
        assert list(store.count_by_hour("mood")) == []


def test_what_an_author_wrote_before_the_store_was_taken_forward_is_erased_with_the_author(earlier: Earlier) -> None:
    stored = ", stored_at" if "stored_at" in str(earlier.ask(earlier.columns)) else ""
    for number, meta in ((2, '{"author":"anna"}'), (3, '{"edit_of":"a"}'), (4, '{"author_id":7}'), (5, "{}")):
        earlier.ask(
            f"INSERT INTO documents (n, key, id, text, source, meta, published_at{stored})"
            f" VALUES ({number}, {schema.key_of(str(number))}, '{number}', 'hej', 1, '{meta}', 1{', 1' if stored else ''})"
        )
    cast, data = ("", "x'") if "PRAGMA" in earlier.version else ("::bytea", "'\\x")
    buried = encode(document("6", meta={"author": "anna"})).hex()
    earlier.ask(
        "INSERT INTO dead_letters (burial, key, content, model, id, kind, reason, data, source, buried_at)"
        f" VALUES (8, 6, 'd', 'mood', '6', 'raised', 'no', {data}{buried}'{cast}, 'suite', 1)"
    )
    with closing(earlier.connect()) as store:
        assert len(letters(store)) == 2
        store.erase(["a"], authors=["suite:anna", "suite:7"])
        assert [one.id for one in results(store)] == ["5"]
        assert [one.id for one in letters(store)] == ["b"]


def test_a_store_that_was_taken_forward_is_as_a_new_one(earlier: Earlier) -> None:
    with closing(earlier.connect()) as store:
        taken = earlier.ask(earlier.indexes), earlier.ask(earlier.columns)
        store.remove()
    with closing(earlier.connect()):
        assert (earlier.ask(earlier.indexes), earlier.ask(earlier.columns)) == taken
    assert {name for name, _ in taken[0]} > NEW


def test_a_step_that_fails_leaves_the_earlier_store_whole(earlier: Earlier) -> None:
    earlier.ask("ALTER TABLE dead_letters ADD COLUMN edit_of integer")  # the last step cannot add its own
    before = [earlier.ask(asked) for asked in (earlier.version, earlier.indexes, earlier.columns)]
    with pytest.raises(HeadraceError, match="edit_of"):
        earlier.connect()
    assert [earlier.ask(asked) for asked in (earlier.version, earlier.indexes, earlier.columns)] == before
    earlier.ask("ALTER TABLE dead_letters DROP COLUMN edit_of")
    with closing(earlier.connect()) as store:
        check(store)


def test_many_that_open_an_earlier_store_at_once_take_it_forward_once(earlier: Earlier) -> None:
    failed: list[BaseException] = []

    def connect() -> None:
        try:
            with closing(earlier.connect()) as store:
                check(store)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=connect) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert earlier.ask(earlier.version) == [(schema.VERSION,)]


def test_a_newer_store_is_refused_and_left_as_it_is(earlier: Earlier) -> None:
    newer = schema.VERSION + 1
    earlier.ask(
        f"PRAGMA user_version={newer}" if "PRAGMA" in earlier.version else f"UPDATE about SET version = {newer}"
    )
    before = earlier.ask(earlier.indexes)
    with pytest.raises(Misconfigured, match="newer Headrace"):
        earlier.connect()
    assert earlier.ask(earlier.indexes) == before
    assert earlier.ask(earlier.version) == [(newer,)]


def test_every_version_has_steps_to_the_next() -> None:
    for steps in (migrations.SQLITE, migrations.POSTGRESQL):
        assert sorted(steps) == list(range(1, schema.VERSION))
