"""Queries that come again and again, as dashboards send them: what they ask is read once."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from types import SimpleNamespace

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from headrace.errors import HeadraceError
from headrace.web.access.paths import route_path
from headrace.web.responses import Refused, refusal

MOST, LONGEST = 256, 1024  #: queries that are remembered, and their bytes

#: Answers a request whose parameters have been read and checked.
Answer = Callable[[], Awaitable[Response]]


class KnownQueries:
    """What was asked recently, by path and query as they were sent; what has not been asked for longest is forgotten first.

    For one event loop.
    """

    def __init__(self, *, most: int = MOST, longest: int = LONGEST) -> None:
        self._most, self._longest = most, longest
        self._answers: OrderedDict[tuple[str, bytes], Answer] = OrderedDict()

    def note(self, request: Request, answer: Answer) -> None:
        """Remember what answers this GET, unless its query is long."""
        query = request.scope["query_string"]
        if len(query) <= self._longest:
            self._answers[route_path(request.scope), query] = answer
            if len(self._answers) > self._most:
                self._answers.popitem(last=False)

    def answer_to(self, scope: Scope) -> Answer | None:
        """What answers this request, if it is a GET like one before."""
        if scope["type"] != "http" or scope["method"] != "GET":
            return None
        key = route_path(scope), scope["query_string"]
        if (answer := self._answers.get(key)) is not None:
            self._answers.move_to_end(key)
        return answer


class AnswerKnownQueries:
    """An app of which queries that are known are answered directly. Their errors have the usual shape."""

    def __init__(self, app: ASGIApp, known: KnownQueries) -> None:
        self.app = app
        self._known = known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._known.answer_to(scope)
        if answer is None:
            await self.app(scope, receive, send)
            return
        scope["route"] = SimpleNamespace(path=route_path(scope))
        try:
            response = await answer()
        except Refused as error:
            response = error.response()
        except HeadraceError as error:
            response = refusal(error).response()
        await response(scope, receive, send)
