"""`scheme://user:password@host:port/path?queue=headrace`: the URLs of brokers that need no more than a server and a queue."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from headrace.errors import Misconfigured
from headrace.server_url import CERTIFICATES, ServerUrl, host_and_port

QUEUE = "headrace"
LEASE_SECONDS = 30  #: of a lease, unless the URL says otherwise
OPTIONS = ("queue", "lease")
#: What Python's drivers call the options for certificates.
DRIVERS_NAMES: Mapping[str, str] = {"cacertfile": "ca_certs", "certfile": "certfile", "keyfile": "keyfile"}


@dataclass(frozen=True)
class QueueUrl:
    """The servers, the account and the queue.

    `lease`: after how many seconds without a `keep` others get what we hold. `certificates`: files for an encrypted connection, as
    `ca_certs`, `certfile` and `keyfile`; without them, the system's authorities are trusted.
    """

    scheme: str
    hosts: tuple[tuple[str, int], ...]
    user: str = ""
    password: str = field(default="", repr=False)
    path: str = ""
    queue: str = QUEUE
    lease: float = LEASE_SECONDS
    certificates: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        hosts = ",".join(host_and_port(*host) for host in self.hosts)
        return f"{self.scheme}://{hosts}/{self.path}?queue={self.queue}"


def parse(url: str, *, port: int, letters: str, several: bool = False, encrypted: str = "") -> QueueUrl:
    """The address that a URL names.

    `port`: the default; `letters`: those that a queue's name may have, as in a regular expression; `several`: whether the URL may name
    several hosts; `encrypted`: the scheme of encrypted connections, if certificates can be named for it. Raises Misconfigured, without
    the password, if the URL is wrong.
    """
    options = (*OPTIONS, *CERTIFICATES) if encrypted else OPTIONS
    parts = ServerUrl.read(url, port, options, like=f"host:{port}/?queue={QUEUE}", several=several)
    queue = parts.text("queue", QUEUE)
    if not re.fullmatch(rf"[{letters}]{{1,200}}", queue) or queue.startswith("-"):
        raise Misconfigured(
            f"{queue!r} is not a queue's name for {parts.scheme}; write 1 to 200 of {letters}, not beginning with -"
        )
    return QueueUrl(
        scheme=parts.scheme,
        hosts=parts.hosts,
        user=parts.user or "",
        password=parts.password,
        path=parts.path.strip("/"),
        queue=queue,
        lease=parts.number("lease", LEASE_SECONDS, 5, 3600),
        certificates={DRIVERS_NAMES[option]: path for option, path in parts.certificates(encrypted).items()},
    )
