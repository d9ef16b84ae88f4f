"""What a predictor has started is ended with it: processes that a model forks, and daemons with sessions of their own.

A predictor leads a group of processes, which its children join. One that leaves the group still has the environment that the predictor was
started with, and is found by a mark in it (Linux).
"""

import contextlib
import os
import secrets
import signal
import threading
from pathlib import Path

from headrace.log import logger
from headrace.runtime import follow_parent

LOG = logger("headrace.predictor")
VARIABLE = "_HEADRACE_PREDICTOR"
ROUNDS = 10  # of looking for marked processes
# So many rounds in a row without one end the search. A single one misses a process that forks and ends at that moment, and its child, too.
EMPTY_ROUNDS = 2


def new_mark() -> str:
    """A mark that no other predictor has."""
    return secrets.token_hex(16)


def kill(pid: int, mark: str) -> None:
    """Kill the group of a predictor, and whatever else has its mark. Call it before the predictor is waited for.

    If the system has no file descriptor for looking at the processes, that is logged, and only the group is killed.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    empty = 0
    for _ in range(ROUNDS):
        try:
            found = [other for other in _marked(f"{VARIABLE}={mark}".encode()) if other != pid]
        except OSError as error:
            LOG.warning(f"daemons that a model may have started are left running: reading /proc: {error.strerror}")
            return
        empty = 0 if found else empty + 1
        if empty == EMPTY_ROUNDS:
            return
        for other in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(other, signal.SIGKILL)


def bind_forks() -> None:
    """Let the children that this process forks from its main thread die with it, even if its parent is gone too (Linux)."""
    predictor = os.getpid()

    def bind() -> None:
        if os.getppid() == predictor and from_main.is_set():
            follow_parent(predictor, signal.SIGKILL)

    def note() -> None:
        # The kernel means the thread that forks, which must not end before the process does.
        if os.getpid() == predictor and threading.current_thread() is threading.main_thread():
            from_main.set()
        else:
            from_main.clear()

    from_main = threading.Event()
    os.register_at_fork(before=note, after_in_child=bind)


def _marked(entry: bytes) -> list[int]:
    """The running processes whose environment has this entry; none on a system without /proc. Raises OSError without a descriptor."""
    found = []
    with contextlib.suppress(FileNotFoundError):
        for name in filter(str.isdecimal, os.listdir("/proc")):  # noqa: PTH208
            with contextlib.suppress(
                FileNotFoundError, ProcessLookupError, PermissionError
            ):  # it ended, or is another user's
                if entry in Path(f"/proc/{name}/environ").read_bytes().split(b"\0"):  # empty for a process that is dead
                    found.append(int(name))
    return found
