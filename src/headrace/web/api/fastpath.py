"""A fast path for POST /v1/documents that skips FastAPI's routing and injection, which cost more than the call itself."""

from collections.abc import Awaitable, Callable
from types import SimpleNamespace

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from headrace.errors import HeadraceError
from headrace.web.access.paths import route_path
from headrace.web.responses import Refused, refusal


class FastPath:
    """An app of which one call, given by its method and its whole path, is answered directly. Its errors have the usual shape."""

    def __init__(self, app: ASGIApp, method: str, path: str, answer: Callable[[Request], Awaitable[Response]]) -> None:
        self.app = app
        self._method, self._path, self._answer = method, path, answer
        self._route = SimpleNamespace(path=path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or route_path(scope) != self._path or scope["method"] != self._method:
            await self.app(scope, receive, send)
            return
        scope["route"] = self._route
        try:
            response = await self._answer(Request(scope, receive))
        except Refused as error:
            response = error.response()
        except HeadraceError as error:
            response = refusal(error).response()
        await response(scope, receive, send)
