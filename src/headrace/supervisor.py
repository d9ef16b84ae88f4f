"""Child processes: started in a session of their own, kept running, ended."""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import IO

from headrace.errors import Misconfigured
from headrace.log import logger
from headrace.retrying import delays
from headrace.runtime import DRAIN_SECONDS, SETTLED_SECONDS, Stop, describe

LOG = logger("headrace.supervisor")


class Supervisor:
    """Child processes that are kept running: one that dies is started again, one that is misconfigured ends them all.

    A child that ends with status 0 is done and stays away.
    """

    def __init__(self, spawn: Callable[[], "subprocess.Popen[bytes]"], number: int) -> None:
        self.spawn = spawn
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
                    LOG.warning(
                        f"a worker died ({describe(child.returncode)}); it is started again",
                        extra={"child": child.pid, "status": child.returncode},
                    )
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
