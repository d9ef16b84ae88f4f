"""`kafka:` URLs: the servers, the account, the topic and the group."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from headrace.errors import Misconfigured
from headrace.server_url import ServerUrl, host_and_port

NAME = "headrace"
REFRESH_SECONDS = 10.0  #: after which new partitions, and a topic that was made anew, are noticed at the latest
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
FILES: Mapping[str, str] = {
    "cacertfile": "ssl.ca.location",
    "certfile": "ssl.certificate.location",
    "keyfile": "ssl.key.location",
}
OPTIONS = ("group", "partitions", "replication", "body_bytes", "session", "poll", "mechanism", *FILES)
_TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")


@dataclass(frozen=True)
class KafkaUrl:
    """The nodes to ask first, the topic, and the group whose offsets say what is done.

    `partitions`, `replication` and `body_bytes` are for a topic that we create; a replication of 0 is the server's default. `session`:
    after so many seconds without a heartbeat, a worker's partitions go to others. `poll`: the same, if the worker hasn't called for so
    long. `security`: the driver's settings for account and encryption. `refresh`: after how many seconds the
    server is asked again for the topic's partitions and its id.
    """

    hosts: str
    topic: str = NAME
    group: str = NAME
    partitions: int = 8
    replication: int = 0
    body_bytes: int = 16 << 20
    session: int = 10
    poll: int = 300
    security: Mapping[str, str] = field(default_factory=dict, repr=False)
    refresh: float = REFRESH_SECONDS

    def __str__(self) -> str:
        scheme = "kafkas" if "SSL" in self.security.get("security.protocol", "") else "kafka"
        return f"{scheme}://{self.hosts}/{self.topic}"


def parse(url: str, *, topic: str = NAME) -> KafkaUrl:
    """The address that a URL names; `topic` if it names none. Raises Misconfigured, without the password, if the URL is wrong."""
    parts = ServerUrl.read(url, 9092, OPTIONS, like=f"host:9092/topic?group={NAME}")
    topic = parts.path or topic
    if not _TOPIC.fullmatch(topic) or topic in (".", ".."):
        raise Misconfigured(
            f"{topic!r} is not a topic's name; write 1 to 249 of the letters a-z, A-Z, digits, dot, _ and -"
        )
    group = parts.text("group", NAME)
    if not 1 <= len(group.encode()) <= 255:
        raise Misconfigured(f"the option group of {parts.scheme}:// has 1 to 255 bytes")
    session = parts.number("session", 10, 1, 1800)
    return KafkaUrl(
        hosts=",".join(host_and_port(*host) for host in parts.hosts),
        topic=topic,
        group=group,
        partitions=parts.number("partitions", 8, 1, 10_000),
        replication=parts.number("replication", 0, 0, 99),
        body_bytes=parts.number("body_bytes", 16 << 20, 1024, 1 << 30),
        session=session,
        poll=parts.number("poll", max(300, session), session, 86400),
        security=_security(parts),
    )


def _security(parts: ServerUrl) -> Mapping[str, str]:
    """The driver's settings for account and encryption."""
    settings = {}
    if parts.user:
        settings = {
            "sasl.mechanism": parts.choice("mechanism", *MECHANISMS),
            "sasl.username": parts.user,
            "sasl.password": parts.password,
        }
    elif "mechanism" in parts:
        raise Misconfigured(
            f"the option mechanism of {parts.scheme}:// is for a user and a password, which the URL does not name"
        )
    for option, path in parts.certificates("kafkas").items():
        settings[FILES[option]] = path
    transport = "SSL" if parts.scheme == "kafkas" else "PLAINTEXT"
    settings["security.protocol"] = f"SASL_{transport}" if parts.user else transport
    return settings
