"""PostgreSQL behind PgBouncer: a pool whose sessions go from one client to another after each transaction."""

import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import psycopg
import pytest
from support import again
from support.own_servers import OwnServers

from headrace.errors import Misconfigured, Unavailable
from headrace.stores.postgresql import PostgresqlStore
from headrace.testing.outcomes import labelled, labels, results

WRITERS, ROUNDS, EACH = 3, 10, 5
# What a client may have left to the next one of a session.
STATE = (
    "SHOW search_path",
    "SHOW enable_seqscan",
    "SHOW transaction_isolation",
    "SHOW transaction_read_only",
    "SELECT count(*) FROM pg_prepared_statements",
    "SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'",
    "SELECT count(*) FROM pg_class WHERE relpersistence = 't' AND pg_table_is_visible(oid)",
)


def client(url: str) -> psycopg.Connection[Any]:
    return psycopg.connect(url, autocommit=True, prepare_threshold=None, cursor_factory=psycopg.ClientCursor)


def state(connection: psycopg.Connection[Any]) -> list[Any]:
    return [connection.execute(asked).fetchall() for asked in STATE]


def test_writers_of_two_schemas_in_one_pool_write_each_to_their_own_and_leave_no_trace_in_its_sessions(
    pgbouncer: str, postgresql: str
) -> None:
    failed: list[BaseException] = []
    with ExitStack() as opened:
        stores = {name: PostgresqlStore(pgbouncer, schema=f"{name}_{secrets.token_hex(6)}") for name in ("sv", "da")}
        for store in stores.values():
            opened.callback(store.remove)

        def write(name: str, writer: int) -> None:
            try:
                for turn in range(ROUNDS):
                    ids = [f"{name} {writer} {turn} {number}" for number in range(EACH)]
                    stores[name].write([labelled(one, name, source=name) for one in ids])
                    assert {one.source for one in results(stores[name], limit=1000)} == {name}
                    stores[name].erase(ids[:1])
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=write, args=(name, writer)) for name in stores for writer in range(WRITERS)]
        other = opened.enter_context(closing(client(pgbouncer)))
        direct = opened.enter_context(closing(client(postgresql)))
        wanted = state(direct)
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            assert state(other) == wanted
        for thread in threads:
            thread.join()
        assert failed == []
        for name, store in stores.items():
            assert labels(store) == {name: WRITERS * ROUNDS * (EACH - 1)}
            found = results(store, limit=1000)
            assert len(found) == WRITERS * ROUNDS * (EACH - 1)
            assert {one.id.partition(" ")[0] for one in found} == {name}


@pytest.fixture(scope="module")
def own() -> Iterator[OwnServers]:
    servers = OwnServers()
    try:
        servers.start("postgresql", "pgbouncer", PGBOUNCER_POOL_MODE="statement")
        yield servers
    finally:
        servers.close()


@pytest.fixture
def admin(own: OwnServers) -> Iterator[Callable[[str], Any]]:
    """A function that gives PgBouncer a command."""
    own.start("pgbouncer", PGBOUNCER_POOL_MODE="transaction")
    with closing(client(f"{own.url('PGBOUNCER').rpartition('/')[0]}/pgbouncer")) as connection:
        yield connection.execute


def test_statement_mode_is_refused_and_session_mode_works(own: OwnServers) -> None:
    with pytest.raises(Misconfigured, match="set pool_mode of PgBouncer to transaction or session"):
        PostgresqlStore(own.url("PGBOUNCER"))
    own.kill("pgbouncer")
    own.start("pgbouncer", PGBOUNCER_POOL_MODE="session")
    with closing(PostgresqlStore(own.url("PGBOUNCER"))) as store:
        store.write([labelled("a")])
        assert [one.id for one in results(store)] == ["a"]
        store.remove()
    own.kill("pgbouncer")


def test_a_pool_that_is_full_makes_its_clients_wait_and_then_try_again(
    own: OwnServers, admin: Callable[[str], Any]
) -> None:
    with ExitStack() as opened:
        store = opened.enter_context(closing(PostgresqlStore(own.url("PGBOUNCER"))))
        admin("SET query_wait_timeout = 1")
        holders = [opened.enter_context(closing(client(own.url("PGBOUNCER")))) for _ in range(4)]
        for holder in holders:
            holder.execute("BEGIN")
        with pytest.raises(Unavailable, match="query_wait_timeout"):
            store.write([labelled("a")])
        admin("SET query_wait_timeout = 120")
        admin("SET max_client_conn = 1")
        with pytest.raises(Unavailable, match="max_client_conn"):
            store.write([labelled("a")])
        admin("SET max_client_conn = 100")
        for holder in holders:
            holder.execute("COMMIT")
        store.write([labelled("a")])
        assert [one.id for one in results(store)] == ["a"]
        store.remove()


def test_sessions_that_the_pool_or_the_server_ends_cost_no_more_than_the_transaction(
    own: OwnServers, admin: Callable[[str], Any]
) -> None:
    with closing(PostgresqlStore(own.url("PGBOUNCER"))) as store:
        for turn, command in enumerate(("RECONNECT", "SET server_lifetime = 0", "SET server_idle_timeout = 1")):
            admin(command)
            again(lambda turn=turn: store.write([labelled(f"{turn}")]))
        own.kill("pgbouncer")
        with pytest.raises(Unavailable, match="refused"):
            store.write([labelled("lost")])
        own.start("pgbouncer")
        again(lambda: store.write([labelled("back")]))
        assert [one.id for one in results(store)] == ["back", "2", "1", "0"]
        store.remove()


def test_what_a_pool_refuses_when_a_client_connects_is_told(own: OwnServers, admin: Callable[[str], Any]) -> None:
    assert admin
    url = own.url("PGBOUNCER")
    with pytest.raises(Misconfigured, match="ALTER ROLE"):
        PostgresqlStore(f"{url}?options=-c%20work_mem%3D1GB")
    with pytest.raises(Misconfigured, match="check user, password"):
        PostgresqlStore(url.replace("headrace:headrace", "nobody:headrace"))
    with pytest.raises(Misconfigured, match='"nothing" does not exist'):
        PostgresqlStore(f"{url.rpartition('/')[0]}/nothing")
