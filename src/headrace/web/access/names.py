"""The names of the server: those that it may be called by (the header Host), and those whose pages are its own (the header Origin)."""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from headrace.errors import Misconfigured
from headrace.web.responses import Refused

_HOST = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([^\[\]:/@?#\\,\s]+))(?::([0-9]{0,5}))?")
_PORTS: Mapping[str, int] = {"http": 80, "https": 443}


class ServerNames:
    """What a server that listens on `host` may be called, if `hosts` are its further names, each alone or with a port.

    Raises Misconfigured for a further name that is none.
    """

    def __init__(self, host: str, hosts: Sequence[str]) -> None:
        named = [_read(name) for name in hosts]
        self._names = {"localhost", "127.0.0.1", "::1", _normal(host), *(name for name, _ in named)} - {""}
        self._pages = {(name, port) for name, port in named if port is not None}
        self._pages_on_usual_ports = {name for name, port in named if port is None}
        self._any_address = not host or _is_any(host)

    def check_host(self, headers: Headers) -> str:
        """The Host header. Raises Refused unless there is exactly one, with a name of this server; its port does not matter.

        A page of another site cannot reach a loopback server under a name of its own then (DNS rebinding).
        """
        given = headers.getlist("host")
        if len(given) != 1:
            raise Refused(400, "a request needs exactly one Host header")
        name = _name(given[0])
        if name not in self._names:
            address = _address(name)
            if address is None or not (self._any_address or str(address) in self._names):
                raise Refused(
                    421, f"this server is not called {given[0][:100]!r}; if it should be, {_remedy('the name')}"
                )
        return given[0]

    def check_origin(self, headers: Headers, host: str, *, safe: bool, encrypted: bool) -> None:
        """Raise Refused for what a page of another site, or of another port, sends. If it is `safe`, such a page may link to it."""
        origin = headers.get("origin")
        if origin is None:
            if not safe and headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
                raise Refused(403, "a page of another site may not do this; use this server's own pages, or a program")
        elif not self._is_own(origin, host, encrypted):
            raise Refused(403, _foreign(origin))

    def _is_own(self, origin: str, host: str, encrypted: bool) -> bool:
        page = _page(origin)
        if page is None:
            return False
        scheme, name, port = page
        if encrypted and scheme == "http":
            return False  # anybody on the way can write a page of http
        found = _HOST.fullmatch(host)
        if found is not None and (name, port) == (_name(host), int(found[3] or _PORTS[scheme])):
            return True
        return (name, port) in self._pages or (port == _PORTS[scheme] and name in self._pages_on_usual_ports)


def _read(given: str) -> tuple[str, int | None]:
    """A further name and its port, as the setting has it."""
    address = _address(given)
    if address is not None:
        return str(address), None
    found = _HOST.fullmatch(given)
    try:
        if found is not None:
            name = _normal((found[1] or found[2]).encode("idna").decode())
            if re.fullmatch(r"[a-z0-9._-]+|[0-9a-f:.]+", name):
                return name, int(found[3]) if found[3] else None
    except UnicodeError:
        pass
    raise Misconfigured(
        f"the setting hosts has {given!r}, which is not a host name; give names such as labels.example.org, with a port"
        " if it is not the usual one"
    )


def _name(host: str) -> str:
    """The name in a Host header; empty if it is malformed."""
    found = _HOST.fullmatch(host)
    return (found[1] or found[2]).lower().removesuffix(".") if found else ""


def _page(origin: str) -> tuple[str, str, int] | None:
    """Scheme, name and port of an Origin header; None if it is not that of a web page."""
    try:
        given = urlsplit(origin)
        if given.scheme not in _PORTS or not given.hostname or "@" in given.netloc:
            return None
        return given.scheme, _normal(given.hostname), given.port or _PORTS[given.scheme]
    except ValueError:
        return None


def _foreign(origin: str) -> str:
    page = _page(origin)
    if page is None:
        return "a page without an address may not do this; use this server's own pages, or a program"
    scheme, name, port = page
    shown = f"[{name}]" if ":" in name else name
    shown = shown if port == _PORTS[scheme] else f"{shown}:{port}"
    return (
        f"a page of {origin[:100]!r} may not do this; if that is this server's own address, as browsers see it behind a"
        f" proxy, {_remedy(shown[:100])}"
    )


def _remedy(name: str) -> str:
    return f"add {name} to the setting hosts (--hosts)"


def _normal(name: str) -> str:
    address = _address(name)
    return str(address) if address is not None else name.strip().lower().removesuffix(".")


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name.strip().removeprefix("[").removesuffix("]"))
    except ValueError:
        return None


def _is_any(host: str) -> bool:
    address = _address(host)
    return address is not None and address.is_unspecified


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on this host."""
    address = _address(host)
    return host.lower() == "localhost" or (address is not None and address.is_loopback)
