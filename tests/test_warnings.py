"""Which settings lose what was confirmed, as the adapters tell, and `headrace status` shows."""

import json
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pika
import psycopg
import pytest
from pika.adapters.blocking_connection import BlockingChannel

from headrace import cli
from headrace.brokers.memory import MemoryBroker
from headrace.brokers.rabbitmq import RabbitmqBroker
from headrace.brokers.sqlite import SqliteBroker
from headrace.stores.memory import MemoryStore
from headrace.stores.postgresql import PostgresqlStore
from headrace.stores.sqlite import SqliteStore

IN_MEMORY = Path("/dev/shm")


@pytest.fixture
def schema() -> str:
    return f"warned_{secrets.token_hex(6)}"


@pytest.fixture
def channel(rabbitmq: str) -> Iterator[BlockingChannel]:
    with pika.BlockingConnection(pika.URLParameters(f"{rabbitmq}?heartbeat=0")) as connection:
        yield connection.channel()


def test_what_lives_in_memory_warns_of_itself() -> None:
    assert all("when its process ends" in one.warnings()[0] for one in (MemoryBroker(), MemoryStore()))


@pytest.mark.skipif(not IN_MEMORY.is_mount(), reason="has no file system in memory at /dev/shm")
def test_files_in_memory_warn_and_files_on_a_disk_do_not(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        for adapter in (SqliteBroker, SqliteStore):
            with closing(adapter(Path(folder) / f"{adapter.__name__}.db")) as opened:
                (told,) = opened.warnings()
                assert "on a tmpfs: loses everything when the machine restarts" in told
            with closing(adapter(tmp_path / f"{adapter.__name__}.db")) as opened:
                assert opened.warnings() == []


@pytest.mark.parametrize(
    ("option", "warned"),
    [
        ("", []),
        ("synchronous_commit%3Doff", ["synchronous_commit is off: a crash of the server can lose"]),
        ("synchronous_commit%3Dlocal", []),
    ],
)
def test_postgresql_warns_of_commits_that_are_not_on_the_disk(
    postgresql: str, schema: str, option: str, warned: list[str]
) -> None:
    options = f"&options=-c%20{option}" if option else ""
    store = PostgresqlStore.from_url(f"{postgresql}?schema={schema}{options}")
    told = store.warnings()
    store.remove()
    assert len(told) == len(warned)
    assert all(part in one for part, one in zip(warned, told, strict=True))


def test_removing_a_postgresql_store_leaves_what_others_have_in_its_schema(postgresql: str, schema: str) -> None:
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        connection.execute(f"CREATE TABLE {schema}.theirs AS SELECT 1 AS n")
        PostgresqlStore(postgresql, schema=schema).remove()
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", (schema,)).fetchall()
        connection.execute(f"DROP SCHEMA {schema} CASCADE")
    assert names == [("theirs",)]


@pytest.mark.parametrize(
    ("made", "warned"),
    [
        ({"durable": True, "arguments": {"x-queue-type": "quorum"}}, "drops what it evicts"),
        ({"durable": True}, "is not a quorum queue: loses what it has confirmed with the one node"),
        ({"durable": False}, "is not durable: loses everything when its node restarts"),
        (
            {"durable": True, "arguments": {"x-queue-type": "quorum", "x-delivery-limit": 3}},
            "drops what was delivered often",
        ),
    ],
)
def test_rabbitmq_warns_of_a_queue_that_others_made_with_less(
    rabbitmq: str, channel: BlockingChannel, made: dict[str, object], warned: str
) -> None:
    name = f"warned-{secrets.token_hex(6)}"
    channel.queue_declare(name, **made)
    broker = RabbitmqBroker.from_url(f"{rabbitmq}?queue={name}&declare=no")
    told = broker.warnings()
    broker.remove()
    assert [warned in one for one in told] == [True]


def test_rabbitmq_warns_of_nothing_where_headrace_made_the_queue(rabbitmq: str) -> None:
    broker = RabbitmqBroker.from_url(f"{rabbitmq}?queue=made-{secrets.token_hex(6)}")
    broker.backlog()
    told = broker.warnings()
    broker.remove()
    assert told == []


def test_removing_a_queue_of_rabbitmq_leaves_an_exchange_of_another_name(
    rabbitmq: str, channel: BlockingChannel
) -> None:
    name = f"removed-{secrets.token_hex(6)}"
    broker = RabbitmqBroker.from_url(f"{rabbitmq}?queue={name}&exchange={name}-shared")
    broker.remove()
    channel.exchange_declare(f"{name}-shared", passive=True)
    channel.exchange_delete(f"{name}-shared")


@pytest.mark.parametrize(
    ("flag", "known", "unknown"),
    [
        (
            "--broker=amqp://127.0.0.1:1/",
            {"documents": 0},
            {"backlog": {"ready": None, "leased": None, "oldest_seconds": None}},
        ),
        (
            "--store=postgresql://127.0.0.1:1/none",
            {"backlog": {"ready": 0, "leased": 0, "oldest_seconds": None}},
            {"documents": None, "workers": []},
        ),
    ],
)
def test_status_shows_the_one_when_the_other_cannot_be_reached_and_says_which(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
    flag: str,
    known: dict[str, object],
    unknown: dict[str, object],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.run(["status", flag, "--json"]) == 3
    told = json.loads(capfdbinary.readouterr()[0])
    assert {**told, **known, **unknown} == told
    (warning,) = told["warnings"]
    assert "127.0.0.1:1" in warning
    assert cli.run(["status", flag]) == 3
    shown = capfdbinary.readouterr()[0].decode()
    assert f"warning    {warning}" in shown
    assert "?" in shown


def test_status_shows_the_warnings_with_passwords_hidden(
    postgresql: str, schema: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    url = f"{postgresql}?schema={schema}&options=-c%20synchronous_commit%3Doff"
    flags = ("--broker", f"sqlite:///{tmp_path}/queue.db", "--store", url)
    assert cli.run(["status", *flags, "--json"]) == 0
    (told,) = json.loads(capfdbinary.readouterr()[0])["warnings"]
    assert cli.run(["status", *flags]) == 0
    shown = capfdbinary.readouterr()[0].decode()
    PostgresqlStore(postgresql, schema=schema).remove()
    assert "synchronous_commit is off" in told
    assert f"warning    {told}" in shown
    assert "headrace:headrace" not in shown
