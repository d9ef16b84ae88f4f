"""The nodes of a cluster: one connection to whichever answers, opened again when it is lost."""

from headrace.brokers.rabbitmq.connection import Connection
from headrace.brokers.rabbitmq.topology import connect
from headrace.brokers.rabbitmq.url import RabbitmqUrl
from headrace.errors import Unavailable


class Nodes:
    """The nodes of an address. `open` is the connection to one of them, if there is one; it may have been lost since the last call."""

    def __init__(self, address: RabbitmqUrl) -> None:
        self._address = address
        self._next_host = 0
        self.open: Connection | None = None

    @property
    def number(self) -> int:
        """Which of the hosts was tried last."""
        return self._next_host - 1

    def connection(self) -> Connection:
        """The open connection, brought up to date by one step, or a new one. Raises Unavailable if no node answers."""
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
        """Close the connection, if there is one; what it has leased goes back to the queue."""
        connection, self.open = self.open, None
        if connection is not None:
            connection.close()

    def _connect(self) -> Connection:
        """A connection to the first node that answers, starting with the one after the last that was tried."""
        failures: list[str] = []
        for _ in self._address.hosts:
            number, self._next_host = self._next_host, self._next_host + 1
            try:
                return connect(self._address, number)
            except Unavailable as error:
                failures.append(str(error))
        raise Unavailable(f"connecting to {self._address}: " + "; ".join(failures))
