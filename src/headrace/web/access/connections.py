"""The connections of the server: how many there may be, and how long each may keep the server waiting."""

import asyncio
import contextlib
import fcntl
import resource
import sys
import termios
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Protocol

from headrace.log import logger
from headrace.web.access.limits import ConnectionLimits

LOG = logger("headrace.web")
SILENT_TRIES = 8  #: connections that are looked at to find one that waits for a request
TELL_SECONDS = 60.0  #: between two log lines about too many connections


class Connection(Protocol):
    """A connection that can be looked at and ended. It compares by identity."""

    def has_unread(self) -> bool:
        """Whether the client has sent something that the server has not read yet."""
        ...

    def check(self, now: float) -> None:
        """End it if it has kept the server waiting for too long; `now` is the time of `Connections.clock`."""
        ...

    def give_way(self) -> None:
        """End it for another one: it waits for a request."""
        ...

    def abort(self) -> None:
        """End it at once."""
        ...


def allow_descriptors(connections: int) -> None:
    """Raise this process's limit of file descriptors so that there may be so many connections, as far as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * connections if hard == resource.RLIM_INFINITY else min(2 * connections, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):  # macOS has a limit below the one that it tells
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def most_connections(limits: ConnectionLimits) -> int:
    """How many connections there may be: what the limits say, and no more than half of the file descriptors of this process."""
    return min(limits.connections, max(1, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2))


class Connections:
    """All open connections of a server. For one event loop; the caller calls `check` several times a second."""

    def __init__(self, limits: ConnectionLimits, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self.clock = clock
        self._most = most_connections(limits)
        self._open: dict[Connection, None] = {}
        self._waiting: dict[Connection, None] = {}  # those from which a request may come, the longest wait first
        self._told_at = float("-inf")

    @property
    def most(self) -> int:
        """How many connections there may be."""
        return self._most

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Connection]:
        return iter(self._open)

    def is_full(self) -> bool:
        """Whether there is no room for one more connection, and none that could be ended for it."""
        full = len(self._open) >= self._most and self._silent() is None
        if full:
            self._tell()
        return full

    def admit(self, connection: Connection) -> bool:
        """Whether one more connection may stay. If there are too many, the one that has waited longest for a request is ended for it."""
        if len(self._open) >= self._most:
            self._tell()
            longest = self._silent()
            if longest is None:
                return False
            self.remove(longest)
            longest.give_way()
        self._open[connection] = None
        self._waiting[connection] = None
        return True

    def wait(self, connection: Connection) -> None:
        """Note that a connection waits for a request from now on."""
        if connection in self._open:
            self._waiting.pop(connection, None)
            self._waiting[connection] = None

    def work(self, connection: Connection) -> None:
        """Note that a connection has a request."""
        self._waiting.pop(connection, None)

    def replace(self, connection: Connection, successor: Connection) -> None:
        """Count the successor in place of a connection: it has become a WebSocket."""
        self.remove(connection)
        self._open[successor] = None

    def remove(self, connection: Connection) -> None:
        """Forget a connection; one that is unknown is fine."""
        self._open.pop(connection, None)
        self._waiting.pop(connection, None)

    def check(self) -> None:
        """End the connections that have kept the server waiting for too long."""
        now = self.clock()
        for connection in list(self._open):
            connection.check(now)

    def _silent(self) -> Connection | None:
        """The connection that has waited longest for a request. One whose request has arrived and was not read yet, because the server is
        busy, does not wait for one."""
        return next((one for one in islice(self._waiting, SILENT_TRIES) if not one.has_unread()), None)

    def _tell(self) -> None:
        now = self.clock()
        if now - self._told_at >= TELL_SECONDS:
            self._told_at = now
            LOG.warning(
                f"{self._most} connections are open, which is the limit (setting connections, or half of ulimit -Hn); those that have"
                " waited longest for a request are closed"
            )


class Progress:
    """Whether the peer of a connection reads what it is sent: at the least rate, or it has stalled."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self._seconds = limits.stall_seconds
        self._least = int(limits.stall_seconds * limits.least_rate)
        self._unsent, self._due = 0, 0.0

    def reset(self) -> None:
        """Begin anew: the peer has read."""
        self._unsent = 0

    def has_stalled(self, now: float, transport: asyncio.Transport) -> bool:
        """Call it while there is something in the transport that should go out."""
        unsent = _unsent(transport)
        if not self._unsent:
            self._unsent, self._due = unsent, now + self._seconds
        if now < self._due:
            return False
        stalled = self._unsent - unsent < min(self._least, self._unsent)
        self._unsent, self._due = unsent, now + self._seconds
        return stalled


def has_unread(transport: asyncio.Transport) -> bool:
    """Whether the kernel holds something that the peer has sent. False if the system does not tell."""
    try:
        waiting = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.FIONREAD, bytes(4))
    except (AttributeError, OSError, ValueError):
        return False
    return any(waiting)


def _unsent(transport: asyncio.Transport) -> int:
    """The bytes that the peer has not taken, those that wait in the kernel included."""
    size = transport.get_write_buffer_size()
    try:
        waiting = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
    except (AttributeError, OSError, ValueError):  # the system does not tell, or no longer
        return size
    return size + int.from_bytes(waiting, sys.byteorder)
