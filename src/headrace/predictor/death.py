"""Whether a process is dead, known without waiting for it: until then its group can still be killed by its number."""

import errno
import os
import select
import subprocess


def descriptor(pid: int) -> int | None:
    """A descriptor that can be read once this process is dead; None if the system has none (it does on Linux)."""
    try:
        return os.pidfd_open(pid)
    except AttributeError:
        return None
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EPERM):  # an old kernel, or a sandbox
            return None
        raise


def has_come(descriptor: int, seconds: float = 0.0) -> bool:
    """Whether the process of a descriptor is dead, or will be within so many seconds."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def awaited(child: subprocess.Popen[bytes], descriptor: int | None, seconds: float) -> bool:
    """Whether a child dies within so many seconds. It is waited for (reaped) only if there is no descriptor."""
    if descriptor is not None:
        return has_come(descriptor, seconds)
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True
