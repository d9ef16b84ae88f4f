"""How the workers of one parent tell it what they have counted: a file each, in a folder that the parent made for them.

A store would do as well if there were always one: `none:` keeps nothing that another process could read.
"""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from headrace.documents import microseconds
from headrace.ports import FORGET_SECONDS, WorkerStatus

SUFFIX = ".status"


def writer(folder: Path) -> Callable[[WorkerStatus], None]:
    """A function that replaces this process's file with a status. A disk that is full stops nobody: the file stays as it was."""
    path = folder / f"{os.getpid()}{SUFFIX}"
    draft = path.with_suffix(".draft")

    def write(status: WorkerStatus) -> None:
        with contextlib.suppress(OSError):
            draft.write_bytes(msgspec.msgpack.encode(status))
            draft.replace(path)

    return write


def read(folder: Path) -> list[WorkerStatus]:
    """The last statuses of all workers, by name. The file of one that has stopped, or has long been silent, is read once and removed."""
    statuses: list[WorkerStatus] = []
    oldest = microseconds() - FORGET_SECONDS * 1_000_000
    for path in folder.glob(f"*{SUFFIX}"):
        with contextlib.suppress(OSError, msgspec.DecodeError):
            status = msgspec.msgpack.decode(path.read_bytes(), type=WorkerStatus)
            statuses.append(status)
            if status.state == "stopped" or status.seen_at < oldest:
                path.unlink()
    return sorted(statuses, key=lambda status: status.name)
