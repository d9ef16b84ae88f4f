"""What PostgreSQL's store does beyond the suite: addresses, passwords, and connections that are lost."""

import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from urllib.parse import quote, urlsplit

import psycopg
import pytest
from psycopg import sql
from support import until
from support.wire import Wire

from headrace.errors import Misconfigured, Rejected, Unavailable
from headrace.stores.postgresql import PostgresqlStore
from headrace.stores.postgresql.failures import translate
from headrace.stores.postgresql.pool import Pool
from headrace.stores.postgresql.server import Open, Server
from headrace.testing.outcomes import labelled, labels, results

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
def schema() -> str:
    return f"test_{secrets.token_hex(6)}"


@pytest.fixture
def connect(postgresql: str, schema: str, opened: ExitStack) -> Connect:
    """A function: each call opens a store in one schema, through a wire where one is given."""
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


def test_a_server_that_is_not_there_is_unavailable_and_a_wrong_password_is_misconfigured(postgresql: str) -> None:
    with pytest.raises(Unavailable, match="connecting to postgresql://127"):
        PostgresqlStore.from_url("postgresql://me:secret@127.0.0.1:1/base")
    parts = urlsplit(postgresql)
    with pytest.raises(Misconfigured, match="check user, password") as caught:
        PostgresqlStore.from_url(f"postgresql://{parts.username}:wrong-one@{parts.hostname}:{parts.port}{parts.path}")
    assert "wrong-one" not in str(caught.value)


def test_a_schema_may_have_any_name(postgresql: str) -> None:
    store = PostgresqlStore(postgresql, schema=f'an "odd" {{}} %s one; {secrets.token_hex(4)}')
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
        psycopg.errors.SyntaxError: Misconfigured,
        psycopg.errors.ProgramLimitExceeded: Rejected,
        psycopg.errors.CharacterNotInRepertoire: Rejected,
        psycopg.DataError: Rejected,
        psycopg.OperationalError: Unavailable,
    }
    for error, wanted in said.items():
        assert isinstance(translate(error("no"), "writing"), wanted), error


PASSING = (
    "08006",
    "25P02",
    "25P03",
    "25P04",
    "25006",
    "26000",
    "40001",
    "53300",
    "55P03",
    "57014",
    "57P01",
    "57P05",
    "58030",
)
GONE = ("42P01", "3F000", "0A000")


@pytest.mark.parametrize("state", [*PASSING, *GONE])
def test_a_state_that_passes_is_waited_for(state: str) -> None:
    assert isinstance(translate(psycopg.errors.lookup(state)("no"), "writing"), Unavailable)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("-c nonsense=1", "nonsense"),
        ("-c work_mem=abc", "work_mem"),
        ("nonsense", "invalid command-line argument"),
        ("-c work_mem", "requires a value"),
    ],
)
def test_options_that_the_server_does_not_take_are_told(connect: Connect, options: str, told: str) -> None:
    with pytest.raises(Misconfigured, match=told):
        connect(None, f"&options={quote(options)}")


DEFAULTS = (
    "-c default_transaction_isolation=serializable",
    "-c default_transaction_isolation=repeatable\\ read",
    "-c default_transaction_read_only=on",
    "-c default_transaction_deferrable=on -c default_transaction_isolation=serializable",
    "-c search_path=pg_catalog -c enable_indexscan=off -c client_encoding=latin1",
)


@pytest.mark.parametrize("options", DEFAULTS)
def test_many_that_start_at_once_work_whatever_is_the_default_of_their_role(connect: Connect, options: str) -> None:
    failed: list[BaseException] = []

    def start(number: int) -> None:
        try:
            store = connect(None, f"&options={quote(options)}")
            for turn in range(3):
                store.write([labelled(f"{one}", "sv", text="Ł") for one in range(20)])
                store.erase([f"{number} {turn}", "never"])
                store.save(f"{number % 2}", f"{turn}")
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=start, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    store = connect(None, f"&options={quote(options)}")
    assert {one.id: one.text for one in results(store)} == {f"{one}": "Ł" for one in range(20)}
    assert labels(store) == {"sv": 20}
    assert [store.load(name) for name in ("0", "1")] == ["2", "2"]


def own_sessions(url: str, name: str) -> int:
    with psycopg.connect(url) as connection:
        asked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
        return int(connection.execute(asked, (name,)).fetchall()[0][0])


def test_a_transaction_that_stood_still_for_too_long_is_to_be_repeated(postgresql: str) -> None:
    name = f"frozen_{secrets.token_hex(6)}"
    options = quote("-c idle_in_transaction_session_timeout=50")
    pool = Pool(Server(f"{postgresql}?application_name={name}&options={options}", "none"))

    def freeze(open_: Open) -> None:
        until(lambda: own_sessions(postgresql, name) == 0, "the end of the session")
        open_.execute("SELECT 1")

    with closing(pool), pytest.raises(Unavailable, match="idle-in-transaction"):
        pool.transact("writing", freeze)


def test_a_session_that_the_server_ended_because_nobody_used_it_costs_nothing(
    connect: Connect, postgresql: str
) -> None:
    name = f"idle_{secrets.token_hex(6)}"
    store = connect(None, f"&application_name={name}&options={quote('-c idle_session_timeout=50')}")
    for number in range(2):
        store.write([labelled(f"{number}")])
        until(lambda: own_sessions(postgresql, name) == 0, "the end of the session")
    assert [one.id for one in results(store)] == ["1", "0"]


@pytest.mark.parametrize("way", ["postgresql", "pgbouncer"])
def test_a_session_that_ends_while_rows_are_copied_costs_the_transaction_only(
    way: str, postgresql: str, request: pytest.FixtureRequest
) -> None:
    name = f"copying_{secrets.token_hex(6)}"
    pool = Pool(Server(f"{request.getfixturevalue(way)}?application_name={name}", "pg_temp"))

    class Rows(list[tuple[int]]):
        """Rows during which an administrator ends the session."""

        def __iter__(self) -> Iterator[tuple[int]]:
            yield from super().__iter__()
            ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
            with psycopg.connect(postgresql) as administrator:
                administrator.execute(ends, (name,))
            until(lambda: own_sessions(postgresql, name) == 0, "the end of the session")

    def copy(open_: Open, rows: list[tuple[int]]) -> int:
        open_.execute("CREATE TEMPORARY TABLE copied (n int8) ON COMMIT DROP")
        open_.copy("copied", "n int8", rows)
        return int(open_.execute("SELECT count(*) FROM copied").fetchall()[0][0])

    with closing(pool):
        with pytest.raises(Unavailable):
            pool.transact("writing", lambda open_: copy(open_, Rows([(1,), (2,)])))
        assert pool.transact("writing", lambda open_: copy(open_, [(1,), (2,)])) == 2


@pytest.mark.parametrize("timeout", ["lock_timeout", "statement_timeout"])
def test_what_takes_longer_than_the_role_may_is_to_be_repeated(
    connect: Connect, postgresql: str, schema: str, timeout: str
) -> None:
    store = connect(None, f"&options={quote(f'-c {timeout}=200')}")
    store.write([labelled("a")])
    with psycopg.connect(postgresql) as other:
        other.execute(sql.SQL("LOCK TABLE {}").format(sql.Identifier(schema, "names")))
        with pytest.raises(Unavailable, match="timeout"):
            store.write([labelled("b")])
    store.write([labelled("b")])
