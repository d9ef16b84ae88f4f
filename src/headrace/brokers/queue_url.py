"""Where a server is and which queue is meant, as the URLs of several brokers say it:
`scheme://user:password@host:port/path?queue=headrace`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from headrace.brokers.server_url import ServerUrl, host_and_port
from headrace.errors import Misconfigured

QUEUE = "headrace"
LEASE_SECONDS = 30
OPTIONS = ("queue", "lease")
CERTIFICATES: Mapping[str, str] = {"cacertfile": "ca_certs", "certfile": "certfile", "keyfile": "keyfile"}


@dataclass(frozen=True)
class QueueUrl:
    """The servers, who we are there, and the queue. `lease`: after how many seconds without a sign of life others get what we hold.

    `certificates`: files for an encrypted connection, as `ca_certs`, `certfile` and `keyfile`; where there are none, the system's.
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
    """The address that a URL gives; `letters` are those that a queue's name may have, `several` whether there may be more than one host,
    `encrypted` the scheme whose connections are, where one can name certificates for it.

    Raises Misconfigured, without the password, where it gives none.
    """
    options = (*OPTIONS, *CERTIFICATES) if encrypted else OPTIONS
    said = ServerUrl.read(url, port, options, like=f"host:{port}/?queue={QUEUE}", several=several)
    queue = said.text("queue", QUEUE)
    if not re.fullmatch(rf"[{letters}]{{1,200}}", queue) or queue.startswith("-"):
        raise Misconfigured(f"{queue!r} is no name of a queue for {said.scheme}: 1 to 200 of {letters}, no - in front")
    return QueueUrl(
        scheme=said.scheme,
        hosts=said.hosts,
        user=said.user or "",
        password=said.password,
        path=said.path.strip("/"),
        queue=queue,
        lease=said.number("lease", LEASE_SECONDS, 5, 3600),
        certificates={name: path for option, name in CERTIFICATES.items() if (path := said.file(option, encrypted))},
    )
