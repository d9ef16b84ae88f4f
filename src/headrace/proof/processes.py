"""The processes of a proof: workers and publishers, which are killed, and started again at once."""

import contextlib
import os
import random
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from headrace import supervisor
from headrace.errors import Misconfigured
from headrace.proof.publisher import Report
from headrace.supervisor import Child, close_input

Spawn = Callable[[], Child]
LEAVE_SECONDS = 10.0  # that a process has to end before it is killed


class Workers:
    """Keepers, and through them their predictors."""

    def __init__(self, spawn: Spawn, number: int) -> None:
        self._spawn = spawn
        self._keepers = [spawn() for _ in range(number)]

    def restart_dead(self) -> bool:
        """Start again the keepers that died; whether any keeper runs. Raises Misconfigured if one ended as misconfigured."""
        for place, keeper in enumerate(self._keepers):
            status = keeper.poll()
            if status == Misconfigured.status:
                raise Misconfigured("a worker can't work; what it said is above")
            if status:
                close_input(keeper)
                self._keepers[place] = self._spawn()
        return any(keeper.returncode is None for keeper in self._keepers)

    def kill_keeper(self, rng: random.Random) -> bool:
        """Kill one of the keepers (SIGKILL) and start another; whether it was running."""
        self.restart_dead()
        return self._kill(rng.randrange(len(self._keepers)))

    def kill_keepers(self) -> int:
        """Kill all keepers (SIGKILL) and start others; how many were running."""
        return sum(self._kill(place) for place in range(len(self._keepers)))

    def kill(self, pid: int) -> bool:
        """Kill the keeper that has this id (SIGKILL) and start another; whether it was running."""
        for place, keeper in enumerate(self._keepers):
            if keeper.pid == pid:
                return self._kill(place)
        return False

    def kill_predictor(self, rng: random.Random) -> bool:
        """Kill one of the predictors (SIGKILL), which its keeper replaces; whether there was one."""
        predictors = children([keeper.pid for keeper in self._keepers])
        return bool(predictors) and kill(rng.choice(predictors))

    def replace(self, spawn: Spawn) -> None:
        """Let the keepers drain and end, then start as many with `spawn`."""
        number = len(self._keepers)
        self.end()
        self._spawn = spawn
        self._keepers = [spawn() for _ in range(number)]

    def end(self) -> None:
        """Ask the keepers to end, and kill those that don't."""
        supervisor.end(self._keepers, seconds=LEAVE_SECONDS)

    def _kill(self, place: int) -> bool:
        killed = kill(self._keepers[place].pid)
        self._keepers[place].wait()
        close_input(self._keepers[place])
        self._keepers[place] = self._spawn()
        return killed


class Publisher:
    """A publisher of one file, in a process that is started again however often it dies.

    Each `publish` lets the file grow, and asks the process to publish it as it is then.
    """

    def __init__(self, spawn: Spawn, file: Path) -> None:
        self._spawn = spawn
        self._file = file
        self._changed = threading.Lock()
        self._asked = self._done = 0
        self._child: Child | None = None
        self.confirmed = 0  # how often the broker has confirmed
        self.saved: set[str] = set()  # the ids of the documents up to the cursor
        file.touch()

    @property
    def pid(self) -> int:
        """The id of the process; 0 before the first."""
        return self._child.pid if self._child is not None else 0

    @property
    def is_idle(self) -> bool:
        """Whether all that was asked for is published."""
        with self._changed:
            return self._done >= self._asked

    def publish(self, lines: Sequence[bytes]) -> None:
        """Append lines to the file, and ask for them to be published; returns at once."""
        with self._file.open("ab") as file:
            file.writelines(line + b"\n" for line in lines)
        with self._changed:
            self._asked += 1
        self._ask()

    def kill(self) -> bool:
        """Kill the process (SIGKILL) and start another, which continues; whether it was running."""
        assert self._child is not None
        killed = kill(self._child.pid)
        self._child.wait()
        self._ask()
        return killed

    def restart_dead(self) -> None:
        """Start the process again if it died. Raises Misconfigured if it ended as misconfigured."""
        status = None if self._child is None else self._child.poll()
        if status == Misconfigured.status:
            raise Misconfigured("a publisher can't publish; what it said is above")
        if status is not None:
            self._ask()

    def end(self) -> None:
        """Ask the process to end, and kill it if it doesn't. Calling it twice is harmless."""
        if self._child is not None:
            supervisor.end([self._child], close_input, LEAVE_SECONDS)
            self._child = None

    def _ask(self) -> None:
        """Ask for the file as it is now, in a new process if there is none."""
        if self._child is None or self._child.poll() is not None:
            if self._child is not None:
                close_input(self._child)
            self._child = child = self._spawn()
            name = f"{self._file.name} listener"
            threading.Thread(target=self._listen, args=(child,), name=name, daemon=True).start()
        assert self._child.stdin is not None
        with self._changed:
            asked = self._asked
        with contextlib.suppress(BrokenPipeError):  # it has just died, and is started again later
            self._child.stdin.write(b"%d\n" % asked)

    def _listen(self, child: Child) -> None:
        assert child.stdout is not None
        with child.stdout as stream:
            for line in iter(stream.readline, b""):
                try:
                    report = msgspec.json.decode(line, type=Report)
                except msgspec.DecodeError:
                    return  # killed in the middle of a line
                with self._changed:
                    self.confirmed += report.confirmed
                    self.saved.update(report.saved)
                    self._done = max(self._done, report.done)


def children(parents: Sequence[int]) -> list[int]:
    """The ids of the running processes that these processes have started, in ascending order; zombies are left out."""
    if not Path("/proc/self/stat").exists():
        listing = subprocess.run(["ps", "-axo", "pid=,ppid=,stat="], capture_output=True, text=True, check=True).stdout
        rows = [line.split() for line in listing.splitlines()]
        return sorted(int(pid) for pid, parent, state in rows if int(parent) in parents and not state.startswith("Z"))
    running = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(parent) in parents and state != "Z":
            running.append(int(path.parent.name))
    return sorted(running)


def kill(pid: int) -> bool:
    """Send SIGKILL; whether there was such a process."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
