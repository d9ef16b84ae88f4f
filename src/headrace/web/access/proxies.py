"""What a proxy before the server may tell: who calls, whether by HTTPS, and below which path."""

import ipaddress
import re
from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from headrace.errors import Misconfigured
from headrace.web.access.paths import API_PATHS, CONSOLE_PATHS

PREFIX_BYTES = 256  #: the longest root path

_HEADER = b"x-forwarded-prefix"
_ROOT = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)*")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class BehindProxy:
    """An app below a root path: `root_path` or, if that is empty, the header X-Forwarded-Prefix of one of the `proxies`.

    The app sees every path with the root path before it, whether the proxy has left it there or not. X-Forwarded-For and
    X-Forwarded-Proto of the proxies are taken too; from anybody else all three are ignored. Raises Misconfigured for a root path or a
    proxy that is none.
    """

    def __init__(self, app: ASGIApp, *, root_path: str = "", proxies: Sequence[str] = ()) -> None:
        trusted = [network for proxy in proxies for network in _networks(proxy)]
        everybody = "*" in proxies
        self.app: ASGIApp = ProxyHeadersMiddleware(app, "*" if everybody else [str(one) for one in trusted])  # type: ignore[arg-type, assignment]
        self._trusted, self._everybody = trusted, everybody
        self._root = _checked(root_path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            root = self._root or self._told(scope)
            path = _below(root, scope["path"])
            raw = _below(root, scope.get("raw_path", b"").decode("latin-1"))
            headers = [header for header in scope["headers"] if header[0] != _HEADER]
            changed = {"root_path": root, "path": root + path, "raw_path": (root + raw).encode("latin-1")}
            scope = {**scope, **changed, "headers": headers}
        await self.app(scope, receive, send)

    def _told(self, scope: Scope) -> str:
        """The prefix that a proxy names; empty without one, or if it is not a path that can be one."""
        given = [value for name, value in scope["headers"] if name == _HEADER]
        if len(given) != 1 or not self._trusts(scope.get("client")):
            return ""
        root = _normal(given[0].decode("latin-1"))
        return root if _is_root(root) else ""

    def _trusts(self, client: tuple[str, int] | None) -> bool:
        if self._everybody:
            return True
        try:
            address = ipaddress.ip_address(client[0] if client else "")
        except ValueError:
            return False
        return any(address in network for network in self._trusted)


def _below(root: str, path: str) -> str:
    """The path below the root path, which a proxy may have left there or not; it begins with one slash."""
    path = "/" + path.lstrip("/")
    if root and (path == root or path.startswith(root + "/")):
        path = "/" + path.removeprefix(root).lstrip("/")
    return path


def _normal(root: str) -> str:
    given = root.strip().strip("/")
    return f"/{given}" if given else ""


def _is_root(root: str) -> bool:
    own = any(root == one or root.startswith(one + "/") for one in (*API_PATHS, *CONSOLE_PATHS))
    return len(root) <= PREFIX_BYTES and _ROOT.fullmatch(root) is not None and not own


def _checked(given: str) -> str:
    root = _normal(given)
    if not _is_root(root):
        raise Misconfigured(
            f"the setting root_path is {given[:100]!r}; give a path of letters, digits and - . _ ~ that is none of the server's own,"
            " such as /headrace"
        )
    return root


def _networks(proxy: str) -> list[Network]:
    """The addresses that a proxy may have, also as a socket for IPv6 shows those of IPv4."""
    if proxy == "*":
        return []
    try:
        network = ipaddress.ip_network(proxy)
    except ValueError:
        raise Misconfigured(
            f"the setting proxies has {proxy!r}; give addresses or networks of proxies, such as 10.0.0.7 or 10.0.0.0/24, or *"
        ) from None
    if network.version == 6:
        return [network]
    mapped = ipaddress.IPv6Network((f"::ffff:{network.network_address}", 96 + network.prefixlen))
    return [network, mapped]
