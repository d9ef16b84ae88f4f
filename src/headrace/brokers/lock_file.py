"""Lock files: a process holds one as long as it lives, and others see at once that it has died.

The kernel releases the lock (flock) with the process. So that processes of other users can look, a lock file has the group and the
permissions of the file beside which it lies. One that we may not open counts as held while its owner touches it.
"""

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path

from headrace.errors import Unavailable


def hold(path: Path, beside: Path) -> int:
    """A descriptor that holds the lock of a new file, which gets the owner and the permissions of the file `beside`."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        like = beside.stat()
        for user, group in ((like.st_uid, like.st_gid), (-1, like.st_gid)):
            with suppress(OSError):  # only root may give a file away, and only to a group of one's own
                os.fchown(descriptor, user, group)
                break
        os.fchmod(descriptor, like.st_mode & 0o666)
    except OSError as error:
        raise Unavailable(f"making the lock file {path}: {error.strerror}") from error
    _lock(descriptor, path)
    return descriptor


def touch(descriptor: int) -> None:
    """Show to those who may not open the file that its owner lives."""
    with suppress(OSError):  # the file is another user's by now
        os.utime(descriptor)


def take_over(path: Path, silence: float) -> int | None:
    """Take the lock of an owner that may be dead: a descriptor that holds it, or None if there is no file.

    Raises BlockingIOError if another process holds the lock. A file that this user may not open is taken to be held until nobody has
    touched it for `silence` seconds, and to be missing from then on.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    except PermissionError:
        if _age(path) < silence:
            raise BlockingIOError from None
        return None
    except OSError as error:
        raise Unavailable(f"opening the lock file {path}: {error.strerror}") from error
    _lock(descriptor, path)
    return descriptor


def remove(path: Path) -> None:
    """Remove the file, if there is one; one that belongs to another user may stay in a folder like /tmp."""
    with suppress(OSError):
        path.unlink()


def _age(path: Path) -> float:
    """Seconds since the file was touched; infinite if it is gone."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise
    except OSError as error:
        os.close(descriptor)
        raise Unavailable(
            f"locking {path}: {error.strerror}; keep the queue on a local disk, as locks don't hold on network file systems"
        ) from error
