"""What happens to servers and machines in the middle of the work: killed and started again, gone, full."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from driver import Headrace, until
from own_servers import OwnServers
from wire import Wire

from headrace.brokers.sqlite import SqliteBroker
from headrace.config import Settings
from headrace.documents import Document, pack
from headrace.errors import Unavailable
from headrace.ports import Query
from headrace.proof.proof import Proof, Task
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


def publish(headrace: Headrace, number: int) -> None:
    """Publish so many documents, without a store."""
    with closing(SqliteBroker(headrace.queue)) as broker:
        broker.publish(list(pack(Document(f"{one}", f"text {one} ".ljust(300, ".")) for one in range(number))))


@pytest.mark.parametrize("broker", ["rabbitmq", "kafka"])
def test_servers_that_are_killed_and_started_again_in_the_middle_lose_nothing(
    tmp_path: Path, own: OwnServers, broker: str
) -> None:
    own.start(broker, "postgresql")
    settings = Settings(broker=own.url(broker.upper()), store=own.url("POSTGRESQL"))
    known, messages = [0], tmp_path / "messages"
    proof = Proof(settings, Task(6000, 3, 5, patience=120), tmp_path, stop=Stop(), progress=known.append)

    with ThreadPoolExecutor(1) as beside:
        running = beside.submit(proof.run)
        until(lambda: known[-1] > 0, 120, "nothing is stored")
        for name, waiting in ((broker, "waiting for the broker"), ("postgresql", "waiting for the store")):
            own.kill(name)
            until(lambda waiting=waiting: waiting in messages.read_text(), 120, f"nobody is {waiting}")
            own.start(name)
        ledger, findings = running.result(300)

    assert findings == []
    assert not proof.gave_up
    assert (ledger.published, ledger.stored + ledger.buried, ledger.failed) == (6000, 6000, False)


def test_a_store_that_takes_questions_and_never_answers_does_not_keep_a_proof(tmp_path: Path, postgresql: str) -> None:
    account, _, place = postgresql.rpartition("@")
    host, _, port = place.partition("/")[0].partition(":")
    name = f"stalled_{secrets.token_hex(6)}"
    with Wire(host, int(port)) as wire, ThreadPoolExecutor(1) as beside:
        url = f"{account}@127.0.0.1:{wire.port}/{place.partition('/')[2]}?schema={name}"
        settings = Settings(broker=f"sqlite:///{tmp_path}/queue.db", store=url)
        known = [0]
        proof = Proof(settings, Task(4000, 0, 5, patience=2), tmp_path, stop=Stop(), progress=known.append)
        running = beside.submit(proof.run)
        until(lambda: known[-1] > 100 or running.done(), 120, "nothing is stored")
        wire.stall()
        with pytest.raises(Unavailable, match="has not answered in time"):
            running.result(120)
    PostgresqlStore(postgresql, schema=name).remove()


def test_while_the_store_is_gone_the_worker_waits_readyz_says_so_and_nothing_is_buried(
    headrace: Headrace, own: OwnServers
) -> None:
    own.start("postgresql")
    store = f"{own.url('POSTGRESQL')}?schema=gone"
    running = headrace.start("up", store=store)
    address = running.address()
    until(lambda: httpx.get(f"{address}/readyz", trust_env=False).status_code == 200, 60, "it is not ready")
    own.kill("postgresql")
    gone = time.monotonic()
    publish(headrace, 500)

    def is_back_after_long() -> bool:
        """Whether it was away for long; not ready all the time."""
        ready = httpx.get(f"{address}/readyz", trust_env=False, timeout=30)
        assert ready.status_code == 503
        assert "postgresql" in ready.json()["checks"]["store"]
        return time.monotonic() - gone > GONE_SECONDS

    until(is_back_after_long, 2 * GONE_SECONDS, "the time does not pass", every=0.5)
    assert "waiting for the store, and trying again" in running.told
    assert headrace.waiting() > 0

    own.start("postgresql")
    with closing(PostgresqlStore.from_url(store)) as opened:
        until(lambda: opened.count(Query()).get("") == 500 and not headrace.waiting(), 60, "it does not go on")
        assert opened.count(Query(kind="dead")) == {}
    until(lambda: httpx.get(f"{address}/readyz", trust_env=False).status_code == 200, 60, "it is not ready again")


@pytest.mark.skipif(os.getuid() != 0 or sys.platform != "linux", reason="needs root, to make a small file system")
def test_while_the_disk_of_the_store_is_full_the_worker_waits_and_nothing_is_buried(headrace: Headrace) -> None:
    small = headrace.folder / "small"
    small.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(small)]
    done = subprocess.run(command, check=False, capture_output=True)
    if done.returncode:
        pytest.skip(f"no small file system can be made here: {done.stderr.decode().strip()}")
    try:
        store = f"sqlite:///{small}/store.db"
        worker = headrace.start("work", store=store)
        until(worker.predictors, 60, "no predictor has started")
        ballast = small / "ballast"
        with pytest.raises(OSError, match="space"):
            ballast.write_bytes(b"x" * (4 << 20))
        publish(headrace, 2000)
        worker.wait_for("waiting for the store, and trying again", 60)
        assert headrace.waiting() > 0
        ballast.unlink()
        until(lambda: not headrace.waiting(), 60, "it does not go on")
        worker.interrupt()
        assert worker.status() == 0
        assert headrace.done("status", "--json", store=store).count('"documents":2000,') == 1
        assert '"dead":{}' in headrace.done("status", "--json", store=store)
    finally:
        headrace.sweep()
        subprocess.run(["umount", "-l", str(small)], check=True)
