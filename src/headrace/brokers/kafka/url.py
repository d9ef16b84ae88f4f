"""Where Kafka is, and which topic and group are meant: what a `kafka:` URL says."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from headrace.brokers.server_url import ServerUrl, host_and_port
from headrace.errors import Misconfigured

NAME = "headrace"
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
    """The nodes to ask first, who we are there, the topic, and the group whose offsets say what is done.

    `partitions`, `replication` and `body_bytes` are for a topic that is made; a replication of 0 is the server's default. `session`: after
    how many seconds without a sign of life a worker's partitions go to others; `poll`: and after how many in which nobody called.
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

    def __str__(self) -> str:
        scheme = "kafkas" if "SSL" in self.security.get("security.protocol", "") else "kafka"
        return f"{scheme}://{self.hosts}/{self.topic}"


def parse(url: str, *, topic: str = NAME) -> KafkaUrl:
    """The address that a URL gives; `topic`: where it names none. Raises Misconfigured, without its password, where it gives none."""
    said = ServerUrl.read(url, 9092, OPTIONS, like=f"host:9092/topic?group={NAME}")
    topic = said.path or topic
    if not _TOPIC.fullmatch(topic) or topic in (".", ".."):
        raise Misconfigured(f"{topic!r} is no name of a topic: 1 to 249 of the letters a-z, A-Z, digits, dot, _ and -")
    group = said.text("group", NAME)
    if not 1 <= len(group.encode()) <= 255:
        raise Misconfigured(f"the option group of {said.scheme}:// has 1 to 255 bytes")
    session = said.number("session", 10, 1, 1800)
    return KafkaUrl(
        hosts=",".join(host_and_port(*host) for host in said.hosts),
        topic=topic,
        group=group,
        partitions=said.number("partitions", 8, 1, 10_000),
        replication=said.number("replication", 0, 0, 99),
        body_bytes=said.number("body_bytes", 16 << 20, 1024, 1 << 30),
        session=session,
        poll=said.number("poll", max(300, session), session, 86400),
        security=_security(said),
    )


def _security(said: ServerUrl) -> Mapping[str, str]:
    """The driver's settings for who we are and how that is kept secret."""
    settings = {}
    if said.user:
        settings = {
            "sasl.mechanism": said.choice("mechanism", *MECHANISMS),
            "sasl.username": said.user,
            "sasl.password": said.password,
        }
    for option, setting in FILES.items():
        if path := said.file(option, "kafkas"):
            settings[setting] = path
    transport = "SSL" if said.scheme == "kafkas" else "PLAINTEXT"
    settings["security.protocol"] = f"SASL_{transport}" if said.user else transport
    return settings
