"""The API's responses: JSON by msgspec, and errors in one shape, `{"error": {"message": …, "index": …}}`."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from headrace.documents import encode
from headrace.errors import Conflict, HeadraceError, Rejected

RETRY_SECONDS = 1  #: the value of Retry-After


class Refused(Exception):
    """An error response. `index` is the place of the culprit in a list that was sent; `again` says that trying again may help."""

    def __init__(self, status: int, message: str, *, index: int | None = None, again: bool = False) -> None:
        super().__init__(message)
        self.status, self.message, self.index, self.again = status, message, index, again

    def response(self) -> Response:
        """The response, with Retry-After if trying again may help."""
        return error_response(self.status, self.message, index=self.index, again=self.again)


class Fault(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was wrong and what to do about it. `index` is the place of the culprit in a list that was sent."""

    message: str
    index: int | None = None


class Error(msgspec.Struct, frozen=True):
    """Every response that is not a success."""

    error: Fault


class JsonResponse(Response):
    """A JSON response. Its list of headers is made when it is asked for; `more` are those beside type and length of the content."""

    media_type = "application/json"

    def __init__(self, content: bytes, status: int = 200, more: Mapping[str, str] | None = None) -> None:
        self.status_code, self.body, self.background, self.more = status, content, None, more or {}

    @cached_property
    def raw_headers(self) -> list[tuple[bytes, bytes]]:  # type: ignore[override]
        """The headers as Starlette makes them."""
        return Response(self.body, self.status_code, self.more, self.media_type).raw_headers


def json_response(value: Any, status: int = 200) -> Response:
    """A JSON response with anything that msgspec can encode."""
    return JsonResponse(encode(value), status)


def error_response(
    status: int,
    message: str,
    *,
    index: int | None = None,
    again: bool = False,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A JSON response with an error."""
    more = {"retry-after": str(RETRY_SECONDS)} if again else {}
    content = encode(Error(Fault(message, index)))
    return JsonResponse(content, status, {**(headers or {}), **more})


def refusal(error: HeadraceError, *, index: int | None = None) -> Refused:
    """The error response for an error of ours: 409 for Conflict, 422 for Rejected, 503 for the others."""
    if isinstance(error, Rejected):
        return Refused(409 if isinstance(error, Conflict) else 422, str(error), index=index)
    return Refused(503, str(error), again=True)


def bug_response() -> Response:
    """The response to a request on which Headrace fails. The error's text may hold what callers must not see."""
    return error_response(500, "Headrace failed on this request because of a bug; its log has the details")


def add_error_handlers(app: FastAPI, routes: Sequence[APIRoute]) -> None:
    """Give all errors of an app the same shape. `routes` are those of the app."""

    async def of_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return _of_http(request, error, routes)

    app.add_exception_handler(Refused, _of_refused)
    app.add_exception_handler(HeadraceError, _of_headrace)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(Exception, _of_bug)


async def _of_refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return error.response()


async def _of_headrace(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HeadraceError)
    return refusal(error).response()


async def _of_validation(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    problems = [f"{'.'.join(str(part) for part in one['loc'][1:])}: {one['msg']}" for one in error.errors()]
    return error_response(422, "; ".join(problems))


def _of_http(request: Request, error: HTTPException, routes: Sequence[APIRoute]) -> Response:
    if error.status_code == 404:
        return error_response(404, f"there is nothing at {request.url.path}; /openapi.json lists the calls")
    if error.status_code == 405:
        message = f"{request.url.path} does not support {request.method}; /openapi.json lists the calls"
        return error_response(405, message, headers={"allow": ", ".join(sorted(_allowed(request, routes)))})
    return error_response(error.status_code, str(error.detail), headers=error.headers)


def _allowed(request: Request, routes: Sequence[APIRoute]) -> set[str]:
    """The methods that the path of a request supports."""
    allowed: set[str] = set()
    for route in routes:
        if route.matches(request.scope)[0] != Match.NONE:
            allowed |= set(route.methods or ())
    return allowed | ({"HEAD"} if "GET" in allowed else set())


async def _of_bug(_request: Request, _error: Exception) -> Response:
    return bug_response()  # the server logs the error
