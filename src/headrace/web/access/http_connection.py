"""uvicorn's HTTP connection, with limits that hold before a request reaches the app: no token has been looked at by then."""

import asyncio
import enum
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from headrace.web.access.connections import Connections, Progress, has_unread
from headrace.web.access.cycles import give_up
from headrace.web.access.full_connection import too_many
from headrace.web.access.headers import as_bytes
from headrace.web.access.paths import path_of
from headrace.web.responses import Refused

#: How much is parsed at once before a payload begins: that many requests may wait for the one before them.
SLICE_BYTES = 4096
PIPELINED = 256  #: requests that wait for the one before them
UNPARSED_BYTES = 1 << 20  #: what may wait to be parsed behind them


class Part(enum.Enum):
    """What the client is to send next: a request, the rest of its head, of its payload, or nothing before it has its answer."""

    REQUEST = enum.auto()
    HEAD = enum.auto()
    PAYLOAD = enum.auto()
    NOTHING = enum.auto()


class HttpConnection(HttpToolsProtocol):
    """An HTTP connection within the limits of `connections`. What exceeds them is answered with an error, and the connection ends."""

    def __init__(self, *args: Any, connections: Connections, **more: Any) -> None:
        super().__init__(*args, **more)
        self._all = connections
        self._limits = connections.limits
        self._progress = Progress(connections.limits)
        self._part = Part.REQUEST
        self._deadline = connections.clock() + self._limits.head_seconds
        self._piece = 0  # bytes that are with the parser
        self._received = 0  # bytes of the current part before them
        self._payload = 0
        self.headers, self._unparsed = [], b""
        self._refusal: Refused | None = None
        self._current: Any = None  # the request that is being answered; uvicorn's `cycle` is the last that has come

    # The transport calls these.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if not self._all.admit(self):
            self._answer(too_many())
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._all.remove(self)
        self._unparsed = b""
        give_up(self._current, self.cycle)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refusal is not None:
            return
        if self.pipeline or self._unparsed:
            self._unparsed += data
            self.flow.pause_reading()
            if len(self._unparsed) > UNPARSED_BYTES:
                self.abort()
            return
        self._parse(data)

    def resume_writing(self) -> None:
        self._progress.reset()
        super().resume_writing()

    def shutdown(self) -> None:
        self.abort() if self._refusal is not None else super().shutdown()

    # The parser calls these. What they raise makes it stop, and call send_400_response.

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._part is Part.NOTHING:
            self._deadline = self._all.clock() + self._limits.head_seconds
        else:
            self._hasten(self._limits.head_seconds)
        self._part = Part.HEAD
        self._received = self._payload = 0

    def on_headers_complete(self) -> None:
        self._refusal = self._exceeded()
        if self._refusal is None and len(self.pipeline) >= PIPELINED:
            self._refusal = Refused(503, "too many requests were sent ahead; send them one by one")
        if self._refusal is not None:
            raise self._refusal
        self._part = Part.PAYLOAD
        self._deadline = self._all.clock() + self._limits.stall_seconds
        self._received = 0
        self._all.work(self)
        self.url = path_of(self.url)
        self.begin_request()
        if not self.parser.should_upgrade():
            self.headers = []  # trailers go there, which nothing reads

    def on_body(self, body: bytes) -> None:
        self._payload += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._part = Part.NOTHING
        if self.cycle is not None and self.cycle.response_complete:
            self._wait_for_request()

    def send_400_response(self, _msg: str) -> None:
        refusal, self._refusal = self._refusal or Refused(400, "this is not a request of HTTP/1.1"), None
        self._refuse(refusal)

    # uvicorn calls these when an answer may begin, and when it is complete.

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._current = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing() or self._refusal is not None:
            return
        if self.pipeline:
            self.flow.pause_reading()
        elif self._unparsed:
            data, self._unparsed = self._unparsed, b""
            self._parse(data)
        else:
            self._wait_for_more()

    # What a connection that answers requests itself has of its own.

    def begin_request(self) -> None:
        """Have the request answered whose head is complete."""
        super().on_headers_complete()

    def _wait_for_more(self) -> None:
        if self._is_answering():  # the last of the requests that were sent ahead
            return
        if self._part is Part.NOTHING:
            self._wait_for_request()
        else:  # the rest of its payload, or the beginning of the next request
            self._hasten(self._limits.stall_seconds)
            self._all.wait(self)

    # Connections calls these.

    def check(self, now: float) -> None:
        if self.transport.is_closing() or self.flow.write_paused:
            if self._progress.has_stalled(now, self.transport):
                self.abort()
        elif now >= self._deadline and (self._part is not Part.NOTHING or self._refusal is not None):
            self._end_overdue(now)

    def has_unread(self) -> bool:
        return has_unread(self.transport)

    def give_way(self) -> None:
        self.abort()

    def abort(self) -> None:
        self.transport.abort()

    @property
    def is_refused(self) -> bool:
        """Whether an error was sent, after which nothing is read."""
        return self._refusal is not None

    def _parse(self, data: bytes) -> None:
        """Hand data to the parser, until requests wait for the one before them."""
        while data:
            if self._part is Part.PAYLOAD:
                piece, data = data, b""
                self._credit(len(piece))
            else:
                piece, data = data[:SLICE_BYTES], data[SLICE_BYTES:]
            if self._part is Part.REQUEST:
                self._hasten(self._limits.head_seconds)
            self._piece = len(piece)
            self._received += self._piece
            super().data_received(piece)
            if self._refusal is not None or self.transport.is_closing() or self.transport.get_protocol() is not self:
                return
            unread = self._part is Part.HEAD or self.headers
            if unread and (exceeded := self._exceeded()) is not None:
                self._refuse(exceeded)
                return
            if self._received - 8 * self._payload > self._limits.framing_bytes + self._limits.head_bytes:
                self._refuse(Refused(400, "the payload is in too many chunks, or has too much between them"))
                return
            if self.pipeline and data:
                self._unparsed = data
                return

    def _end_overdue(self, now: float) -> None:
        silent = self._part is Part.REQUEST and not self._received
        answered = self._part is Part.PAYLOAD and not self._is_answering()
        if self._refusal is not None or silent or answered:
            self.abort()
        elif self.flow.read_paused or (self._part is Part.HEAD and self._is_answering()):
            self._deadline = now + self._limits.stall_seconds  # it is the server that is slow
        else:
            self._refuse(Refused(408, "the request took too long to arrive; send it again"))

    def _credit(self, size: int) -> None:
        """Give a payload that arrives at the least rate the time that it needs."""
        earned = self._deadline + size / self._limits.least_rate
        if self.cycle is None or not self.cycle.response_complete:
            self._deadline = min(self._all.clock() + self._limits.stall_seconds, earned)

    def _hasten(self, seconds: float) -> None:
        self._deadline = min(self._deadline, self._all.clock() + seconds)

    def _wait_for_request(self) -> None:
        self._part = Part.REQUEST
        self._received = 0
        self._deadline = self._all.clock() + self._limits.idle_seconds
        self._all.wait(self)

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _exceeded(self) -> Refused | None:
        target = self.url if self._part is Part.HEAD else None
        return self._limits.exceeded(target, self.headers, before=self._received, piece=self._piece)

    def _refuse(self, refusal: Refused) -> None:
        """Answer with an error, throw away what the client still sends, and close soon."""
        self._unset_keepalive_if_required()
        self.pipeline.clear()
        is_half_answered = give_up(self._current, self.cycle)
        self._refusal = refusal
        self._deadline = self._all.clock() + self._limits.linger_seconds
        if is_half_answered:
            self.abort()
        if self.transport.is_closing():
            return
        self._answer(refusal)
        self.flow.resume_reading()
        self.transport.write_eof()

    def _answer(self, refusal: Refused) -> None:
        self.transport.write(as_bytes(refusal, self.server_state.default_headers))
