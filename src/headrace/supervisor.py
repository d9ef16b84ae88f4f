"""Child processes: started in a session of their own with an order, kept running, ended.

A child is a module of ours that calls `run_child`. The first line on its standard input is its order. That input stays open: its end
tells the child that the parent is gone.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from io import FileIO
from typing import IO, Generic, TypeVar

import msgspec

from headrace import log, runtime
from headrace.config import Settings
from headrace.errors import HeadraceError, Misconfigured, Unavailable
from headrace.log import logger
from headrace.retrying import delays
from headrace.runtime import DRAIN_SECONDS, Stop, describe

SETTLED_SECONDS = 5.0  # without a death, after which the back-off of restarts begins anew
POLL_SECONDS = 0.1  # between two looks at the children
LEAVE_SECONDS = DRAIN_SECONDS + 1  # that a child has to drain and leave before it is killed

Child = subprocess.Popen[bytes]
LOG = logger("headrace.supervisor")

Task = TypeVar("Task")


class Order(msgspec.Struct, Generic[Task], frozen=True):
    """What a child is told first: the process id of its parent, the settings, and the task that its module defines."""

    parent: int
    settings: Settings
    task: Task


def order(settings: Settings, task: object) -> bytes:
    """The order of this process to a child, as `start_child` sends it. The task is a msgspec struct or a dataclass."""
    return msgspec.json.encode(Order(os.getpid(), settings, task)) + b"\n"


def start_child(
    module: str,
    arguments: Sequence[str],
    order: bytes,
    *,
    output: int | None = None,
    errors: IO[bytes] | None = None,
) -> Child:
    """Start `python -m module` and send it an order. A session of its own keeps a terminal's Ctrl-C from it: only its parent gets that.

    What the child prints goes where ours goes, unless `output` (PIPE) or `errors` say otherwise. Raises Unavailable if the system has no
    process, descriptor or memory for it now, Misconfigured if it never will.
    """
    with runtime.spawning(f"starting {module}"):
        child = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=errors,
            start_new_session=True,
            bufsize=0,
        )
    assert child.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # it has died already; its exit status tells how
        child.stdin.write(order)
    return child


def run_child(
    task: type[Task], work: Callable[[Settings, Task, Stop, FileIO], None], *, death_signal: int = signal.SIGTERM
) -> int:
    """Be a child that `start_child` has started: read the order, `work`, and return the exit status.

    `work` gets the settings, the task, a stop that the first signal requests, and standard input after the order. An error of ours that
    it raises is logged. The child gets `death_signal` when its parent dies.
    """
    # Not sys.stdin: the interpreter aborts at its end if a thread still waits in that reader.
    standard_input = FileIO(0, closefd=False)
    given = msgspec.json.decode(standard_input.readline(), type=Order[task])  # type: ignore[valid-type]
    log.configure(given.settings.log, given.settings.secrets)
    stop = Stop()
    runtime.on_signals(stop, lambda: None)
    runtime.follow_parent(given.parent, death_signal)
    try:
        work(given.settings, given.task, stop, standard_input)
    except HeadraceError as error:
        LOG.error(str(error))
        return error.status
    except Exception:
        LOG.exception("an error that was not expected")
        return HeadraceError.status
    return 0


def end(
    children: Sequence[Child], ask: Callable[[Child], None] = Child.terminate, seconds: float = LEAVE_SECONDS
) -> None:
    """Ask children to end, and kill those that still run after so many seconds. Those that have ended are no trouble."""
    for child in children:
        ask(child)
    deadline = time.monotonic() + seconds
    for child in children:
        try:
            child.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        close_input(child)


def close_input(child: Child) -> None:
    """Close the standard input of a child, which asks it to end if it runs. Calling it twice is harmless."""
    if child.stdin is not None:
        child.stdin.close()


class Supervisor:
    """Keeps a number of children running: one that dies is started again with back-off, one that is misconfigured ends them all.

    A child that ends with status 0 is done and is not started again. `spawn` starts one; if it raises Unavailable, it is called again with
    back-off. So it is if it raises Misconfigured after it has started one: Python itself may be upgraded meanwhile.
    """

    def __init__(self, spawn: Callable[[], Child], number: int, *, leave_seconds: float = LEAVE_SECONDS) -> None:
        self.spawn = spawn
        self._missing, self._leave_seconds = number, leave_seconds
        self._children: list[Child] = []
        self._waits = delays()
        self._due = self._changed_at = 0.0  # when a missing child may be started, and when one last was

    def run(self, stop: Stop) -> int:
        """Keep the children running until the stop is requested, or until all are done. Returns the exit status."""
        try:
            while (self._missing or self._children) and not stop.requested:
                self._start_missing()
                stop.wait(POLL_SECONDS)
                if self._misconfigured():
                    return Misconfigured.status
                self._replace_dead(stop)
        finally:
            self.end()
        return 0

    def _start_missing(self) -> None:
        while self._missing and time.monotonic() >= self._due:
            try:
                self._children.append(self.spawn())
            except (Misconfigured, Unavailable) as error:
                if isinstance(error, Misconfigured) and not self._changed_at:  # none was ever started
                    raise
                LOG.warning(f"a worker cannot be started, and it is tried again: {error}")
                self._due = time.monotonic() + next(self._waits)
                return
            self._missing -= 1
            self._changed_at = time.monotonic()
        if not self._missing and time.monotonic() - self._changed_at > SETTLED_SECONDS:
            self._waits = delays()

    def _misconfigured(self) -> bool:
        return any(child.poll() == Misconfigured.status for child in self._children)

    def _replace_dead(self, stop: Stop) -> None:
        for child in [child for child in self._children if child.poll() is not None]:
            self._children.remove(child)
            close_input(child)
            if child.returncode != 0 and not stop.requested:
                LOG.warning(
                    f"a worker died ({describe(child.returncode)}); it is started again",
                    extra={"child": child.pid, "status": child.returncode},
                )
                self._missing += 1
                self._due = time.monotonic() + next(self._waits)

    def end(self) -> None:
        """Ask the children to drain, then kill those that are left."""
        end(self._children, seconds=self._leave_seconds)

    def kill(self) -> None:
        """Kill the children at once; from any thread."""
        for child in list(self._children):
            child.kill()
