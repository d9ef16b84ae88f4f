"""The processes of a proof: workers and publishers, which are killed, and started again at once."""

import contextlib
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from headrace.errors import Misconfigured
from headrace.proof.publisher import Told

Child = subprocess.Popen[bytes]
Spawn = Callable[[], Child]
LEAVE_SECONDS = 10.0


class Workers:
    """Keepers, and through them predictors."""

    def __init__(self, spawn: Spawn, number: int) -> None:
        self._spawn = spawn
        self._keepers = [spawn() for _ in range(number)]

    def tend(self) -> bool:
        """Start again those that died; whether any has not done its work. Raises Misconfigured where one says that it never can."""
        for place, keeper in enumerate(self._keepers):
            status = keeper.poll()
            if status == Misconfigured.status:
                raise Misconfigured("a worker can't work; what it said is above")
            if status:
                _let_go(keeper)
                self._keepers[place] = self._spawn()
        return any(keeper.returncode is None for keeper in self._keepers)

    def kill_keeper(self, chance: random.Random) -> bool:
        """SIGKILL for one of the keepers; another takes its place. Whether one ran."""
        self.tend()
        place = chance.randrange(len(self._keepers))
        killed = kill(self._keepers[place].pid)
        self._keepers[place].wait()
        _let_go(self._keepers[place])
        self._keepers[place] = self._spawn()
        return killed

    def kill_predictor(self, chance: random.Random) -> bool:
        """SIGKILL for one of the predictors; its keeper starts another. Whether one ran."""
        found = children([keeper.pid for keeper in self._keepers])
        return bool(found) and kill(chance.choice(found))

    def replace(self, spawn: Spawn) -> None:
        """Let the keepers finish what they have in hand, and others take their places."""
        number = len(self._keepers)
        self.end()
        self._spawn = spawn
        self._keepers = [spawn() for _ in range(number)]

    def end(self) -> None:
        """Ask them to end, and kill those that don't."""
        end(self._keepers, Child.terminate)


class Publisher:
    """A publisher of one file: it publishes what the file has grown by, each time that it is asked to, however often it is killed."""

    def __init__(self, spawn: Spawn, file: Path) -> None:
        self._spawn = spawn
        self._file = file
        self._changed = threading.Lock()
        self._asked = self._done = 0
        self._child: Child | None = None
        self.confirmed = 0
        self.saved: set[str] = set()
        file.touch()

    @property
    def is_idle(self) -> bool:
        """Whether all that was asked for is done."""
        with self._changed:
            return self._done >= self._asked

    def publish(self, lines: Sequence[bytes]) -> None:
        """Let the file grow by these lines, and ask for them."""
        with self._file.open("ab") as file:
            file.writelines(line + b"\n" for line in lines)
        with self._changed:
            self._asked += 1
        self._ask()

    def kill(self) -> bool:
        """SIGKILL; another goes on where this one was. Whether it ran."""
        assert self._child is not None
        killed = kill(self._child.pid)
        self._child.wait()
        self._ask()
        return killed

    def tend(self) -> None:
        """Start it again if it died. Raises Misconfigured where it says that it never can."""
        status = None if self._child is None else self._child.poll()
        if status == Misconfigured.status:
            raise Misconfigured("a publisher can't publish; what it said is above")
        if status is not None:
            self._ask()

    def end(self) -> None:
        """Ask it to end, and kill it if it doesn't."""
        if self._child is not None:
            end([self._child], _let_go)
            self._child = None

    def _ask(self) -> None:
        """Ask for the file as it is now; in a new process, which has heard of nothing, where there is none."""
        if self._child is None or self._child.poll() is not None:
            if self._child is not None:
                _let_go(self._child)
            self._child = child = self._spawn()
            threading.Thread(
                target=self._listen, args=(child,), name=f"{self._file.name} listener", daemon=True
            ).start()
        assert self._child.stdin is not None
        with self._changed:
            asked = self._asked
        with contextlib.suppress(BrokenPipeError):  # it has just died, and is started again when it is tended
            self._child.stdin.write(b"%d\n" % asked)

    def _listen(self, child: Child) -> None:
        assert child.stdout is not None
        with child.stdout as stream:
            for line in iter(stream.readline, b""):
                try:
                    told = msgspec.json.decode(line, type=Told)
                except msgspec.DecodeError:
                    return  # killed in the middle of a word
                with self._changed:
                    self.confirmed += told.confirmed
                    self.saved.update(told.saved)
                    self._done = max(self._done, told.done)


def children(parents: Sequence[int]) -> list[int]:
    """The processes that these have started, and that run."""
    if not Path("/proc/self/stat").exists():
        told = subprocess.run(["ps", "-axo", "pid=,ppid=,stat="], capture_output=True, text=True, check=True).stdout
        rows = [line.split() for line in told.splitlines()]
        return [int(pid) for pid, parent, state in rows if int(parent) in parents and not state.startswith("Z")]
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(parent) in parents and state != "Z":
            found.append(int(path.parent.name))
    return sorted(found)


def kill(pid: int) -> bool:
    """SIGKILL; whether there was such a process."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def end(running: Sequence[Child], ask: Callable[[Child], None]) -> None:
    """Ask processes to end, and kill those that don't in time."""
    for child in running:
        ask(child)
    deadline = time.monotonic() + LEAVE_SECONDS
    for child in running:
        try:
            child.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        _let_go(child)


def _let_go(child: Child) -> None:
    if child.stdin is not None:
        child.stdin.close()
