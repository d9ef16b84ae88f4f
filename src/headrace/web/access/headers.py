"""The headers that browsers get with every response."""

import http
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.responses import Response
from starlette.types import Message, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from headrace.web.access.paths import is_api, route_path
from headrace.web.responses import JsonResponse, Refused

_COMMON = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),  # with no-referrer, our own forms would have the origin "null"
    (b"cross-origin-resource-policy", b"same-origin"),
)
API_HEADERS = (
    *_COMMON,
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)
# The console's framework compiles templates in the browser, which needs eval and inline scripts. Nothing is loaded from other hosts.
_CONSOLE = (
    *_COMMON,
    (
        b"content-security-policy",
        b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        b"img-src 'self' data:; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; "
        b"form-action 'self'; frame-ancestors 'none'",
    ),
)


def with_headers(scope: Scope, send: Send) -> Send:
    """`send` with security headers, with redirects inside of this server, and without the content if the request is HEAD."""
    bodiless = scope["method"] == "HEAD"
    more = API_HEADERS if is_api(route_path(scope)) else _CONSOLE

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = message["headers"]
            if 300 <= message["status"] < 400:
                headers = [_own(header) for header in headers]
            message["headers"] = [*headers, *more]
        elif bodiless and message["type"] == "http.response.body":
            message["body"] = b""
        await send(message)

    return send_with_headers


def as_bytes(refusal: Refused, more: Sequence[tuple[bytes, bytes]] = ()) -> bytes:
    """An error as a whole response, after which the connection is closed."""
    response = refusal.response()
    headers = [*more, *response.raw_headers, *API_HEADERS, (b"connection", b"close")]
    first = f"HTTP/1.1 {refusal.status} {http.HTTPStatus(refusal.status).phrase}".encode()
    return b"\r\n".join([first, *(name + b": " + value for name, value in headers), b"", bytes(response.body)])


class WholeResponses:
    """Responses of the API as bytes. What their heads have in common is made once: it changes with the time of day alone."""

    def __init__(self) -> None:
        self._defaults: Sequence[tuple[bytes, bytes]] | None = None
        self._begins: dict[int, bytes] = {}
        self._repeated: dict[Response, bytes] = {}
        self._end = b"".join(b"%b: %b\r\n" % header for header in API_HEADERS)

    def whole(self, response: Response, defaults: Sequence[tuple[bytes, bytes]], *, close: bool) -> bytes:
        """A whole response, as uvicorn would write it with these default headers."""
        self._renew(defaults)
        status = response.status_code
        begin = self._begins.get(status)
        if begin is None:
            begin = STATUS_LINE[status] + b"".join(b"%b: %b\r\n" % header for header in defaults)
            self._begins[status] = begin
        end = b"connection: close\r\n\r\n" if close else b"\r\n"
        body = bytes(response.body)
        if isinstance(response, JsonResponse) and not response.more:
            own = b"content-length: %d\r\ncontent-type: application/json\r\n" % len(body)
        else:
            own = b"".join(b"%b: %b\r\n" % header for header in response.raw_headers)
        return b"".join((begin, own, self._end, end, body))

    def again(self, response: Response, defaults: Sequence[tuple[bytes, bytes]]) -> bytes:
        """The same, for a response that is one of few and sent many times, on connections that stay open."""
        self._renew(defaults)
        made = self._repeated.get(response)
        if made is None:
            made = self._repeated[response] = self.whole(response, defaults, close=False)
        return made

    def _renew(self, defaults: Sequence[tuple[bytes, bytes]]) -> None:
        if defaults is not self._defaults:
            self._defaults, self._begins, self._repeated = defaults, {}, {}


def _own(header: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    """A redirect without the host: behind a proxy the host that the server knows may not be the one that the browser called."""
    name, value = header
    if name.lower() != b"location":
        return header
    target = urlsplit(value.decode("latin-1"))
    path = "/" + target.path.lstrip("/")
    return name, (f"{path}?{target.query}" if target.query else path).encode("latin-1")
