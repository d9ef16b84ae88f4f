"""What lives around the work: signals, child processes, waiting with back-off.

The first signal drains, the second forces. A child follows its parent: it leaves when the parent is gone, however that died.
"""

import ctypes
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import IO

from headrace.errors import Misconfigured

DRAIN_SECONDS = 4.0
SETTLED_SECONDS = 5.0
_PR_SET_PDEATHSIG = 1


class Stop:
    """A request to finish, made once and seen by everyone. `since` is the monotonic time of the request."""

    def __init__(self) -> None:
        # Its lock may be taken again by the thread that has it: a signal may come while that thread begins to wait.
        self._changed = threading.Condition(threading.RLock())
        self.since = float("inf")

    @property
    def requested(self) -> bool:
        return self.since < float("inf")

    def request(self) -> None:
        with self._changed:
            self.since = min(self.since, time.monotonic())
            self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait, but no longer than until the request; whether it was made."""
        with self._changed:
            return self._changed.wait_for(lambda: self.requested, seconds)

    def overdue(self, seconds: float = DRAIN_SECONDS) -> bool:
        """Whether the request was made longer ago than this."""
        return time.monotonic() - self.since > seconds


def on_signals(stop: Stop, force: Callable[[], None]) -> None:
    """From now on the first SIGINT, SIGTERM or SIGHUP requests the stop, and another calls `force` and ends the process at once."""

    def receive(number: int, _frame: FrameType | None) -> None:
        if stop.requested:
            force()
            os._exit(128 + number)
        stop.request()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, receive)


def follow_parent(parent: int, number: int) -> None:
    """Ask the kernel for this signal when the parent dies (Linux; elsewhere the closed pipe has to do)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), number)


def on_end_of_input(call: Callable[[], None]) -> None:
    """Call once standard input is closed: a parent holds the other end as long as it lives."""

    def watch() -> None:
        while os.read(0, 4096):
            pass
        call()

    threading.Thread(target=watch, name="parent watch", daemon=True).start()


def delays(first: float = 0.1, most: float = 5.0) -> Iterator[float]:
    """Growing waits in seconds, for ever, with a fifth of chance so that many who wait don't come back together."""
    delay = first
    while True:
        yield delay * random.uniform(0.8, 1.2)
        delay = min(most, delay * 2)


class Family:
    """Child processes that are kept running: one that dies is started again, one that is misconfigured ends them all.

    A child that ends with status 0 is done and stays away.
    """

    def __init__(self, spawn: Callable[[], "subprocess.Popen[bytes]"], number: int, say: Callable[[str], None]) -> None:
        self.spawn = spawn
        self._say = say
        self._number = number
        self._children: list[subprocess.Popen[bytes]] = []
        self._changed_at = 0.0

    def run(self, stop: Stop) -> int:
        """Keep `number` children running until the stop, or until all are done; the exit status."""
        self._children = [self.spawn() for _ in range(self._number)]
        waits = delays()
        while self._children and not stop.wait(0.1):
            ended = [child for child in self._children if child.poll() is not None]
            if any(child.returncode == Misconfigured.status for child in ended):
                self.end()
                return Misconfigured.status
            self._children = [child for child in self._children if child not in ended]
            for child in ended:
                _let_go(child)
                if child.returncode != 0 and not stop.requested:
                    self._say(f"a worker died ({describe(child.returncode)}); it is started again")
                    stop.wait(next(waits))
                    self._children.append(self.spawn())
                    self._changed_at = time.monotonic()
            if time.monotonic() - self._changed_at > SETTLED_SECONDS:
                waits = delays()
        self.end()
        return 0

    def end(self) -> None:
        """Ask the children to drain, then kill those that are left."""
        for child in self._children:
            child.terminate()
        deadline = time.monotonic() + DRAIN_SECONDS + 1
        for child in self._children:
            try:
                child.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            _let_go(child)

    def kill(self) -> None:
        """End the children at once."""
        for child in self._children:
            child.kill()


def _let_go(child: "subprocess.Popen[bytes]") -> None:
    if child.stdin is not None:
        child.stdin.close()


def start_child(
    module: str,
    arguments: Sequence[str],
    first_input: bytes,
    *,
    output: int | None = None,
    errors: IO[bytes] | None = None,
) -> "subprocess.Popen[bytes]":
    """A Python process of ours in a session of its own, so that a terminal's Ctrl-C reaches it only through its parent.

    Its standard input gets `first_input` and stays open: its end means that the parent is gone. What it prints goes where ours goes,
    unless `output` (PIPE) or `errors` say otherwise.
    """
    child = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=errors,
        start_new_session=True,
        bufsize=0,
    )
    assert child.stdin is not None
    child.stdin.write(first_input)
    return child


def describe(status: int) -> str:
    """An exit status in words: "SIGKILL", or "status 1"."""
    if status >= 0:
        return f"status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
