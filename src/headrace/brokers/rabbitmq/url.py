"""`amqp:` URLs: the nodes of a cluster, the account, the exchange and the queue."""

import ssl
from dataclasses import dataclass, field

import pika

from headrace.errors import Misconfigured
from headrace.server_url import CERTIFICATES, ServerUrl, host_and_port

QUEUE = "headrace"
EVICTED = ".evicted"  #: after the queue's name: the queue for what the server evicts from it
NAME_BYTES = 255  #: the longest name that AMQP allows for a queue, an exchange or a key
HEARTBEAT_SECONDS = 60  #: the heartbeat interval asked for; a connection that is silent for that long is lost
CONNECT_SECONDS = 10.0  #: for opening a connection, TLS and login included
OPTIONS = ("queue", "exchange", "keys", "declare", "heartbeat", *CERTIFICATES)


@dataclass(frozen=True)
class RabbitmqUrl:
    """The nodes of a cluster, the account, the exchange and the queue.

    `exchange` is a topic exchange; if empty, it has the name of the queue. The queue takes bodies whose key matches one of `keys`; if
    `queue` is empty there is only an exchange. `worked`: Headrace's workers consume the queue. If `declare` is false, exchange, queue and
    bindings must exist and are used as they are.
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
        return f"{scheme}://{','.join(host_and_port(*host) for host in self.hosts)}/{self.vhost.removeprefix('/')}"

    @property
    def to(self) -> str:
        """The name of the exchange that is published to."""
        return self.exchange or self.queue

    @property
    def evicted(self) -> str:
        """The queue for what the server evicts from ours; empty if no worker would consume it."""
        return f"{self.queue}{EVICTED}" if self.worked else ""

    def parameters(self, number: int) -> pika.ConnectionParameters:
        """How to connect to host `number`, counted modulo the number of hosts."""
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


def parse(url: str, *, worked: bool = True, exchange: str = "") -> RabbitmqUrl:
    """The address that a URL names. `worked`: it names a queue for workers; otherwise `exchange` is the default exchange, and there is a
    queue only if the URL names one.

    Raises Misconfigured, without the password, if the URL is wrong.
    """
    port = 5671 if url.startswith("amqps:") else 5672
    parts = ServerUrl.read(url, port, OPTIONS, like=f"host:5672/vhost?queue={QUEUE}")
    certificates = parts.certificates("amqps")
    if "queue" in parts:
        exchange = ""  # the exchange has the name of the queue
    return RabbitmqUrl(
        hosts=parts.hosts,
        user="guest" if parts.user is None else parts.user,
        password="guest" if parts.user is None else parts.password,
        vhost=parts.path or "/",
        queue=_name("queue", parts.text("queue", QUEUE)) if worked or "queue" in parts else "",
        exchange=_name("exchange", parts.text("exchange", exchange)),
        keys=tuple(_name("keys", key) for key in parts.text("keys", "#").split(",")),
        worked=worked,
        declare=parts.choice("declare", "yes", "no") == "yes",
        heartbeat=parts.number("heartbeat", HEARTBEAT_SECONDS, 5, 3600),
        tls=parts.tls(certificates) if parts.scheme == "amqps" else None,
    )


def _name(option: str, value: str) -> str:
    most = NAME_BYTES - len(EVICTED) if option == "queue" else NAME_BYTES
    if len(value.encode()) > most or (not value and option == "queue"):
        raise Misconfigured(f"the option {option} of an amqp: URL has 1 to {most} bytes")
    return value
