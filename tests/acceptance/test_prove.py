"""`headrace prove`: against every broker and every store it finds nothing; against what breaks a promise, it does."""

import json
import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
from driver import HERE, PATIENCE, Headrace, until

from headrace import supervisor
from headrace.config import Settings
from headrace.errors import Misconfigured
from headrace.proof import publisher
from headrace.proof.findings import FAILURES, Finding
from headrace.proof.ledger import Ledger
from headrace.proof.run import Programs, Proof, Task
from headrace.runtime import Stop

DOCUMENTS, KILLS = 4000, 5
EMBEDDED = ""
# Each by its name in servers.env; every broker with the embedded store, every store with RabbitMQ.
PAIRS = [
    (EMBEDDED, EMBEDDED),
    *((broker, EMBEDDED) for broker in ("RABBITMQ", "KAFKA", "REDIS", "NATS", "BEANSTALKD")),
    *(("RABBITMQ", store) for store in ("POSTGRESQL", "MONGODB")),
]


# What a killed worker had goes to another after this time; shorter than usual, so that a proof takes no minute.
LEASES: Mapping[str, str] = {"KAFKA": "?session=6", "REDIS": "?lease=5", "NATS": "?lease=5", "BEANSTALKD": "?lease=5"}

Servers = Callable[[str], str]


def flags(servers: Servers, broker: str, store: str) -> list[str]:
    """The flags that name these servers."""
    named = {"--broker": broker, "--store": store}
    return [part for flag, name in named.items() if name for part in (flag, servers(name) + LEASES.get(name, ""))]


@pytest.mark.parametrize(("broker", "store"), PAIRS, ids=lambda name: name.lower() or "sqlite")
def test_nothing_is_lost_doubled_or_wrong_and_nothing_is_left_behind(
    headrace: Headrace, servers: Servers, broker: str, store: str
) -> None:
    finished = headrace.run(
        "prove",
        *flags(servers, broker, store),
        f"--documents={DOCUMENTS}",
        f"--kills={KILLS}",
        "--json",
        "--details",
    )

    assert finished.status == 0, finished
    ledger = json.loads(finished.output)
    assert ledger.pop("details") == {column: [] for column in FAILURES}
    assert ledger.pop("seconds") > 0
    buried = ledger["buried"]
    assert 3 * (DOCUMENTS // 200) < buried < DOCUMENTS // 20
    none = dict.fromkeys(FAILURES, 0)
    assert ledger == {"published": DOCUMENTS, "stored": DOCUMENTS - buried, "buried": buried, "kills": KILLS, **none}
    assert_removed(finished.errors, servers)


def assert_removed(printed: str, servers: Servers) -> None:
    """That what the command says it works in is gone."""
    for path in re.findall(r"sqlite:///(\S+?),", printed):
        assert not Path(path).parent.exists() or not list(Path(path).parent.glob("headrace_prove_*"))
    schema = re.search(r"schema=(\w+)", printed)
    if schema:
        with psycopg.connect(servers("POSTGRESQL")) as connection:
            found = connection.execute("SELECT to_regnamespace(%s)", (schema[1],)).fetchone()
            assert found == (None,)


@pytest.mark.parametrize("store", [EMBEDDED, "POSTGRESQL"], ids=lambda name: name.lower() or "sqlite")
def test_ctrl_c_ends_it_and_leaves_neither_processes_nor_tables(
    headrace: Headrace, servers: Servers, store: str
) -> None:
    running = headrace.start("prove", *flags(servers, EMBEDDED, store), "--documents=50000", "--kills=40")
    running.wait_for("seed ")
    until(lambda: len(running.processes()) >= 5, PATIENCE, "it has started nothing")
    running.interrupt()
    assert running.status() == 130
    running.leaves_nothing()
    assert "interrupted, and cleaned up" in running.printed
    assert_removed(running.printed, servers)


def test_files_of_ones_own_are_not_touched_and_the_proof_happens_beside_them(headrace: Headrace) -> None:
    headrace.done("ingest", headrace.write("some.jsonl", [{"id": "mine", "text": "a text of mine"}]))
    finished = headrace.run(
        "prove", "--broker=sqlite:///./queue.db", "--store=sqlite:///./store.db", "--documents=50", "--kills=1"
    )
    assert finished.status == 0, finished
    assert "sqlite:///./headrace_prove_" in finished.errors
    assert not list(headrace.folder.glob("headrace_prove_*"))
    assert headrace.waiting() == 1


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("--broker=memory:",), 2, "no second broker can be made beside memory:"),
        (("--documents=0",), 2, "--documents is at least 1"),
        (("--kills=-1",), 2, "--kills at least 0"),
        (("--broker=amqp://127.0.0.1:1/",), 3, "amqp"),
        (("--store=postgresql://127.0.0.1:1/x",), 3, "postgresql"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_proved_is_told(
    headrace: Headrace, arguments: tuple[str, ...], status: int, message: str
) -> None:
    finished = headrace.run("prove", *arguments)
    assert finished.status == status, finished
    assert message in finished.errors
    assert "Traceback" not in finished.errors
    assert "may be left" not in finished.errors


def test_a_publisher_that_never_can_publish_ends_with_the_status_that_says_so(tmp_path: Path) -> None:
    settings = Settings(store=f"sqlite:///{tmp_path}/missing/store.db")
    child = supervisor.start_child(
        publisher.MODULE, [], publisher.order(settings, tmp_path / "file", tmp_path / "gates")
    )
    assert child.stdin is not None
    with child.stdin:
        assert child.wait(PATIENCE) == Misconfigured.status


class Proved(NamedTuple):
    """What a proof found."""

    ledger: Ledger
    findings: list[Finding]
    gave_up: str

    def columns(self) -> set[str]:
        return {one.column for one in self.findings}


def prove(
    folder: Path, programs: Programs, *, documents: int = 400, kills: int = 2, patience: float = PATIENCE
) -> Proved:
    """A proof on files, with processes that break what they promise."""
    name = secrets.token_hex(4)
    queue, store = (f"sqlite:///{folder}/{name}-{kind}.db" for kind in ("queue", "store"))
    settings = Settings(broker=queue, store=store, deadline=PATIENCE)
    task = Task(documents, kills, 7, patience, drains=1)
    proof = Proof(settings, task, folder, stop=Stop(), programs=programs)
    ledger, findings = proof.run()
    return Proved(ledger, findings, proof.gave_up)


@pytest.fixture(autouse=True)
def broken_processes_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(HERE))


@pytest.mark.parametrize(
    ("fault", "columns", "reason"),
    [
        ("hasty", {"lost"}, "published, and not stored"),
        ("suicidal", {"lost"}, "published, and not stored"),
        ("forgetful", {"lost"}, "published, and not stored"),
        ("fickle", {"duplicated"}, "its answer was"),
        ("garbling", {"lost", "unsound"}, "nobody has published it"),
    ],
)
def test_a_broken_worker_store_or_broker_is_seen(tmp_path: Path, fault: str, columns: set[str], reason: str) -> None:
    proved = prove(tmp_path, Programs(worker=("broken", "worker", fault)))
    assert proved.columns() == columns, proved.ledger
    assert any(reason in one.reason for one in proved.findings)
    assert {column for column in FAILURES if getattr(proved.ledger, column)} == columns
    assert proved.ledger.failed
    assert not proved.gave_up


def test_a_worker_that_buries_only_after_its_ack_is_seen(tmp_path: Path) -> None:
    # Something is lost only if the batch at which a worker is held has a document that fails: at two kills in seven, one may.
    proved = prove(tmp_path, Programs(worker=("broken", "worker", "eager")), documents=2400, kills=21)
    assert proved.columns() == {"lost"}
    assert {one.reason.partition(" (")[0] for one in proved.findings} == {"published, and not buried"}


def test_whatever_a_worker_changes_in_what_it_stores_and_buries_is_seen(tmp_path: Path) -> None:
    proved = prove(tmp_path, Programs(worker=("broken", "worker", "altering")))
    for column, reason in [
        ("wrong", "the model gives .*, stored is 'other'"),
        ("wrong", "the model never gives the score 0.5"),
        ("wrong", "the model is 'proof@eeeeee', the answer is by 'proof@ffffff'"),
        ("lost", "stored without an answer"),
        ("wrong", "its source was published as '.+', and is ''"),
        ("wrong", "its meta was published as .+, and is {}"),
        ("wrong", "its created_at was published as '.+', and is None"),
        ("wrong", "said to be published at None"),
        ("wrong", "its text was published as 'sound .+', and is 'sound .+'"),
        ("wrong", "its text was published as 'RAISE .+', and is 'RAIS .+'"),
        ("wrong", "stored, but nobody has published it"),
        ("lost", r"published, and not buried \(killed\)"),
    ]:
        assert any(one.column == column and re.search(reason, one.reason) for one in proved.findings), reason


def test_whatever_a_store_loses_and_counts_wrongly_in_the_end_is_seen(tmp_path: Path) -> None:
    proved = prove(tmp_path, Programs(worker=("broken", "worker", "rotten")), documents=100, kills=0)
    assert proved.columns() == {"lost", "duplicated"}
    assert any("answers by hour" in one.reason for one in proved.findings)


def test_whatever_a_publisher_changes_or_leaves_out_is_seen(tmp_path: Path) -> None:
    proved = prove(tmp_path, Programs(publisher=("broken", "publisher", "revising")), kills=0)
    for column, reason in [
        ("unsound", "buried .conflict."),
        ("wrong", "its source was published as '.+', and is 'another'"),
        ("wrong", "its meta was published as .+, and is {}"),
        ("wrong", "its created_at was published as '.+', and is None"),
        ("wrong", "said to be published at 1970"),
        ("lost", "published, and not stored"),
    ]:
        assert any(one.column == column and re.search(reason, one.reason) for one in proved.findings), reason


@pytest.mark.parametrize(("fault", "least"), [("silent", 99), ("half", 40), ("leaky", 2)])
def test_what_a_publisher_or_broker_says_to_have_published_and_has_not_is_lost(
    tmp_path: Path, fault: str, least: int
) -> None:
    proved = prove(tmp_path, Programs(publisher=("broken", "publisher", fault)), documents=100, kills=0)
    assert proved.columns() == {"lost"}
    assert proved.ledger.published == 100
    assert proved.ledger.lost >= least
    assert not proved.gave_up


@pytest.mark.parametrize(("fault", "documents"), [("cursor-first", 200), ("cursor-before-burial", 1200)])
def test_one_kill_finds_a_publisher_that_saves_its_cursor_too_early(tmp_path: Path, fault: str, documents: int) -> None:
    proved = prove(tmp_path, Programs(publisher=("broken", "publisher", fault)), documents=documents, kills=1)
    assert proved.columns() == {"lost"}
    assert proved.ledger.kills == 1


def test_a_publisher_that_cannot_be_held_is_killed_as_soon_as_its_cursor_moves(tmp_path: Path) -> None:
    proved = prove(tmp_path, Programs(publisher=("broken", "publisher", "alone")), kills=1)
    assert any(one.reason == "published, and not stored" for one in proved.findings)
    assert proved.ledger.kills >= 1


def test_workers_that_cannot_be_held_are_killed_as_soon_as_the_queue_shrinks(tmp_path: Path) -> None:
    proved = prove(tmp_path, Programs(worker=("broken", "ungated", "dawdling")))
    assert proved.columns() == {"lost"}


def test_workers_that_never_do_anything_are_given_up_and_all_is_lost(tmp_path: Path) -> None:
    # Long enough for the publishers, which do theirs.
    proved = prove(tmp_path, Programs(worker=("broken", "worker", "idle")), documents=100, kills=0, patience=15)
    assert "the queue is not empty, and nothing has moved for 15 s" in proved.gave_up
    assert proved.ledger.published == 100
    assert proved.ledger.stored == 0
    assert proved.ledger.lost + proved.ledger.buried == 100
