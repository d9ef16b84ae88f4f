"""Where RabbitMQ is and which queue is meant: what an `amqp:` URL says."""

import difflib
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import pika

from headrace.errors import Misconfigured

QUEUE = "headrace"
EVICTED = ".evicted"
NAME_BYTES = 255
HEARTBEAT_SECONDS = 60
CONNECT_SECONDS = 10.0
OPTIONS = ("queue", "exchange", "keys", "declare", "heartbeat", "cacertfile", "certfile", "keyfile")
_HOST = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[^\[\]:,]+)(:(?P<port>\d{1,5}))?")


@dataclass(frozen=True)
class Address:
    """The nodes of a cluster, who we are there, and the queue.

    `exchange` is a topic exchange, called like the queue where it has no name; the queue takes bodies whose key matches one of `keys`.
    `worked`: it is workers who take from the queue. Without a queue there is an exchange only. `declare` off: exchange, queue and bindings
    are there already, and are used as they are.
    """

    hosts: tuple[tuple[str, int], ...]
    user: str = "guest"
    password: str = field(default="guest", repr=False)
    vhost: str = "/"
    queue: str = QUEUE
    exchange: str = ""
    keys: tuple[str, ...] = ("#",)
    declare: bool = True
    worked: bool = True
    heartbeat: int = HEARTBEAT_SECONDS
    tls: ssl.SSLContext | None = None

    def __str__(self) -> str:
        scheme = "amqps" if self.tls else "amqp"
        return f"{scheme}://{','.join(f'{host}:{port}' for host, port in self.hosts)}/{self.vhost.removeprefix('/')}"

    @property
    def to(self) -> str:
        """The exchange that is published to."""
        return self.exchange or self.queue

    @property
    def evicted(self) -> str:
        """The queue for what the server puts out of ours; empty where no worker would look into it."""
        return f"{self.queue}{EVICTED}" if self.worked else ""

    def parameters(self, number: int) -> pika.ConnectionParameters:
        """How to connect to one of the hosts; the numbers go round."""
        host, port = self.hosts[number % len(self.hosts)]
        return pika.ConnectionParameters(
            host=host,
            port=port,
            virtual_host=self.vhost,
            credentials=pika.PlainCredentials(self.user, self.password),
            heartbeat=self.heartbeat,
            socket_timeout=CONNECT_SECONDS / 2,
            stack_timeout=CONNECT_SECONDS,
            ssl_options=pika.SSLOptions(self.tls, host) if self.tls else None,
            client_properties={"product": "headrace", "connection_name": f"headrace {self.queue}"},
        )


def parse(url: str, *, worked: bool = True, exchange: str = "") -> Address:
    """The address that a URL gives: of a queue that workers take from or, where none do, of this exchange unless it names another.

    Raises Misconfigured, without its password, where it gives none.
    """
    parts = urlsplit(url)
    user, password, hosts = _authority(parts.netloc, 5671 if parts.scheme == "amqps" else 5672)
    options = _options(parts.query)
    if "queue" in options:
        exchange = ""  # called like the queue
    return Address(
        hosts=hosts,
        user=user,
        password=password,
        vhost=unquote(parts.path.removeprefix("/")) or "/",
        queue=_name("queue", options.get("queue", QUEUE)) if worked or "queue" in options else "",
        exchange=_name("exchange", options.get("exchange", exchange)),
        keys=tuple(_name("keys", key) for key in options.get("keys", "#").split(",")),
        worked=worked,
        declare=_choice("declare", options.get("declare", "yes")),
        heartbeat=_seconds("heartbeat", options.get("heartbeat", str(HEARTBEAT_SECONDS))),
        tls=_tls(options) if parts.scheme == "amqps" else None,
    )


def _authority(netloc: str, default_port: int) -> tuple[str, str, tuple[tuple[str, int], ...]]:
    account, at, named = netloc.rpartition("@")
    user, _, password = account.partition(":")
    hosts: list[tuple[str, int]] = []
    for one in named.split(","):
        found = _HOST.fullmatch(one)
        if found is None or int(found["port"] or default_port) > 65535:
            raise Misconfigured(
                f"{one!r} is no host of RabbitMQ; write amqp://user:password@host:5672/vhost?queue={QUEUE}, several hosts with commas"
            )
        hosts.append((found["host"].strip("[]"), int(found["port"] or default_port)))
    return (unquote(user), unquote(password), tuple(hosts)) if at else ("guest", "guest", tuple(hosts))


def _options(query: str) -> Mapping[str, str]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    for name in options:
        if name not in OPTIONS:
            near = difflib.get_close_matches(name, OPTIONS, n=1)
            meant = f"did you mean {near[0]}? " if near else ""
            raise Misconfigured(f"{name!r} is no option of an amqp: URL; {meant}known are {', '.join(OPTIONS)}")
    return options


def _name(option: str, value: str) -> str:
    most = NAME_BYTES - len(EVICTED) if option == "queue" else NAME_BYTES
    if len(value.encode()) > most or (not value and option == "queue"):
        raise Misconfigured(f"the option {option} of an amqp: URL has 1 to {most} bytes")
    return value


def _choice(option: str, value: str) -> bool:
    if value not in ("yes", "no"):
        raise Misconfigured(f"the option {option} of an amqp: URL is yes or no, not {value!r}")
    return value == "yes"


def _seconds(option: str, value: str) -> int:
    if not value.isdecimal() or not 5 <= int(value) <= 3600:
        raise Misconfigured(f"the option {option} of an amqp: URL is a number of seconds from 5 to 3600, not {value!r}")
    return int(value)


def _tls(options: Mapping[str, str]) -> ssl.SSLContext:
    missing = [
        options[name]
        for name in OPTIONS
        if name.endswith("file") and name in options and not Path(options[name]).is_file()
    ]
    if missing:
        raise Misconfigured(f"the file {missing[0]} that the amqps: URL names does not exist")
    try:
        context = ssl.create_default_context(cafile=options.get("cacertfile"))
        if "certfile" in options:
            context.load_cert_chain(options["certfile"], options.get("keyfile"))
    except (ssl.SSLError, OSError) as error:
        raise Misconfigured(f"the certificates that the amqps: URL names cannot be loaded: {error}") from error
    return context
