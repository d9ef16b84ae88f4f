"""What a store in PostgreSQL does when transactions are lost: a failover to an asynchronous standby, a restore, tables made anew."""

import secrets
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from support import insist, until
from support.own_servers import OwnServers

from headrace.burial import bury_bytes
from headrace.documents import Outcome
from headrace.errors import Unavailable
from headrace.ports import ResultQuery
from headrace.stores.postgresql import PostgresqlStore
from headrace.testing.outcomes import document, labelled, labels, letters, prediction, results


def ask(url: str, statement: str) -> list[Any]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def own() -> Iterator[OwnServers]:
    servers = OwnServers()
    try:
        servers.start("postgresql")
        servers.start("standby")
        yield servers
    finally:
        servers.close()


def found(store: PostgresqlStore) -> dict[str, tuple[str, str, str]]:
    """Source, version and label of each document."""
    return {
        one.id: (one.source, one.predictions["language"].model, one.predictions["language"].label)
        for one in results(store, limit=1000)
    }


def test_after_a_failover_that_loses_transactions_the_same_process_goes_on_and_no_document_gets_another_label(
    own: OwnServers,
) -> None:
    primary, standby = own.url("POSTGRESQL"), own.url("STANDBY")
    near, far = urlsplit(primary), urlsplit(standby)
    both = f"{near.scheme}://{near.netloc},127.0.0.1:{far.port}{near.path}?target_session_attrs=read-write"
    with ExitStack() as opened:
        store, other = (opened.enter_context(closing(PostgresqlStore.from_url(both))) for _ in range(2))
        store.write([labelled("kept", "fi")])
        position = ask(primary, "SELECT pg_current_wal_lsn()")[0][0]
        until(lambda: ask(standby, f"SELECT pg_last_wal_replay_lsn() >= '{position}'")[0][0], "the standby")
        for statement in ("ALTER SYSTEM SET primary_conninfo = ''", "SELECT pg_reload_conf()"):
            ask(standby, statement)
        until(lambda: not ask(primary, "SELECT FROM pg_stat_replication"), "the end of streaming")
        # More names than a standby skips numbers of a sequence.
        lost = [labelled(f"lost {number}", f"label {number}", source=f"source {number}") for number in range(100)]
        store.write([*lost, labelled("lost", "sv"), labelled("lost too", "lt")])
        own.kill("postgresql")
        ask(standby, "SELECT pg_promote()")
        insist(lambda: other.write([labelled(f"new {number}", f"new {number}") for number in range(100)]))
        insist(lambda: store.write([labelled("a", "sv"), labelled("b", "lt"), *lost[:50], labelled("c", "fi")]))
        shown = insist(lambda: found(store))
        assert {name: shown[name][2] for name in ("kept", "a", "b", "c")} == {
            "kept": "fi",
            "a": "sv",
            "b": "lt",
            "c": "fi",
        }
        assert {name: said for name, said in shown.items() if name.startswith("lost")} == {
            f"lost {number}": (f"source {number}", "language@aaaaaa", f"label {number}") for number in range(50)
        }
        assert all(said[2] == name for name, said in shown.items() if name.startswith("new"))
        assert labels(store)["fi"] == 2
        assert store.count(ResultQuery()).documents == len(shown) == 154


@pytest.fixture
def schema(postgresql: str) -> Iterator[str]:
    name = f"failover_{secrets.token_hex(6)}"
    yield name
    ask(postgresql, f"DROP SCHEMA IF EXISTS {name} CASCADE")


def test_after_a_restore_a_store_that_was_open_goes_on_with_the_names_that_there_are(
    postgresql: str, schema: str
) -> None:
    with closing(PostgresqlStore(postgresql, schema=schema)) as store:
        store.write([labelled("kept", "fi")])
        dump = subprocess.run(["pg_dump", "-n", schema, postgresql], capture_output=True, check=True, text=True).stdout
        store.write([labelled("lost", "sv"), labelled("lost too", "lt", source="gone")])
        ask(postgresql, f"DROP SCHEMA {schema} CASCADE")
        with pytest.raises(Unavailable, match="being restored"):
            store.write([labelled("a", "sv")])
        with pytest.raises(Unavailable, match="being restored"):
            found(store)
        subprocess.run(["psql", "-q", postgresql], input=dump, check=True, text=True, stdout=subprocess.DEVNULL)
        with closing(PostgresqlStore(postgresql, schema=schema)) as other:
            other.write([labelled("b", "de", source="x"), labelled("c", "da", source="y")])
        store.write([labelled("a", "sv"), labelled("d", "lt", source="gone")])
        assert {name: (source, label) for name, (source, _, label) in found(store).items()} == {
            "kept": ("suite", "fi"),
            "a": ("suite", "sv"),
            "b": ("x", "de"),
            "c": ("y", "da"),
            "d": ("gone", "lt"),
        }
        assert labels(store) == {"fi": 1, "sv": 1, "de": 1, "da": 1, "lt": 1}


def test_tables_made_anew_under_a_store_get_names_of_their_own(postgresql: str, schema: str) -> None:
    with closing(PostgresqlStore(postgresql, schema=schema)) as store:
        store.write([labelled("a", "sv"), labelled("b", "lt")])
        ask(postgresql, f"DROP SCHEMA {schema} CASCADE")
        with closing(PostgresqlStore(postgresql, schema=schema)) as other:
            other.write([labelled("c", "de", source="x")])
        store.write([labelled("a", "lt"), labelled("b", "sv")])
        assert {name: label for name, (_, _, label) in found(store).items()} == {"a": "lt", "b": "sv", "c": "de"}


def test_numbers_go_on_after_the_largest_if_a_copy_had_the_rows_and_not_the_sequences(
    postgresql: str, schema: str
) -> None:
    with closing(PostgresqlStore(postgresql, schema=schema)) as store:
        for number in range(100):
            store.write([labelled(f"{number}", f"{number}"), Outcome(None, dead=(bury_bytes(b"%d" % number, "no"),))])
        for sequence in ("names_n", "documents_n", "dead_letters_burial"):
            ask(postgresql, f"SELECT setval('{schema}.{sequence}_seq', 1)")
        store.write([labelled("new", "new"), Outcome(None, dead=(bury_bytes(b"new", "no"),))])
        assert found(store)["new"] == ("suite", "language@aaaaaa", "new")
        assert store.count(ResultQuery()).documents == 101
        assert len({letter.burial for letter in letters(store, limit=1000)}) == 101


def test_names_that_were_lost_leave_documents_that_can_be_listed_counted_and_written_to(
    postgresql: str, schema: str
) -> None:
    with closing(PostgresqlStore(postgresql, schema=schema)) as store:
        store.write(
            [labelled("a", "sv"), Outcome(document("b", source="x"), (prediction("da"), prediction("good", "mood@1")))]
        )
        ask(postgresql, f"DELETE FROM {schema}.names WHERE name IN ('sv', 'x', 'mood', 'language@aaaaaa')")
        second, first = results(store)
        lost = first.predictions["language"].label
        assert lost.startswith("(lost name ")
        assert (first.id, first.source, second.source[:11]) == ("a", "suite", "(lost name ")
        assert store.count(ResultQuery()).documents == 2
        assert list(store.count(ResultQuery(model="language")).answers["language"].values()) == [1, 1]
        assert [one.prediction.label for one in store.predictions(["a"])["a"]] == [lost]
        assert [one.count for one in store.count_by_hour("language")] == [1, 1]
        store.write([Outcome(document(name), (prediction("no", "language@bbbbbb"),)) for name in ("a", "b", "c")])
        assert {name: label for name, (_, _, label) in found(store).items()} == {"a": lost, "b": "da", "c": "no"}
