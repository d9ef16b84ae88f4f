"""Gates: moments right after a step of a process, such as an acknowledgement, at which a proof holds the process and kills it.

A gate is a name. The proof arms it with a file; the first process that reaches it claims the file by renaming it, and waits for its death.
So the gap between two steps is hit for certain, however short it is.
"""

import os
import time
from collections.abc import Callable, Mapping
from functools import partial, wraps
from pathlib import Path
from typing import Any, TypeVar, cast

from headrace.runtime import Stop

#: The gates of a publisher, and those of a worker. What is lost in a gap is lost by those who take the steps in the wrong order.
PUBLISHED, CURSOR_SAVED = "published", "cursor-saved"
WRITTEN, ACKED = "written", "acked"
HELD_SECONDS = 0.05  # between two looks of a process that is held

T = TypeVar("T")


class Gates:
    """The gates of a proof, in a folder that it shares with its processes; it is made if it is missing.

    `role` is that of a process, such as `worker`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def arm(self, gate: str) -> None:
        """Hold the first process that reaches the gate from now on."""
        (self.folder / gate).touch()

    def held(self, gate: str) -> int:
        """The id of the process that is held at the gate since it was armed; 0 for none."""
        return next((int(path.name.rpartition(".")[2]) for path in self.folder.glob(f"{gate}.*")), 0)

    def disarm(self, gate: str) -> None:
        """Hold no process at the gate any longer. Calling it twice is harmless."""
        (self.folder / gate).unlink(missing_ok=True)
        for path in self.folder.glob(f"{gate}.*"):
            path.unlink(missing_ok=True)

    def announce(self, role: str) -> None:
        """Say, in a process, that those of its role stop at gates."""
        (self.folder / f"role-{role}").touch()

    def announced(self, role: str) -> bool:
        """Whether the processes of this role stop at gates: programs of another kind need not."""
        return (self.folder / f"role-{role}").exists()

    def reach(self, gate: str, stop: Stop) -> None:
        """Be held, if the gate is armed, until this process is killed, the gate is disarmed or the stop is requested."""
        claimed = self.folder / f"{gate}.{os.getpid()}"
        try:
            (self.folder / gate).rename(claimed)
        except FileNotFoundError:  # it is not armed, or another process was faster
            return
        while claimed.exists() and not stop.requested:
            time.sleep(HELD_SECONDS)

    def watch(self, adapter: T, steps: Mapping[str, str], stop: Stop) -> T:
        """The adapter, with a gate behind each of the methods that `steps` names: method → gate."""
        after = {method: partial(self.reach, gate, stop) for method, gate in steps.items()}
        return cast("T", _Watched(adapter, after))


class _Watched:
    """An adapter that calls a function after each call of a method. All else is the adapter's."""

    def __init__(self, adapter: Any, after: Mapping[str, Callable[[], None]]) -> None:
        self._adapter, self._after = adapter, after

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._adapter, name)
        if name not in self._after:
            return member

        @wraps(member)
        def call(*arguments: Any, **named: Any) -> Any:
            value = member(*arguments, **named)
            self._after[name]()
            return value

        return call
