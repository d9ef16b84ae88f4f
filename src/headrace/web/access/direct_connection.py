"""An HTTP connection that answers some calls itself. All other requests, and whatever is odd about a request, are left to the app."""

import re
from typing import Any, Self

from starlette.responses import Response

from headrace.web.access.exchange import Exchange
from headrace.web.access.full_connection import FullConnection, FullServer
from headrace.web.access.headers import WholeResponses
from headrace.web.access.http_connection import HttpConnection, Part
from headrace.web.direct import BoundCall, DirectCalls, Head, is_of_anybody

_LENGTH = b"content-length"
DIGITS = 9  #: of a payload's length, at most
_HEAD = re.compile(
    rb"([A-Z]+ [^\r\n]+ HTTP/1\.1\r\n(?:[^\r\n]+\r\n)*?(?i:content-length):[ \t]*)(\d{1,%d})([ \t]*\r\n(?:[^\r\n]+\r\n)*\r\n)"
    % DIGITS
)


class KnownHead:
    """A head that has been checked, with what answers its requests. Others are the same, byte for byte, but for the payload's length."""

    def __init__(self, before: bytes, after: bytes, call: BoundCall, limit: int, *, keep_alive: bool) -> None:
        self.call, self.keep_alive = call, keep_alive
        self._before, self._after, self._limit = before, after, limit
        self._start, self._end = len(before), after[:1]

    @classmethod
    def of(cls, request: bytes, call: BoundCall, limit: int, *, keep_alive: bool) -> Self | None:
        """The head of a request, if these bytes are a request and nothing else."""
        head = _HEAD.match(request)
        if head is None or len(request) - head.end() != int(head[2]):
            return None
        return cls(head[1], head[3], call, limit, keep_alive=keep_alive)

    def payload(self, data: bytes) -> bytes | None:
        """The payload of a request with this head, if these bytes are one and nothing else."""
        if not data.startswith(self._before):
            return None
        end = data.find(self._end, self._start, self._start + DIGITS + 1)
        digits = data[self._start : end]
        if end < 0 or not digits.isdigit() or not data.startswith(self._after, end):
            return None
        payload, size = data[end + len(self._after) :], int(digits)
        return payload if 0 < size <= self._limit and len(payload) == size else None


class DirectConnection(HttpConnection):
    """An HTTP connection within limits. What a request was found to be holds for the next ones with the same head."""

    def __init__(
        self, *args: Any, direct: DirectCalls[KnownHead], responses: WholeResponses, full: FullServer, **more: Any
    ) -> None:
        super().__init__(*args, **more)
        self._full = full
        self._direct, self._responses = direct, responses
        self._head = direct.latest
        self._checked: Head | None = None  # the head that was looked at last
        self._bound: BoundCall | None = None  # what answers requests with that head

    def data_received(self, data: bytes) -> None:
        if self._part is not Part.REQUEST or self._received or self._refusal is not None:
            super().data_received(data)
            return
        if self._head is not None and (payload := self._head.payload(data)) is not None:
            self._exchange_known(self._head, payload)
            return
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before:
            self._learn(data)

    def give_way(self) -> None:
        if self._part is Part.PAYLOAD or not self._full.may_linger():
            self.abort()
            return
        # Its request may be on the way, and is to be refused with a reason.
        self._unset_keepalive_if_required()
        self.connections.discard(self)
        successor = FullConnection(self._full)
        self.transport.set_protocol(successor)
        successor.connection_made(self.transport)

    def write_answer(self, exchange: Exchange, response: Response) -> None:
        """Write the whole answer of an exchange that is complete now, and go on with what the client has sent meanwhile."""
        if self.transport.is_closing():
            return
        if response.status_code == 500:
            exchange.keep_alive = False
        defaults = self.server_state.default_headers
        self.transport.write(self._responses.whole(response, defaults, close=not exchange.keep_alive))
        if not exchange.keep_alive:
            self.transport.close()
        if self.pipeline or self._unparsed:
            self.loop.call_soon(self.on_response_complete)  # not at once: many could end one within the other
            return
        self.server_state.total_requests += 1
        if exchange.keep_alive and self._refusal is None:
            self._wait_for_more()

    def begin_request(self) -> None:
        call = self._call()
        if call is None:
            super().begin_request()
            return
        exchange = Exchange(self, call, keep_alive=self.parser.should_keep_alive())
        before, self.cycle = self.cycle, exchange  # type: ignore[assignment]
        if before is None or before.response_complete:
            self._start_asgi_task(exchange, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((exchange, self.app))  # type: ignore[arg-type]

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        if isinstance(cycle, Exchange):
            self._current = cycle
            cycle.begin()
        else:
            super()._start_asgi_task(cycle, app)

    def _exchange_known(self, head: KnownHead, payload: bytes) -> None:
        self._unset_keepalive_if_required()
        place = head.call.enter()
        if place is None and head.keep_alive:
            self.transport.write(self._responses.again(head.call.refuse(), self.server_state.default_headers))
            self.server_state.total_requests += 1
            self._wait_for_request()
            return
        self._part = Part.NOTHING
        self._all.work(self)
        exchange = Exchange(self, head.call, keep_alive=head.keep_alive)
        self.cycle = self._current = exchange  # type: ignore[assignment]
        exchange.begin_whole(payload, place)

    def _learn(self, data: bytes) -> None:
        """Remember the head of the request that was just parsed, if it is whole and answered here."""
        cycle: Any = self.cycle
        self._head = None
        if isinstance(cycle, Exchange) and self._bound is not None and not (cycle.more_body or self.pipeline):
            limit, keep_alive = self._direct.limit, cycle.keep_alive
            self._head = KnownHead.of(data, self._bound, limit, keep_alive=keep_alive)
            if self._head is not None and self._checked is not None and is_of_anybody(self._checked):
                self._direct.latest = self._head

    def _call(self) -> BoundCall | None:
        """What answers the request whose head is complete; None if it is to be left to the app."""
        method = self.parser.get_method()
        if not self._direct.may_have(method, self.url) or self.parser.get_http_version() != "1.1":
            return None
        sizes = [value for name, value in self.headers if name == _LENGTH]
        if len(sizes) != 1 or not sizes[0].isdigit() or not 0 < int(sizes[0][:DIGITS]) <= self._direct.limit:
            return None
        head = method, self.url, tuple(header for header in self.headers if header[0] != _LENGTH)
        if head != self._checked:
            self._bound = None if self.parser.should_upgrade() else self._direct.find(head, dict(self.scope))
            self._checked = head
        return self._bound
