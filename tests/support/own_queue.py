"""A queue of one test's own on Redis, NATS or beanstalkd, whose brokers differ in nothing that the tests of all three need to know."""

import secrets
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace

from headrace.brokers.beanstalkd import BeanstalkdBroker
from headrace.brokers.nats import NatsBroker
from headrace.brokers.queue_url import QueueUrl, parse
from headrace.brokers.redis import RedisBroker
from headrace.ports import BrokerAdapter
from headrace.testing.brokers import PATIENCE
from support.wire import Wire

ADAPTERS: Mapping[str, type[RedisBroker | NatsBroker | BeanstalkdBroker]] = {
    "redis": RedisBroker,
    "nats": NatsBroker,
    "beanstalkd": BeanstalkdBroker,
}
SHORT = 2.0  #: seconds of a lease that is to run out; beanstalkd has no shorter ones
LONG = 3600.0  #: seconds of a lease that is not


class OwnQueue:
    """A queue that is removed when `opened` is closed. `kind`: which of ADAPTERS."""

    def __init__(self, kind: str, url: str, opened: ExitStack) -> None:
        self._opened = opened
        self._make: Callable[..., BrokerAdapter] = ADAPTERS[kind]
        self.address: QueueUrl = parse(f"{url}?queue=test-{secrets.token_hex(6)}", port=1, letters="a-z0-9-")
        opened.callback(lambda: self._make(self.address).remove())

    def move(self) -> None:
        """From now on be another queue; this one is removed at the end, too."""
        left, self.address = self.address, replace(self.address, queue=f"test-{secrets.token_hex(6)}")
        self._opened.callback(lambda: self._make(left).remove())

    def connect(self, *, through: Wire | None = None, lease: float = LONG, patience: float = PATIENCE) -> BrokerAdapter:
        """A broker on this queue."""
        hosts = self.address.hosts if through is None else (("127.0.0.1", through.port),)
        broker = self._make(replace(self.address, hosts=hosts, lease=lease), patience=patience)
        self._opened.callback(broker.close)
        return broker

    def wire(self) -> Wire:
        """A wire to the server, for connections that are to be cut."""
        return self._opened.enter_context(Wire(*self.address.hosts[0]))
