"""Several writers at once on one store: threads, processes that are killed, and a server that is killed under them."""

import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from support import PATIENCE
from support.own_servers import OwnServers
from support.racing import ROUNDS, check, insist

from headrace.ports import StoreAdapter
from headrace.urls import Connectors

ROOT = Path(__file__).parents[2]
NAMES = ("anna", "bert", "cora")


def opened(url: str) -> StoreAdapter:
    return Connectors("memory:", url).store()


@pytest.fixture(params=["sqlite", "postgresql", "mongodb"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty store."""
    name = f"race_{secrets.token_hex(6)}"
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/store.db"
        return
    server: str = request.getfixturevalue(request.param)
    made = {"postgresql": f"{server}?schema={name}", "mongodb": f"{server}headrace?prefix={name}"}[request.param]
    yield made
    opened(made).remove()


def start(url: str, name: str) -> "subprocess.Popen[str]":
    """A writer that is ready, and waits for a line."""
    started = subprocess.Popen(
        [sys.executable, "-m", "support.racing_writer", url, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT / "tests",
    )
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"
    return started


def go(writer: "subprocess.Popen[str]") -> None:
    assert writer.stdin is not None
    writer.stdin.write("go\n")
    writer.stdin.flush()


def has_written(writer: "subprocess.Popen[str]") -> None:
    """Wait until it has written something."""
    assert writer.stdout is not None
    assert writer.stdout.readline() == "0\n"


def finish(writer: "subprocess.Popen[str]") -> None:
    """Let it write to its end."""
    writer.communicate(timeout=PATIENCE)
    assert writer.returncode == 0


def test_threads_that_share_a_store_write_the_same_documents_once(url: str) -> None:
    failed: list[BaseException] = []

    def write(name: str) -> None:
        try:
            for turn in range(ROUNDS):
                insist(store, name, turn)
        except BaseException as error:
            failed.append(error)

    with closing(opened(url)) as store:
        threads = [threading.Thread(target=write, args=(name,)) for name in NAMES]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        check(store)


def test_processes_that_are_killed_and_begin_again_write_the_same_documents_once(url: str) -> None:
    writers = [start(url, name) for name in NAMES]
    for writer in writers:
        go(writer)
    for victim in writers[:2]:
        has_written(victim)
        victim.send_signal(signal.SIGKILL)
        victim.communicate()
        assert victim.returncode == -signal.SIGKILL
    again = [start(url, name) for name in NAMES[:2]]
    for writer in again:
        go(writer)
    for writer in (*writers[2:], *again):
        finish(writer)
    with closing(opened(url)) as store:
        check(store)


@pytest.fixture
def own() -> Iterator[OwnServers]:
    servers = OwnServers()
    try:
        yield servers
    finally:
        servers.close()


def test_a_server_that_is_killed_under_its_writers_and_comes_back_has_everything_once(own: OwnServers) -> None:
    own.start("ferretdb")
    url = own.url("MONGODB")
    writers = [start(url, name) for name in NAMES]
    late = writers.pop()
    for writer in writers:
        go(writer)
        has_written(writer)
    own.kill("ferretdb")
    assert [writer.poll() for writer in writers] == [None, None]
    go(late)  # which finds nobody there
    own.start("ferretdb")
    for writer in (*writers, late):
        finish(writer)
    with closing(opened(url)) as store:
        check(store)
