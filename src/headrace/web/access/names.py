"""The names of the server: those that it may be called by (the header Host), and those whose pages are its own (the header Origin)."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from headrace.host_names import HOST, HostNames, name_of, normal, remedy
from headrace.web.responses import Refused

_PORTS: Mapping[str, int] = {"http": 80, "https": 443}


class ServerNames:
    """What a server that listens on `host` may be called, if `hosts` are its further names, each alone or with a port.

    Raises Misconfigured for a further name that is none.
    """

    def __init__(self, host: str, hosts: Sequence[str]) -> None:
        self._names = HostNames(host, hosts)
        self._pages = {(name, port) for name, port in self._names.further if port is not None}
        self._pages_on_usual_ports = {name for name, port in self._names.further if port is None}

    def check_host(self, headers: Headers) -> str:
        """The Host header. Raises Refused unless there is exactly one, with a name of this server; its port does not matter."""
        given = headers.getlist("host")
        if len(given) != 1:
            raise Refused(400, "a request needs exactly one Host header")
        if not self._names.know(given[0]):
            raise Refused(421, self._names.refusal(given[0]))
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
        found = HOST.fullmatch(host)
        if found is not None and (name, port) == (normal(name_of(host)), int(found[3] or _PORTS[scheme])):
            return True
        return (name, port) in self._pages or (port == _PORTS[scheme] and name in self._pages_on_usual_ports)


def _page(origin: str) -> tuple[str, str, int] | None:
    """Scheme, name and port of an Origin header; None if it is not that of a web page."""
    try:
        given = urlsplit(origin)
        if given.scheme not in _PORTS or not given.hostname or "@" in given.netloc:
            return None
        return given.scheme, normal(given.hostname), given.port or _PORTS[given.scheme]
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
        f" proxy, {remedy(shown[:100])}"
    )
