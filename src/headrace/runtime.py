"""What lives around the work: signals, child processes, waiting with back-off.

The first signal drains, the second forces. A child follows its parent: it leaves when the parent is gone, however that died.
"""

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

DRAIN_SECONDS = 4.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # that ask a process to end
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

    for number in SIGNALS:
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


def describe(status: int) -> str:
    """An exit status in words: "SIGKILL", or "status 1"."""
    if status >= 0:
        return f"status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
