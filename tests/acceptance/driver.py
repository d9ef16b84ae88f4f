"""What the acceptance tests share: the installed command in a folder of its own, its processes, and what is stored in the end."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psutil

from headrace import browse
from headrace.documents import DeadLetter, Result
from headrace.ports import DeadQuery, ResultQuery
from headrace.stores.sqlite import SqliteStore

HERE = Path(__file__).parent
COMMAND = (str(Path(sys.executable).with_name("headrace")),)
MARK = "ACCEPTANCE_MARK"
FAULTY = "fake=python:headrace.testing.classifiers:Faulty"
TRIVIAL = "fake=python:headrace.testing.classifiers:Trivial"
CHECKSUM = "fake=python:headrace.testing.classifiers:Checksum"
# Seconds after which a test gives up waiting; no machine is so slow that it would need them.
PATIENCE = 600.0


class Finished(NamedTuple):
    """How a command ended."""

    status: int
    output: str
    errors: str


class Running:
    """A command that runs, and all that it started."""

    def __init__(self, child: "subprocess.Popen[bytes]", mark: str, log: Path) -> None:
        self.child, self._mark, self._log = child, mark, log

    @property
    def printed(self) -> str:
        """What it and its children have printed so far."""
        return self._log.read_text(errors="replace")

    def wait_for(self, text: str, seconds: float = PATIENCE) -> str:
        """Wait until it has printed this, and the rest of that line; the rest."""

        def seen() -> bool:
            ended = self.child.poll() is not None
            found = "\n" in self.printed.partition(text)[2]
            assert found or not ended, f"it ended: {self.printed}"
            return found

        until(seen, seconds, f"{text!r} was not printed")
        return self.printed.partition(text)[2].partition("\n")[0]

    def address(self) -> str:
        """Where the API and the console are, once they are."""
        return self.wait_for("Headrace is at ").partition(" ")[0]

    def processes(self) -> list[psutil.Process]:
        """What it started and still runs, itself included; even if their parent has died."""
        return [process for process in psutil.process_iter() if _marked(process, self._mark)]

    def keepers(self) -> list[psutil.Process]:
        """The workers in processes of their own."""
        return [process for process in self.processes() if _runs(process, "headrace.worker.launch")]

    def predictors(self) -> list[psutil.Process]:
        """The predictors, of workers and of the API."""
        return [process for process in self.processes() if _runs(process, "headrace.predictor.child")]

    def interrupt(self) -> None:
        """SIGINT, to this process alone."""
        self.child.send_signal(signal.SIGINT)

    def interrupt_group(self) -> None:
        """SIGINT to its whole group, as a terminal sends it at Ctrl-C."""
        os.killpg(self.child.pid, signal.SIGINT)

    def kill(self) -> None:
        """SIGKILL."""
        self.child.kill()
        self.child.wait()

    def status(self, seconds: float = PATIENCE) -> int:
        """Its exit status, once it has ended."""
        return self.child.wait(seconds)

    def leaves_nothing(self) -> None:
        """Check that nothing outlives it."""
        until(lambda: not self.processes(), PATIENCE, "something outlives it")

    def sweep(self) -> None:
        """End whatever is left, after a test."""
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        kill(self.processes())


class Headrace:
    """The command, in a folder of its own and with settings of its own."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.folder = folder
        self.started: list[Running] = []
        self._settings = {"port": 0, **settings}

    @property
    def queue(self) -> Path:
        return self.folder / "queue.db"

    @property
    def store(self) -> Path:
        return self.folder / "store.db"

    def start(self, *arguments: str, command: Sequence[str] = COMMAND, **settings: object) -> Running:
        """Start a command, in a session of its own."""
        mark = uuid.uuid4().hex
        log = self.folder / f"{mark}.log"
        with log.open("wb") as output:
            child = subprocess.Popen(
                [*command, *arguments],
                cwd=self.folder,
                env={**self.environment(**settings), MARK: mark},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.started.append(Running(child, mark, log))
        return self.started[-1]

    def run(self, *arguments: str, given: bytes = b"", timeout: float = 2 * PATIENCE, **settings: object) -> Finished:
        """Run a command to its end."""
        done = subprocess.run(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env=self.environment(**settings),
            input=given,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
        return Finished(done.returncode, done.stdout.decode(), done.stderr.decode())

    def done(self, *arguments: str, given: bytes = b"", **settings: object) -> str:
        """The output of a command that ends with status 0."""
        finished = self.run(*arguments, given=given, **settings)
        assert finished.status == 0, finished
        return finished.output

    def environment(self, **settings: object) -> dict[str, str]:
        """The environment of its commands: the tests' own without settings, and the settings given."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
        given = {f"HEADRACE_{name.upper()}": str(value) for name, value in {**self._settings, **settings}.items()}
        return {**inherited, "PYTHONPATH": str(HERE), "COLUMNS": "200", **given}

    def write(self, name: str, documents: Iterable[object]) -> str:
        """A file of JSON Lines in the folder; what is bytes already is written as it is."""
        lines = (line if isinstance(line, bytes) else json.dumps(line).encode() for line in documents)
        (self.folder / name).write_bytes(b"".join(line + b"\n" for line in lines))
        return name

    def waiting(self) -> int:
        """How many bodies are in the queue, leased or not."""
        with closing(sqlite3.connect(self.queue, timeout=PATIENCE)) as connection:
            return int(connection.execute("SELECT count(*) FROM bodies").fetchone()[0])

    def stored(self) -> int:
        """How many documents are stored."""
        with closing(SqliteStore(self.store)) as store:
            return store.count(ResultQuery()).documents

    def results(self) -> list[Result]:
        """All results, in no order that matters."""
        with closing(SqliteStore(self.store)) as store:
            return list(browse.results(store, ResultQuery(), size=1000))

    def dead(self) -> list[DeadLetter]:
        """All dead letters."""
        with closing(SqliteStore(self.store)) as store:
            return list(browse.letters(store, DeadQuery()))

    def sweep(self) -> None:
        """End whatever was started and is left."""
        for running in self.started:
            running.sweep()


def until(met: Callable[[], Any], seconds: float, otherwise: str, *, every: float = 0.02) -> None:
    """Wait for what another process does; fails when that takes longer."""
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, f"after {seconds:g} s {otherwise}"
        time.sleep(every)


def get(url: str) -> httpx.Response:
    """The answer of a server, however long it takes."""
    return httpx.get(url, trust_env=False, timeout=PATIENCE)


def post(url: str, content: object) -> httpx.Response:
    """The answer of a server to JSON, however long it takes."""
    return httpx.post(url, json=content, trust_env=False, timeout=PATIENCE)


def kill(processes: Iterable[psutil.Process], number: int = signal.SIGKILL) -> None:
    """Send a signal to each that is still there."""
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue


def _marked(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _runs(process: psutil.Process, module: str) -> bool:
    try:
        return module in process.cmdline()
    except psutil.Error:
        return False
