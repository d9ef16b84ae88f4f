"""What happens to servers and machines in the middle of the work: killed and started again, gone, full."""

import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from driver import PATIENCE, Headrace, get, until
from support.own_servers import OwnServers
from support.wire import Wire

from headrace.brokers.sqlite import SqliteBroker
from headrace.config import Settings
from headrace.documents import Document, pack
from headrace.errors import Unavailable
from headrace.ports import DeadQuery, ResultQuery
from headrace.proof.run import Proof, Task
from headrace.runtime import Stop
from headrace.stores.postgresql import PostgresqlStore

GONE_SECONDS = 20


@pytest.fixture(scope="module")
def own() -> Iterator[OwnServers]:
    servers = OwnServers()
    try:
        yield servers
    finally:
        servers.close()


class Blockade:
    """Somebody else's transaction, for which whoever adds to a table has to wait, until the server dies."""

    def __init__(self, url: str, table: str) -> None:
        self._connection = psycopg.connect(url)
        self._table = table
        self.is_up = False

    def put_up(self) -> None:
        self._connection.execute(f"LOCK TABLE {self._table} IN SHARE MODE")
        self.is_up = True

    def keeps_anybody(self) -> bool:
        """Whether somebody waits for it."""
        if not self.is_up:
            return False
        waiting = "SELECT FROM pg_locks WHERE relation = %s::regclass AND NOT granted"
        return bool(self._connection.execute(waiting, (self._table,)).fetchall())

    def close(self) -> None:
        self._connection.close()


def publish(headrace: Headrace, number: int) -> None:
    """Publish so many documents, without a store."""
    with closing(SqliteBroker(headrace.queue)) as broker:
        broker.publish(list(pack(Document(f"{one}", f"text {one} ".ljust(300, ".")) for one in range(number))))


@pytest.mark.parametrize("broker", ["rabbitmq", "kafka"])
def test_servers_that_are_killed_and_started_again_in_the_middle_lose_nothing(
    tmp_path: Path, own: OwnServers, broker: str
) -> None:
    own.start(broker, "postgresql")
    store = f"{own.url('POSTGRESQL')}?schema={broker}"
    settings = Settings(broker=own.url(broker.upper()), store=store, deadline=PATIENCE)
    blockade = Blockade(own.url("POSTGRESQL"), f"{broker}.documents")
    killed = {"postgresql": threading.Event(), broker: threading.Event()}
    messages = tmp_path / "messages"

    def meanwhile(known: int) -> None:
        """From the first document on nobody stores more, until the store is killed; nor is the proof done before the broker is."""
        if killed["postgresql"].is_set():
            assert killed[broker].wait(PATIENCE)
        elif known and not blockade.is_up:
            blockade.put_up()

    proof = Proof(settings, Task(6000, 6, 5, patience=PATIENCE), tmp_path, stop=Stop(), progress=meanwhile)
    with ThreadPoolExecutor(1) as beside, closing(blockade):
        running = beside.submit(proof.run)
        until(lambda: blockade.keeps_anybody() or running.done(), PATIENCE, "nobody writes")
        for name, waiting in (("postgresql", "waiting for the store"), (broker, "waiting for the broker")):
            own.kill(name)
            killed[name].set()
            until(lambda waiting=waiting: waiting in messages.read_text(), PATIENCE, f"nobody is {waiting}")
            own.start(name)
        ledger, findings = running.result(2 * PATIENCE)

    assert findings == []
    assert not proof.gave_up
    assert (ledger.published, ledger.stored + ledger.buried, ledger.failed) == (6000, 6000, False)


def test_a_store_that_takes_questions_and_never_answers_does_not_keep_a_proof(tmp_path: Path, postgresql: str) -> None:
    account, _, place = postgresql.rpartition("@")
    host, _, port = place.partition("/")[0].partition(":")
    name = f"stalled_{secrets.token_hex(6)}"
    with Wire(host, int(port)) as wire:
        url = f"{account}@127.0.0.1:{wire.port}/{place.partition('/')[2]}?schema={name}"
        settings = Settings(broker=f"sqlite:///{tmp_path}/queue.db", store=url)

        def stall(known: int) -> None:
            """In the middle of it, from when on nothing comes through."""
            if known > 100:
                wire.stall()

        proof = Proof(settings, Task(4000, 0, 5, patience=10), tmp_path, stop=Stop(), progress=stall)
        with pytest.raises(Unavailable, match="has not answered in time"):
            proof.run()
    PostgresqlStore(postgresql, schema=name).remove()


def test_while_the_store_is_gone_the_worker_waits_readyz_says_so_and_nothing_is_buried(
    headrace: Headrace, own: OwnServers
) -> None:
    own.start("postgresql")
    store = f"{own.url('POSTGRESQL')}?schema=gone"
    running = headrace.start("up", store=store)
    address = running.address()
    until(lambda: get(f"{address}/readyz").status_code == 200, PATIENCE, "it is not ready")
    own.kill("postgresql")
    gone = time.monotonic()
    publish(headrace, 500)

    answers = set()

    def was_away_for_long() -> bool:
        """Not ready all the time."""
        ready = get(f"{address}/readyz")
        assert ready.status_code == 503
        answers.add(ready.json()["checks"]["store"])
        return time.monotonic() - gone > GONE_SECONDS and any("postgresql" in one for one in answers)

    until(was_away_for_long, PATIENCE, "it does not say what is away", every=0.5)
    assert "ok" not in answers
    running.wait_for("waiting for the store, and trying again")
    assert headrace.waiting() > 0

    own.start("postgresql")
    with closing(PostgresqlStore.from_url(store)) as opened:
        until(
            lambda: opened.count(ResultQuery()).documents == 500 and not headrace.waiting(),
            PATIENCE,
            "it does not go on",
        )
        assert opened.count_dead(DeadQuery()) == {}
    until(lambda: get(f"{address}/readyz").status_code == 200, PATIENCE, "it is not ready again")


@pytest.mark.skipif(os.getuid() != 0 or sys.platform != "linux", reason="needs root, to make a small file system")
def test_while_the_disk_of_the_store_is_full_the_worker_waits_and_nothing_is_buried(headrace: Headrace) -> None:
    small = headrace.folder / "small"
    small.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=32m", "none", str(small)]
    done = subprocess.run(command, check=False, capture_output=True)
    if done.returncode:
        pytest.skip(f"no small file system can be made here: {done.stderr.decode().strip()}")
    try:
        store = f"sqlite:///{small}/store.db"
        worker = headrace.start("work", store=store)
        until(worker.predictors, PATIENCE, "no predictor has started")
        ballast = small / "ballast"
        with pytest.raises(OSError, match="space"):
            ballast.write_bytes(b"x" * (64 << 20))
        publish(headrace, 2000)
        worker.wait_for("waiting for the store, and trying again")
        assert headrace.waiting() > 0
        ballast.unlink()
        until(lambda: not headrace.waiting(), PATIENCE, "it does not go on")
        worker.interrupt()
        assert worker.status() == 0
        assert headrace.done("status", "--json", store=store).count('"documents":2000,') == 1
        assert '"dead":{}' in headrace.done("status", "--json", store=store)
    finally:
        headrace.sweep()
        subprocess.run(["umount", "-l", str(small)], check=True)
