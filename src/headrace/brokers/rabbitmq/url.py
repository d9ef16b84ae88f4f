"""Where RabbitMQ is and which queue is meant: what an `amqp:` URL says."""

import ssl
from dataclasses import dataclass, field

import pika

from headrace.brokers.server_url import ServerUrl, host_and_port
from headrace.errors import Misconfigured

QUEUE = "headrace"
EVICTED = ".evicted"
NAME_BYTES = 255
HEARTBEAT_SECONDS = 60
CONNECT_SECONDS = 10.0
FILES = ("cacertfile", "certfile", "keyfile")
OPTIONS = ("queue", "exchange", "keys", "declare", "heartbeat", *FILES)


@dataclass(frozen=True)
class RabbitmqUrl:
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
        return f"{scheme}://{','.join(host_and_port(*host) for host in self.hosts)}/{self.vhost.removeprefix('/')}"

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


def parse(url: str, *, worked: bool = True, exchange: str = "") -> RabbitmqUrl:
    """The address that a URL gives: of a queue that workers take from or, where none do, of this exchange unless it names another.

    Raises Misconfigured, without its password, where it gives none.
    """
    said = ServerUrl.read(
        url, 5671 if url.startswith("amqps:") else 5672, OPTIONS, like=f"host:5672/vhost?queue={QUEUE}"
    )
    if "queue" in said:
        exchange = ""  # called like the queue
    return RabbitmqUrl(
        hosts=said.hosts,
        user="guest" if said.user is None else said.user,
        password="guest" if said.user is None else said.password,
        vhost=said.path or "/",
        queue=_name("queue", said.text("queue", QUEUE)) if worked or "queue" in said else "",
        exchange=_name("exchange", said.text("exchange", exchange)),
        keys=tuple(_name("keys", key) for key in said.text("keys", "#").split(",")),
        worked=worked,
        declare=said.choice("declare", "yes", "no") == "yes",
        heartbeat=said.number("heartbeat", HEARTBEAT_SECONDS, 5, 3600),
        tls=_tls(said),
    )


def _name(option: str, value: str) -> str:
    most = NAME_BYTES - len(EVICTED) if option == "queue" else NAME_BYTES
    if len(value.encode()) > most or (not value and option == "queue"):
        raise Misconfigured(f"the option {option} of an amqp: URL has 1 to {most} bytes")
    return value


def _tls(said: ServerUrl) -> ssl.SSLContext | None:
    authorities, certificate, key = (said.file(option, "amqps") for option in FILES)
    if said.scheme != "amqps":
        return None
    try:
        context = ssl.create_default_context(cafile=authorities)
        if certificate is not None:
            context.load_cert_chain(certificate, key)
    except (ssl.SSLError, OSError) as error:
        raise Misconfigured(f"the certificates that the amqps: URL names cannot be loaded: {error}") from error
    return context
