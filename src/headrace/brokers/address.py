"""Where a server is and which queue is meant, as the URLs of several brokers say it: `scheme://user:password@host:port/path?queue=headrace`."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from headrace.errors import Misconfigured

QUEUE = "headrace"
LEASE_SECONDS = 30
OPTIONS = ("queue", "lease")
_HOST = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[^\[\]:,]+)(:(?P<port>\d{1,5}))?")


@dataclass(frozen=True)
class Address:
    """The servers, who we are there, and the queue. `lease`: after how many seconds without a sign of life others get what we hold."""

    scheme: str
    hosts: tuple[tuple[str, int], ...]
    user: str = ""
    password: str = field(default="", repr=False)
    path: str = ""
    queue: str = QUEUE
    lease: float = LEASE_SECONDS

    def __str__(self) -> str:
        hosts = ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.hosts)
        return f"{self.scheme}://{hosts}/{self.path}?queue={self.queue}"


def parse(url: str, *, port: int, letters: str, several: bool = False) -> Address:
    """The address that a URL gives; `letters` are those that a queue's name may have, `several` whether there may be more than one host.

    Raises Misconfigured, without the password, where it gives none.
    """
    parts = urlsplit(url)
    account, _, named = parts.netloc.rpartition("@")
    user, _, password = account.partition(":")
    options = _options(parts.scheme, parts.query)
    queue = options.get("queue", QUEUE)
    if not re.fullmatch(rf"[{letters}]{{1,200}}", queue) or queue.startswith("-"):
        raise Misconfigured(f"{queue!r} is no name of a queue for {parts.scheme}: 1 to 200 of {letters}, no - in front")
    return Address(
        scheme=parts.scheme,
        hosts=_hosts(parts.scheme, named, port, several=several),
        user=unquote(user),
        password=unquote(password),
        path=unquote(parts.path.strip("/")),
        queue=queue,
        lease=_seconds(parts.scheme, options.get("lease", str(LEASE_SECONDS))),
    )


def _hosts(scheme: str, named: str, default: int, *, several: bool) -> tuple[tuple[str, int], ...]:
    hosts: list[tuple[str, int]] = []
    for one in named.split(",") if several else [named]:
        found = _HOST.fullmatch(one)
        if found is None or int(found["port"] or default) > 65535:
            more = ", several hosts with commas" if several else ""
            raise Misconfigured(f"{one!r} is no host; write {scheme}://host:{default}/?queue={QUEUE}{more}")
        hosts.append((found["host"].strip("[]"), int(found["port"] or default)))
    return tuple(hosts)


def _options(scheme: str, query: str) -> Mapping[str, str]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    for name in options:
        if name not in OPTIONS:
            near = difflib.get_close_matches(name, OPTIONS, n=1)
            meant = f"did you mean {near[0]}? " if near else ""
            raise Misconfigured(f"{name!r} is no option of a {scheme}: URL; {meant}known are {', '.join(OPTIONS)}")
    return options


def _seconds(scheme: str, value: str) -> int:
    if not value.isdecimal() or not 5 <= int(value) <= 3600:
        raise Misconfigured(f"the option lease of a {scheme}: URL is a number of seconds from 5 to 3600, not {value!r}")
    return int(value)
