"""How a server learns of what is written to PostgreSQL: it is notified, or it asks again and again behind a pool."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, closing
from urllib.parse import urlsplit

import psycopg
import pytest
from support import insist, until
from support.wire import Wire

from headrace.stores.postgresql import PostgresqlStore, writing
from headrace.stores.postgresql.pool import Pool
from headrace.stores.postgresql.server import Server
from headrace.stores.postgresql.watch import PostgresqlWatch
from headrace.testing.outcomes import labelled

PATIENCE = 60.0


@pytest.fixture
def schema() -> str:
    return f"test_{secrets.token_hex(6)}"


@pytest.fixture
def store(postgresql: str, schema: str) -> Iterator[PostgresqlStore]:
    store = PostgresqlStore(postgresql, schema=schema)
    yield store
    store.remove()


def is_told(watch: PostgresqlWatch, store: PostgresqlStore) -> bool:
    """Whether it waits for notifications by now: one that asks again and again never waits for that long in vain."""
    store.write([labelled(secrets.token_hex(6))])
    while watch.wait(0.1):
        if not watch.wait(0.1):
            return True
        store.write([labelled(secrets.token_hex(6))])
    return True


def test_a_write_notifies_once_and_a_write_of_nothing_new_does_not(
    postgresql: str, schema: str, store: PostgresqlStore
) -> None:
    with closing(psycopg.connect(postgresql, autocommit=True)) as listener:
        listener.execute(f"LISTEN {schema}")
        store.write([labelled("a"), labelled("b")])
        store.write([labelled("a")])
        store.write([])
        store.erase(["b"])
        store.write([labelled("c")])
        assert len(list(listener.notifies(timeout=PATIENCE, stop_after=2))) == 2
        assert list(listener.notifies(timeout=0.0)) == []


def test_who_is_notified_asks_no_more_than_it_has_to(store: PostgresqlStore) -> None:
    with closing(store.watch()) as watch:
        assert is_told(watch, store)


def test_what_a_writer_committed_that_died_before_it_could_notify_is_found_all_the_same(
    postgresql: str, schema: str, store: PostgresqlStore
) -> None:
    with closing(store.watch()) as watch:
        assert is_told(watch, store)
        silent = Pool(Server(postgresql, schema))
        silent.transact("writing", lambda open_: writing.write(open_, [labelled("a")]))
        silent.close()
        until(lambda: watch.wait(PATIENCE) and watch.results(["a"]))


def test_a_watch_whose_connection_is_lost_opens_another_and_is_notified_again(
    postgresql: str, schema: str, store: PostgresqlStore
) -> None:
    parts = urlsplit(postgresql)
    with ExitStack() as opened:
        wire = opened.enter_context(Wire(parts.hostname or "", parts.port or 5432))
        address = f"postgresql://{parts.username}:{parts.password}@127.0.0.1:{wire.port}{parts.path}"
        through = opened.enter_context(closing(PostgresqlStore(address, schema=schema)))
        watch = opened.enter_context(closing(through.watch()))
        assert is_told(watch, store)
        for number in range(3):
            wire.cut()
            store.write([labelled(f"{number}")])
            until(lambda: insist(lambda: watch.wait(PATIENCE)))
            assert set(insist(lambda number=number: watch.results([f"{number}"]))) == {f"{number}"}
        assert insist(lambda: is_told(watch, store))


def test_behind_a_pool_nothing_is_listened_to_and_the_store_is_asked_again_and_again(
    pgbouncer: str, schema: str, store: PostgresqlStore
) -> None:
    with ExitStack() as opened:
        pooled = opened.enter_context(closing(PostgresqlStore(pgbouncer, schema=schema)))
        watch = opened.enter_context(closing(pooled.watch()))
        other = opened.enter_context(
            closing(
                psycopg.connect(pgbouncer, autocommit=True, prepare_threshold=None, cursor_factory=psycopg.ClientCursor)
            )
        )
        for _ in range(10):
            pooled.write([labelled(secrets.token_hex(6))])
            assert watch.wait(PATIENCE)
            assert other.execute("SELECT count(*) FROM pg_listening_channels()").fetchall() == [(0,)]
        assert watch.wait(PATIENCE)
        store.write([labelled("a")])
        until(lambda: watch.wait(PATIENCE) and watch.results(["a"]))
