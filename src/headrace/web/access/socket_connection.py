"""uvicorn's WebSocket, which ends if its peer does not read."""

import asyncio
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from headrace.web.access.connections import Connections, Progress, has_unread
from headrace.web.access.headers import as_bytes
from headrace.web.access.http_connection import HttpConnection
from headrace.web.responses import Refused


class SocketConnection(WebSocketsSansIOProtocol):
    """A WebSocket among `connections`. It takes the place of the HTTP connection that it was."""

    def __init__(self, *args: Any, connections: Connections, **more: Any) -> None:
        super().__init__(*args, **more)
        self._all = connections
        self._progress = Progress(connections.limits)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        before = self.transport.get_protocol()
        if isinstance(before, HttpConnection):
            self._all.replace(before, self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._all.remove(self)
        super().connection_lost(exc)

    def resume_writing(self) -> None:
        self._progress.reset()
        super().resume_writing()

    def handle_ping(self) -> None:
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()  # a peer that does not read gets no more pongs

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if (
            not self.handshake_initiated
        ):  # the head came whole, so it is one that this parser refuses, without an answer
            self.transport.write(as_bytes(Refused(400, "this is not a request for a WebSocket")))
            self.transport.close()

    def check(self, now: float) -> None:
        due = self.transport.is_closing() or not self.writable.is_set()
        if due and self._progress.has_stalled(now, self.transport):
            self.abort()

    def has_unread(self) -> bool:
        return has_unread(self.transport)

    def give_way(self) -> None:
        self.abort()

    def abort(self) -> None:
        self.transport.abort()
