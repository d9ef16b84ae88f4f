"""The names by which a server may be called: a page of another site cannot reach it under a name of its own (DNS rebinding)."""

import ipaddress
import re
from collections.abc import Sequence

from headrace.errors import Misconfigured

HOST = re.compile(
    r"(?:\[([0-9a-fA-F:.]+)\]|([^\[\]:/@?#\\,\s]+))(?::([0-9]{0,5}))?"
)  #: a Host header: address, name, port


class HostNames:
    """What a server that listens on `host` may be called, if `hosts` are its further names, each alone or with a port.

    Raises Misconfigured for a further name that is none.
    """

    def __init__(self, host: str, hosts: Sequence[str]) -> None:
        self.further = tuple(_read(name) for name in hosts)  #: names and their ports, None for the usual ones
        self._names = {"localhost", "127.0.0.1", "::1", normal(host), *(name for name, _ in self.further)} - {""}
        bound = _address(host)
        self._any_address = not host or (bound is not None and bound.is_unspecified)

    def know(self, given: str) -> bool:
        """Whether a Host header has a name of the server; the port does not matter."""
        name = name_of(given)
        if name in self._names:
            return True
        address = _address(name)
        return address is not None and (self._any_address or str(address) in self._names)

    def refusal(self, given: str) -> str:
        """The error for a Host header that `know` does not know."""
        return f"this server is not called {given[:100]!r}; if it should be, {remedy('the name')}"


def remedy(name: str) -> str:
    """What to do so that a name is known."""
    return f"add {name} to the setting hosts (--hosts)"


def name_of(given: str) -> str:
    """The name in a Host header, in lower case; empty if it is malformed."""
    found = HOST.fullmatch(given)
    return (found[1] or found[2]).lower().removesuffix(".") if found else ""


def normal(name: str) -> str:
    """A name or an address in the form in which they are compared."""
    address = _address(name)
    return str(address) if address is not None else name.strip().lower().removesuffix(".")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on this host."""
    address = _address(host)
    return host.lower() == "localhost" or (address is not None and address.is_loopback)


def _read(given: str) -> tuple[str, int | None]:
    """A further name and its port, as the setting has it."""
    address = _address(given)
    if address is not None:
        return str(address), None
    found = HOST.fullmatch(given)
    try:
        if found is not None:
            name = normal((found[1] or found[2]).encode("idna").decode())
            if re.fullmatch(r"[a-z0-9._-]+|[0-9a-f:.]+", name):
                return name, int(found[3]) if found[3] else None
    except UnicodeError:
        pass
    raise Misconfigured(
        f"the setting hosts has {given!r}, which is not a host name; give names such as labels.example.org, with a port"
        " if it is not the usual one"
    )


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name.strip().removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
