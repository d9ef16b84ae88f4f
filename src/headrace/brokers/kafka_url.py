"""Where Kafka is, and which topic and group are meant: what a `kafka:` URL says."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from headrace.errors import Misconfigured

NAME = "headrace"
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
FILES: Mapping[str, str] = {
    "cacertfile": "ssl.ca.location",
    "certfile": "ssl.certificate.location",
    "keyfile": "ssl.key.location",
}
OPTIONS = ("group", "partitions", "replication", "body_bytes", "session", "poll", "mechanism", *FILES)
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\[\]:,]+)(:(?P<port>\d{1,5}))?")
_TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")


@dataclass(frozen=True)
class Address:
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


def parse(url: str, *, topic: str = NAME) -> Address:
    """The address that a URL gives; `topic`: where it names none. Raises Misconfigured, without its password, where it gives none."""
    parts = urlsplit(url)
    account, _, hosts = parts.netloc.rpartition("@")
    options = _options(parts.query)
    topic = unquote(parts.path.removeprefix("/")) or topic
    if not _TOPIC.fullmatch(topic) or topic in (".", ".."):
        raise Misconfigured(f"{topic!r} is no name of a topic: 1 to 249 of the letters a-z, A-Z, digits, dot, _ and -")
    group = options.get("group", NAME)
    if not 1 <= len(group.encode()) <= 255:
        raise Misconfigured("the option group of a kafka: URL has 1 to 255 bytes")
    session = _number(options, "session", 10, 1, 1800)
    poll = _number(options, "poll", max(300, session), session, 86400)
    return Address(
        hosts=_hosts(hosts),
        topic=topic,
        group=group,
        partitions=_number(options, "partitions", 8, 1, 10_000),
        replication=_number(options, "replication", 0, 0, 99),
        body_bytes=_number(options, "body_bytes", 16 << 20, 1024, 1 << 30),
        session=session,
        poll=poll,
        security=_security(account, options, encrypted=parts.scheme == "kafkas"),
    )


def _hosts(named: str) -> str:
    hosts = []
    for one in named.split(","):
        found = _HOST.fullmatch(one)
        if found is None or int(found["port"] or 0) > 65535:
            raise Misconfigured(
                f"{one!r} is no host of Kafka; write kafka://host:9092/topic?group={NAME}, several hosts with commas"
            )
        hosts.append(one if found["port"] else f"{one}:9092")
    return ",".join(hosts)


def _options(query: str) -> Mapping[str, str]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    for name in options:
        if name not in OPTIONS:
            near = difflib.get_close_matches(name, OPTIONS, n=1)
            meant = f"did you mean {near[0]}? " if near else ""
            raise Misconfigured(f"{name!r} is no option of a kafka: URL; {meant}known are {', '.join(OPTIONS)}")
    return options


def _number(options: Mapping[str, str], option: str, default: int, least: int, most: int) -> int:
    value = options.get(option, str(default))
    if not value.isdecimal() or not least <= int(value) <= most:
        raise Misconfigured(f"the option {option} of a kafka: URL is a number from {least} to {most}, not {value!r}")
    return int(value)


def _security(account: str, options: Mapping[str, str], *, encrypted: bool) -> Mapping[str, str]:
    """The driver's settings for who we are and how that is kept secret."""
    user, _, password = account.partition(":")
    settings = {}
    if account:
        mechanism = options.get("mechanism", MECHANISMS[0])
        if mechanism not in MECHANISMS:
            raise Misconfigured(
                f"the option mechanism of a kafka: URL is one of {', '.join(MECHANISMS)}, not {mechanism!r}"
            )
        settings = {
            "sasl.mechanism": mechanism,
            "sasl.username": unquote(user),
            "sasl.password": unquote(password),
        }
    for option, setting in FILES.items():
        if option in options:
            if not encrypted:
                raise Misconfigured(f"the option {option} is for kafkas:, which encrypts; kafka: doesn't")
            if not Path(options[option]).is_file():
                raise Misconfigured(f"the file {options[option]} that the kafkas: URL names does not exist")
            settings[setting] = options[option]
    transport = "SSL" if encrypted else "PLAINTEXT"
    settings["security.protocol"] = f"SASL_{transport}" if account else transport
    return settings
