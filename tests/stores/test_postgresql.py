"""What PostgreSQL's store does beyond the suite: addresses, passwords, and connections that are lost."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import psycopg
import pytest
from support.wire import Wire

from headrace.errors import Misconfigured, Rejected, Unavailable
from headrace.stores.postgresql import PostgresqlStore
from headrace.stores.postgresql.server import Server, translate
from headrace.testing.outcomes import labelled, results

Connect = Callable[..., PostgresqlStore]


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def wire(postgresql: str, opened: ExitStack) -> Wire:
    parts = urlsplit(postgresql)
    return opened.enter_context(Wire(parts.hostname or "", parts.port or 5432))


@pytest.fixture
def connect(postgresql: str, opened: ExitStack) -> Connect:
    """A function: each call opens a store in one schema, through a wire where one is given."""
    schema = f"test_{secrets.token_hex(6)}"
    opened.callback(lambda: PostgresqlStore(postgresql, schema=schema).remove())

    def connect(through: Wire | None = None, options: str = "") -> PostgresqlStore:
        parts = urlsplit(postgresql)
        host = f"127.0.0.1:{through.port}" if through else f"{parts.hostname}:{parts.port}"
        store = PostgresqlStore.from_url(
            f"postgresql://{parts.username}:{parts.password}@{host}{parts.path}?schema={schema}{options}"
        )
        opened.callback(store.close)
        return store

    return connect


def test_a_url_names_the_schema_and_leaves_the_rest_to_libpq_as_it_is_written() -> None:
    said = Server.parse("postgresql://me:p%40ss@one:5432,two/base?sslmode=require&schema=my%20own&options=-c%20a%3Db+c")
    assert said["conninfo"] == "postgresql://me:p%40ss@one:5432,two/base?sslmode=require&options=-c%20a%3Db+c"
    assert said["schema"] == "my own"
    assert Server.parse("postgresql://one/base")["schema"] == "headrace"


def test_a_server_is_called_by_host_and_database_without_the_password() -> None:
    server = Server("postgresql://me:secret@one:5433,two/base", "headrace")
    assert "secret" not in str(server)
    assert str(server).startswith("postgresql://one,two:")


@pytest.mark.parametrize("url", ["postgresql://me:secret@h/b?nonsense=1", "postgresql://me:secret@h:x/b"])
def test_an_address_that_means_nothing_is_refused_without_the_password(url: str) -> None:
    with pytest.raises((Misconfigured, Unavailable)) as caught:
        PostgresqlStore.from_url(url)
    assert "secret" not in str(caught.value)


def test_a_server_that_is_not_there_is_unavailable_and_a_wrong_password_is_misconfigured(postgresql: str) -> None:
    with pytest.raises(Unavailable, match="connecting to postgresql://127"):
        PostgresqlStore.from_url("postgresql://me:secret@127.0.0.1:1/base")
    parts = urlsplit(postgresql)
    with pytest.raises(Misconfigured, match="check user, password") as caught:
        PostgresqlStore.from_url(f"postgresql://{parts.username}:wrong-one@{parts.hostname}:{parts.port}{parts.path}")
    assert "wrong-one" not in str(caught.value)


def test_a_schema_may_have_any_name(postgresql: str) -> None:
    store = PostgresqlStore(postgresql, schema=f'an "odd" one; {secrets.token_hex(4)}')
    store.write([labelled("a")])
    assert [one.id for one in results(store)] == ["a"]
    store.remove()


def test_a_connection_that_is_cut_costs_the_call_or_nothing_and_the_next_opens_another(
    connect: Connect, wire: Wire
) -> None:
    store = connect(wire)
    for number in range(3):
        wire.cut()
        for _ in range(5):
            with suppress(Unavailable):
                store.write([labelled(f"{number}"), labelled("again")])
    assert sorted(one.id for one in results(store)) == ["0", "1", "2", "again"]


def test_a_connection_that_stalls_is_given_up(connect: Connect, wire: Wire) -> None:
    connect()
    wire.stall()
    with pytest.raises(Unavailable, match="connecting to postgresql://127"):
        connect(wire, "&connect_timeout=2")
    wire.flow()
    wire.cut()
    store = connect(wire)
    store.write([labelled("a")])
    assert [one.id for one in results(store)] == ["a"]


def test_what_the_server_says_becomes_what_the_caller_does() -> None:
    said = {
        psycopg.errors.DiskFull: Unavailable,
        psycopg.errors.AdminShutdown: Unavailable,
        psycopg.errors.ReadOnlySqlTransaction: Unavailable,
        psycopg.errors.TooManyConnections: Unavailable,
        psycopg.errors.InsufficientPrivilege: Misconfigured,
        psycopg.errors.UndefinedTable: Misconfigured,
        psycopg.errors.ProgramLimitExceeded: Rejected,
        psycopg.errors.CharacterNotInRepertoire: Rejected,
        psycopg.DataError: Rejected,
        psycopg.OperationalError: Unavailable,
    }
    for error, wanted in said.items():
        assert isinstance(translate(error("no"), "writing"), wanted), error
