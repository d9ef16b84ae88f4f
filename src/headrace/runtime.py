"""Signals, and the stop that they request; children that leave when their parent is gone, however it died.

The first signal asks a process to drain and end, the second one ends it at once.
"""

import contextlib
import ctypes
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

from headrace.errors import system_error

DRAIN_SECONDS = 4.0  # that a process has to finish what it has begun
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # that ask a process to end
COLLECTED_AFTER = 100_000  # new objects, by `collecting_rarely`
_PR_SET_PDEATHSIG = 1


class Stop:
    """A request to finish that every thread sees. It is made once, and cannot be taken back.

    `since` is the monotonic time of the request, infinite before it.
    """

    def __init__(self) -> None:
        # A reentrant lock: a signal may arrive, and request the stop, in the very thread that holds the lock to wait.
        self._changed = threading.Condition(threading.RLock())
        self.since = float("inf")

    @property
    def requested(self) -> bool:
        """Whether the request was made."""
        return self.since < float("inf")

    def request(self) -> None:
        """Make the request, from any thread or signal handler. Calling it again changes nothing."""
        with self._changed:
            self.since = min(self.since, time.monotonic())
            self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait for so many seconds, or until the request is made; whether it was."""
        with self._changed:
            return self._changed.wait_for(lambda: self.requested, seconds)

    def overdue(self, seconds: float = DRAIN_SECONDS) -> bool:
        """Whether the request was made more than so many seconds ago."""
        return time.monotonic() - self.since > seconds


def cores() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextlib.contextmanager
def collecting_rarely() -> Iterator[None]:
    """Let Python look for garbage in cycles seldom, for work that makes many objects and no cycles: looking takes a tenth of the time."""
    before = gc.get_threshold()
    gc.set_threshold(COLLECTED_AFTER, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextlib.contextmanager
def spawning(doing: str) -> Iterator[None]:
    """Start a process within the block. Raises Unavailable if the system has nothing for it now, and Misconfigured if that won't pass."""
    try:
        yield
    except OSError as error:
        raise system_error(doing, error, f"check that {sys.executable} can be run") from error


def on_signals(stop: Stop, force: Callable[[], None]) -> None:
    """Let the first SIGINT, SIGTERM or SIGHUP request the stop, and the next one call `force` and end the process at once.

    A SIGINT or SIGHUP that whoever started the process has it ignore (nohup, a script's background job) stays ignored. Call it from the
    main thread.
    """

    def receive(number: int, _frame: FrameType | None) -> None:
        if stop.requested:
            force()
            os._exit(128 + number)
        stop.request()

    for number in SIGNALS:
        if number == signal.SIGTERM or not is_ignored(number):
            signal.signal(number, receive)


def is_ignored(number: int) -> bool:
    """Whether this process ignores a signal; it does from its start if the one that started it did."""
    return signal.getsignal(number) == signal.SIG_IGN


def follow_parent(parent: int, number: int) -> None:
    """Have the kernel send this process a signal when its parent dies, or send it now if it has died already.

    Linux only: elsewhere it does nothing, and the end of standard input tells of the parent's death (`on_end_of_input`).
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), number)


def on_end_of_input(call: Callable[[], None]) -> None:
    """Call, from another thread, when standard input ends: its other end is held by the parent as long as that lives."""

    def watch() -> None:
        while os.read(0, 4096):
            pass
        call()

    threading.Thread(target=watch, name="parent watch", daemon=True).start()


def discard_output() -> None:
    """Send what is still buffered for standard output nowhere: flushing it at exit would fail once more."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)


def describe(status: int) -> str:
    """An exit status in words: "SIGKILL", or "status 1"."""
    if status >= 0:
        return f"status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
