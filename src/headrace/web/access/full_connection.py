"""A connection for which there is no room: its request is refused, and costs as little as it can."""

import asyncio

from headrace.web.access.connections import Connections
from headrace.web.access.headers import as_bytes
from headrace.web.responses import Refused

LINGER_SECONDS = 1.0  #: given to send a request, so that its refusal can be read


class FullServer:
    """Refuses connections that are too many; half as many as there may be are given time. For one event loop."""

    def __init__(self, connections: Connections, *, linger_seconds: float = LINGER_SECONDS) -> None:
        self.linger_seconds = linger_seconds
        self.refusal = as_bytes(too_many())
        self._connections = connections
        self._lingering = 0

    def is_full(self) -> bool:
        """Whether connections are too many."""
        return self._connections.is_full()

    def may_linger(self) -> bool:
        """Whether `enter` would be true."""
        return 2 * self._lingering < self._connections.most

    def enter(self) -> bool:
        """Whether one more connection may linger."""
        if not self.may_linger():
            return False
        self._lingering += 1
        return True

    def leave(self) -> None:
        """Note that one that lingered is gone."""
        self._lingering -= 1


def too_many() -> Refused:
    """What a client is told whose connection is one too many."""
    return Refused(503, "the server has too many connections; try again in a moment", again=True)


class FullConnection(asyncio.Protocol):
    """Answers the first that a client sends with an error, and ends.

    The error is not sent before: what arrives at a connection that was closed makes the client's system throw away what it has not read.
    """

    def __init__(self, server: FullServer) -> None:
        self._server = server
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        if self._server.enter():
            self._timer = asyncio.get_running_loop().call_later(self._server.linger_seconds, self._refuse)
        else:
            self._refuse()

    def data_received(self, _data: bytes) -> None:
        self._refuse()

    def connection_lost(self, _exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._server.leave()

    def _refuse(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(self._server.refusal)
            self._transport.close()
