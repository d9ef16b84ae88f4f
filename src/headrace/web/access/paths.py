"""Paths: the one that a request means below the root path, and which belong to the API."""

from starlette.types import Scope

WEBHOOKS = "/in"  #: what other programs send their events to is below it
API_PATHS = ("/v1", WEBHOOKS, "/livez", "/readyz", "/metrics", "/openapi.json")
ENTER = "/enter"  #: where the login's form is sent
SOCKET = "/_nicegui_ws"  #: the console's WebSocket, and the requests that replace it if WebSockets don't get through
CONSOLE_PATHS = ("/dead", "/models", "/_nicegui", SOCKET, ENTER)


def route_path(scope: Scope) -> str:
    """The path of a request without the root path, which it begins with."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "")) or "/"


def is_api(path: str) -> bool:
    """Whether a path, without the root path, belongs to the API. All others are the console's."""
    return _below(path, API_PATHS)


def is_socket(path: str) -> bool:
    """Whether a path, without the root path, is that of the console's WebSocket."""
    return _below(path, (SOCKET,))


def path_of(target: bytes) -> bytes:
    """The path and the query of a request target, which may name the host too (`GET http://host/path`)."""
    _, named, rest = target.partition(b"://")
    if target.startswith(b"/") or not named:
        return target
    beginning = min((place for place in (rest.find(b"/"), rest.find(b"?")) if place >= 0), default=len(rest))
    return b"/" + rest[beginning:].removeprefix(b"/")


def _below(path: str, those: tuple[str, ...]) -> bool:
    return any(path == one or path.startswith(one + "/") for one in those)
