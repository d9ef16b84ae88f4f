"""The link to whichever node of a cluster answers; a lost one is opened again."""

from headrace.brokers.rabbitmq.connection import Link
from headrace.brokers.rabbitmq.topology import connect
from headrace.brokers.rabbitmq.url import RabbitmqUrl
from headrace.errors import Unavailable


class Nodes:
    """The nodes of an address, and the one link that is open to them, if any is."""

    def __init__(self, address: RabbitmqUrl) -> None:
        self._address = address
        self._next_host = 0
        self.open: Link | None = None

    @property
    def number(self) -> int:
        """Which of the hosts was tried last."""
        return self._next_host - 1

    def link(self) -> Link:
        """The link, which has seen what happened since the last call, or a new one. Raises Unavailable where no node answers."""
        if self.open is not None and not self.open.is_lost:
            try:
                self.open.step(0)
            except Unavailable:
                self.drop()
            else:
                return self.open
        self.drop()
        self.open = self._connect()
        return self.open

    def drop(self) -> None:
        """Close the link, if there is one; what it has leased goes back."""
        link, self.open = self.open, None
        if link is not None:
            link.close()

    def _connect(self) -> Link:
        """A link to the first node that answers, starting with the one after the last that was tried."""
        failures: list[str] = []
        for _ in self._address.hosts:
            number, self._next_host = self._next_host, self._next_host + 1
            try:
                return connect(self._address, number)
            except Unavailable as error:
                failures.append(str(error))
        raise Unavailable(f"connecting to {self._address}: " + "; ".join(failures))
