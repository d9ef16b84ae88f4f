"""Calls that a connection answers itself, below ASGI: there each layer costs more than the call (docs/decisions/0016)."""

import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from starlette.datastructures import Headers, QueryParams
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from headrace import documents, metrics
from headrace.errors import HeadraceError
from headrace.log import logger
from headrace.meter import Meter
from headrace.web import requests
from headrace.web.access.guard import AccessGuard
from headrace.web.access.paths import route_path
from headrace.web.access.proxies import BehindProxy
from headrace.web.admission import Admission, Place
from headrace.web.requests import PayloadMemory
from headrace.web.responses import Refused, bug_response
from headrace.web.responses import refusal as refused_for
from headrace.web.services import ServerSettings

KNOWN_HEADS = 256  #: heads that are remembered with what answers them; with one more, all are forgotten
SMALL_BYTES = 32 << 10  #: the largest payload that is answered directly
LOG = logger("headrace.web")

_SEEN = "headrace.seen"

K = TypeVar("K")

#: Answers a request, given its JSON value, the value's size in bytes, and what to call once the request is taken.
Answer = Callable[[object, int, Callable[[], None]], Awaitable[Response]]


@dataclass(frozen=True)
class DirectCall:
    """A call with a small JSON payload. `bind` makes what answers requests with this query, or raises Refused. If `abandoned` is true, a
    request whose client has gone is given up."""

    method: str
    path: str
    admission: Admission
    bind: Callable[[QueryParams], Answer]
    abandoned: bool = False


class BoundCall:
    """A call as the heads of requests ask for it that have been checked."""

    def __init__(
        self, call: DirectCall, answer: Answer, refusal: Response, memory: PayloadMemory, meter: Meter
    ) -> None:
        self.abandoned = call.abandoned
        self._call, self._answer, self._refusal, self._memory, self._meter = call, answer, refusal, memory, meter

    def enter(self) -> Place | None:
        """The place of one more request; None if it is to be refused."""
        return self._call.admission.enter()

    def refuse(self) -> Response:
        """The response to a request that has no place."""
        self._note(self._refusal, 0.0)
        return self._refusal

    async def answer(self, payload: bytes, place: Place) -> Response:
        """The response to a request, whatever its payload; its place is left."""
        began, size = time.perf_counter(), 0
        try:
            self._memory.take(len(payload))
            size = len(payload)
            response = await self._answer(documents.parse(payload), size, place.leave)
        except Refused as error:
            response = error.response()
        except HeadraceError as error:
            response = refused_for(error).response()
        except Exception:
            LOG.exception(f"{self._call.method} {self._call.path} failed in a way that was not expected")
            response = bug_response()
        finally:
            place.leave()
            self._memory.give_back(size)
        self._note(response, time.perf_counter() - began)
        return response

    def _note(self, response: Response, seconds: float) -> None:
        call = self._call
        self._meter.add(metrics.HTTP_REQUESTS, 1, call.method, call.path, str(response.status_code))
        self._meter.observe(metrics.HTTP_SECONDS, seconds, call.path)


#: The head of a request: its method, its target, and its headers, in order, but for the payload's length.
Head = tuple[bytes, bytes, tuple[tuple[bytes, bytes], ...]]


def is_of_anybody(head: Head) -> bool:
    """Whether a head means the same whoever sends it: nothing in it is believed from a proxy alone."""
    return not any(name.startswith(b"x-forwarded") for name, _ in head[2])


class DirectCalls(Generic[K]):
    """The calls that connections answer themselves, if a request is in order in every way. All others are left to the app.

    Whether a request may come in is decided by the same access guard, behind the same root path, as in front of the app. `latest` is for
    connections: what one has learned, and the next one may use.
    """

    def __init__(
        self, calls: Sequence[DirectCall], settings: ServerSettings, *, memory: PayloadMemory, meter: Meter
    ) -> None:
        self.limit = min(SMALL_BYTES, settings.request_bytes)
        self.latest: K | None = None
        self._calls: Mapping[tuple[str, str], tuple[DirectCall, Response]] = {
            (call.method, call.path): (call, call.admission.refusal().response()) for call in calls
        }
        self._methods = frozenset(call.method.encode() for call in calls)
        self._endings = tuple(call.path.encode() for call in calls)
        self._memory, self._meter = memory, meter
        self._known: dict[Head, BoundCall] = {}
        self._door = BehindProxy(
            AccessGuard(_note_scope, settings), root_path=settings.root_path, proxies=settings.proxies
        )

    def may_have(self, method: bytes, target: bytes) -> bool:
        """Whether `find` may find something for a method and a request target. It takes no time."""
        return method in self._methods and target.partition(b"?")[0].endswith(self._endings)

    def find(self, head: Head, scope: Scope) -> BoundCall | None:
        """What answers requests with this head and a JSON payload of up to `limit` bytes; None if they are to be left to the app.

        `scope` has what is known of the connection.
        """
        if (known := self._known.get(head)) is not None:
            return known
        found = self._find(head, scope)
        if found is not None and is_of_anybody(head):
            if len(self._known) >= KNOWN_HEADS:
                self._known.clear()
            self._known[head] = found
        return found

    def _find(self, head: Head, scope: Scope) -> BoundCall | None:
        method, target, headers = head
        path, _, query = target.partition(b"?")
        if b"%" in path or b"#" in target:
            return None
        asked = {"method": method.decode(), "path": path.decode("latin-1"), "raw_path": path, "query_string": query}
        seen = self._let_in({**scope, **asked, "headers": list(headers)})
        called = self._calls.get((seen["method"], route_path(seen))) if seen is not None else None
        if seen is None or called is None:
            return None
        call, refusal = called
        named = Headers(scope=seen)
        if any(name in named for name in ("transfer-encoding", "content-encoding", "expect", "upgrade", "trailer")):
            return None
        try:
            requests.check_json(named)
            answer = call.bind(QueryParams(seen["query_string"]))
        except Refused:
            return None
        return BoundCall(call, answer, refusal, self._memory, self._meter)

    def _let_in(self, scope: Scope) -> Scope | None:
        """The request as the app would see it; None if it would be refused before."""
        seen: list[Scope] = []
        visit: Any = self._door({**scope, _SEEN: seen}, _stay_out, _stay_out)
        with contextlib.suppress(StopIteration, _LeftToTheApp):
            visit.send(None)
        return seen[0] if seen else None


class _LeftToTheApp(Exception):
    """The request is answered before the app sees it, or its payload is read."""


async def _note_scope(scope: Scope, _receive: Receive, _send: Send) -> None:
    scope[_SEEN].append(scope)


async def _stay_out(*_: Any) -> Any:
    raise _LeftToTheApp
