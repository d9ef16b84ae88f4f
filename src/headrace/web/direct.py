"""Calls that a connection answers itself, below ASGI: there each layer costs more than the call (docs/decisions/0016)."""

import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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

SMALL_BYTES = 32 << 10  #: the largest payload that is answered directly
LOG = logger("headrace.web")

_SEEN = "headrace.seen"

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


class DirectCalls:
    """The calls that connections answer themselves, if a request is in order in every way. All others are left to the app.

    Whether a request may come in is decided by the same access guard, behind the same root path, as in front of the app.
    """

    def __init__(
        self, calls: Sequence[DirectCall], settings: ServerSettings, *, memory: PayloadMemory, meter: Meter
    ) -> None:
        self.limit = min(SMALL_BYTES, settings.request_bytes)
        self._calls: Mapping[tuple[str, str], tuple[DirectCall, Response]] = {
            (call.method, call.path): (call, call.admission.refusal().response()) for call in calls
        }
        self._methods = frozenset(call.method.encode() for call in calls)
        self._endings = tuple(call.path.encode() for call in calls)
        self._memory, self._meter = memory, meter
        self._door = BehindProxy(
            AccessGuard(_note_scope, settings), root_path=settings.root_path, proxies=settings.proxies
        )

    def may_have(self, method: bytes, target: bytes) -> bool:
        """Whether `find` may find something for a method and a request target. It takes no time."""
        return method in self._methods and target.partition(b"?")[0].endswith(self._endings)

    def find(self, scope: Scope) -> BoundCall | None:
        """What answers a request with a JSON payload of up to `limit` bytes; None if it is to be left to the app."""
        seen = self._let_in(scope)
        found = self._calls.get((seen["method"], route_path(seen))) if seen is not None else None
        if seen is None or found is None:
            return None
        call, refusal = found
        headers = Headers(scope=seen)
        if any(name in headers for name in ("transfer-encoding", "content-encoding", "expect", "upgrade", "trailer")):
            return None
        try:
            requests.check_json(headers)
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
