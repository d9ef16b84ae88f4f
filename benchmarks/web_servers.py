"""The servers that benchmarks/http.py measures, as processes: Headrace, and the naive app."""

import os
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import usage
from systems import HERE

from headrace.browse import results
from headrace.ports import ResultQuery
from headrace.urls import Connectors, apart

#: Seconds that a server may take to start: the scorer may have to be compiled.
STARTING = 120.0


@dataclass
class Server:
    """A server that runs, and the numbers of the documents that it took, or may have taken.

    `stored` reads the numbers that are in its store; `served` says whether other servers of this machine work for it.
    """

    name: str
    port: int
    pid: int
    stored: Callable[[], list[int]]
    served: bool = False
    accepted: set[int] = field(default_factory=set)
    doubtful: set[int] = field(default_factory=set)

    def processes(self) -> usage.Stages:
        """Its processes by stage: the server, a worker's keeper and predictor, the API's own predictor; and the servers that it uses."""
        stages: usage.Stages = {"server": [psutil.Process(self.pid)]}
        for child in psutil.Process(self.pid).children():
            if "headrace.worker.launch" in child.cmdline():
                stages.setdefault("keeper", []).append(child)
                stages.setdefault("predictor", []).extend(child.children())
            else:
                stages.setdefault("API's predictor", []).append(child)
        return {**stages, **(usage.servers() if self.served else {})}

    def memory(self) -> float:
        """Resident MiB of the server's own process."""
        return float(psutil.Process(self.pid).memory_info().rss) / 2**20


@contextmanager
def headrace_up(folder: Path, broker: str, store: str) -> Iterator[Server]:
    """`headrace up` with a queue and a store of its own, which are removed at the end."""
    mark = f"benchmark_{secrets.token_hex(4)}"
    embedded = (f"sqlite:///{folder}/x.db", f"sqlite:///{folder}/y.db")
    served = (broker, store) != ("sqlite:", "sqlite:")
    broker, store = apart(
        *(own if url == "sqlite:" else url for url, own in zip((broker, store), embedded, strict=True)), mark
    )
    connectors = Connectors(broker, store)
    with ExitStack() as cleanup:
        cleanup.callback(_remove, connectors)
        command = [sys.executable, "-m", "headrace", "up", "--port", "0", "--broker", broker, "--store", store]
        with running(command, folder) as process:
            assert process.stdout is not None
            line = next((line for line in process.stdout if "http://" in line), None)
            assert line is not None, "headrace up ended; it said why above"
            port = int(line.split("http://", 1)[1].split()[0].rpartition(":")[2])
            yield Server("Headrace", port, process.pid, lambda: _results(connectors), served)


@contextmanager
def naive(folder: Path, model: Path) -> Iterator[Server]:
    """The naive app of benchmarks/peers, with the pipeline of a folder."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    file = folder / "naive.db"
    environment = {"PEER_MODEL": str(model), "PEER_FILE": str(file)}
    command = [sys.executable, "-m", "uvicorn", "peers.fastapi_app:app", "--port", str(port), "--log-level", "warning"]
    with running(command, HERE, environment) as process:
        _wait_for(port)
        yield Server("naive app", port, process.pid, lambda: _rows(file))


@contextmanager
def running(
    command: list[str], folder: Path, environment: dict[str, str] | None = None
) -> "Iterator[subprocess.Popen[str]]":
    """A process while it runs; it is stopped at the end."""
    process = subprocess.Popen(
        command, cwd=folder, env={**os.environ, **(environment or {})}, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _results(connectors: Connectors) -> list[int]:
    with closing(connectors.store()) as store:
        return [int(result.id, 16) for result in results(store, ResultQuery(), size=1000)]


def _remove(connectors: Connectors) -> None:
    with closing(connectors.broker()) as queue:
        queue.remove()
    with closing(connectors.store()) as store:
        store.remove()


def _rows(file: Path) -> list[int]:
    with closing(sqlite3.connect(file)) as database:
        return [int(row[0], 16) for row in database.execute("SELECT id FROM results")]


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + STARTING
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            assert time.monotonic() < deadline, f"nothing listens on port {port}"
            time.sleep(0.1)
