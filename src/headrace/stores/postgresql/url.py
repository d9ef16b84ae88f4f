"""The address of a PostgreSQL store: what its URL says, and what in it can never work."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import psycopg
from psycopg import conninfo, pq

from headrace.errors import Misconfigured, did_you_mean
from headrace.stores.hosts import is_host

# Without these, libpq waits as long as the kernel does. The URL overrides them. Seconds; the last in milliseconds.
PATIENCE: Mapping[str, Any] = {
    "application_name": "headrace",
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,
}
NOWHERE = "/dev/null"
_ADDRESS = "the address of a PostgreSQL store cannot be read"
_ENCODE = "percent-encode special characters of user and password"
_BEFORE_HOST = re.compile(r"[a-z]+://([^@/]*@)?")
# libpq takes these from the URL and reads them as numbers when it connects.
_NUMBERS = (
    "connect_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
)


def parse(url: str) -> dict[str, str]:
    """The keyword arguments of the store that a URL describes."""
    base, query = _split(url)
    # The rest is left as it is: libpq takes a + literally.
    parameters = query.split("&")
    schema = [unquote(part.removeprefix("schema=")) for part in parameters if part.startswith("schema=")]
    rest = "&".join(part for part in parameters if not part.startswith("schema="))
    return {"conninfo": f"{base}?{rest}" if rest else base, "schema": schema[-1] if schema else "headrace"}


def options_of(address: str) -> dict[str, Any]:
    """The parameters of a connection to this address, a URL or a conninfo string of libpq.

    Raises Misconfigured for what can never work, as far as it shows before anybody is asked. No message shows a part of the address that
    may be one of the password.
    """
    try:
        said = conninfo.conninfo_to_dict(address)
    except psycopg.Error:
        raise Misconfigured(f"{_ADDRESS}: {_what_is_wrong(address)}") from None
    _check_hosts(said)
    for name in _NUMBERS:
        if not re.fullmatch(r"\s*[+-]?\d{1,9}\s*", str(said.get(name, "0"))):
            raise Misconfigured(f"{_ADDRESS}: {name} is a whole number")
    if str(said.get("replication", "off")).lower() not in ("off", "false", "no", "0"):
        raise Misconfigured(f"{_ADDRESS}: leave out replication; such a connection answers no queries")
    _ask_libpq(said)
    # The text is UTF-8, whatever the database or the role prefers.
    return {**PATIENCE, **said, "client_encoding": "utf8"}


def _ask_libpq(said: Mapping[str, Any]) -> None:
    """Raises Misconfigured for a value that libpq refuses before it connects: here to a socket that cannot be there."""
    alone = {name: value for name, value in said.items() if name not in ("host", "hostaddr", "port")}
    begun = pq.PGconn.connect_start(conninfo.make_conninfo("", **{**alone, "host": NOWHERE}).encode())
    message = " ".join(begun.get_error_message().split())
    begun.finish()
    if NOWHERE not in message:
        raise Misconfigured(f"{_ADDRESS}: {message}")


def _split(url: str) -> tuple[str, str]:
    """A URL up to its parameters, and these: as libpq reads it, to which `?` and `#` mean nothing in a password."""
    found = _BEFORE_HOST.match(url)
    start = found.end() if found else 0
    base, _, query = url[start:].partition("?")
    return url[:start] + base, query


def _what_is_wrong(address: str) -> str:
    _, query = _split(address)
    if "@" not in query:  # otherwise these may be pieces of a password
        known = [default.keyword.decode() for default in pq.Conninfo.get_defaults()]
        for name in [unquote(part.partition("=")[0]) for part in query.split("&") if "=" in part]:
            if name not in known:
                return f"it has no parameter {name!r}; {did_you_mean(name, [*known, 'schema'])}see libpq's parameters"
    return f"check hosts, ports and parameters, and {_ENCODE}"


def _check_hosts(said: Mapping[str, Any]) -> None:
    hosts = str(said.get("host", "")).split(",")
    for host in hosts:
        if host and host[0] not in "/@" and not is_host(host):
            shown = f"{host!r} is not the name of a host" if "@" not in host else "a host has an @"
            raise Misconfigured(f"{_ADDRESS}: {shown}; write a host's name or address, and {_ENCODE}")
    if "@" in str(said.get("dbname", "")):
        raise Misconfigured(f"{_ADDRESS}: the name of its database has an @; {_ENCODE}")
    ports = str(said.get("port", "")).split(",")
    if len(ports) not in (1, len(hosts)) and "hostaddr" not in said:
        raise Misconfigured(f"{_ADDRESS}: it names {len(hosts)} hosts and {len(ports)} ports; give each host its port")
    for port in ports:
        if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 1 << 16):
            raise Misconfigured(f"{_ADDRESS}: a port is not a number from 1 to 65535; also {_ENCODE}")
