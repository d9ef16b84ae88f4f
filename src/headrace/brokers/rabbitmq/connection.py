"""One AMQP connection to a RabbitMQ node.

pika's SelectConnection is stepped by hand here, because pika's blocking connection can't keep a window of unconfirmed publishes open.
Nothing happens between calls, so the owner calls `step` often enough for the heartbeats. A lost connection stays lost; its owner opens
another.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

import pika
from pika import exceptions, spec
from pika.adapters.select_connection import IOLoop

from headrace.brokers.rabbitmq.errors import translate
from headrace.brokers.rabbitmq.url import CONNECT_SECONDS, RabbitmqUrl
from headrace.errors import HeadraceError, Unavailable

ANSWER_SECONDS = 20.0  #: how long the server may take to answer a method before the connection counts as lost
CLOSE_SECONDS = 2.0  #: how long `close` waits for the server before it cuts the connection


class Connection:
    """An open connection to a node. The constructor raises Unavailable, or Misconfigured if the node will never let us in.

    `channel` is for declaring and publishing; a consumer opens another. `blocked` says why the server reads nothing from us at the moment,
    as when its memory or disk is full; it is empty while the server does.
    """

    def __init__(self, address: RabbitmqUrl, number: int) -> None:
        parameters = address.parameters(number)
        self._node = f"{parameters.host}:{parameters.port}"
        self.blocked = ""
        self._lost: HeadraceError | None = None
        self._closed = False
        # Without a handler, pika's log of every lost connection goes to standard error; our errors say it already.
        logging.getLogger("pika").addHandler(logging.NullHandler())
        self._loop = IOLoop()
        self._loop.activate_poller()
        self._opened = False
        self._connection = pika.SelectConnection(
            parameters, self._on_open, self._on_lost, self._on_lost, custom_ioloop=self._loop
        )
        try:
            self._await(lambda: self._opened, CONNECT_SECONDS + 1, "connecting")
            self._connection.add_on_connection_blocked_callback(self._on_blocked)
            self._connection.add_on_connection_unblocked_callback(self._on_unblocked)
            self.channel = self.open_channel()
        except BaseException:
            self.close()
            raise

    @property
    def version(self) -> str:
        """The server's version; empty if it tells none."""
        return str((self._connection.server_properties or {}).get("version", ""))

    def __str__(self) -> str:
        return f"RabbitMQ at {self._node}"

    @property
    def is_lost(self) -> bool:
        return self._lost is not None

    def step(self, seconds: float) -> None:
        """Read, write and answer heartbeats; wait up to `seconds` for something to happen. Raises the error that ended the connection."""
        self._check()
        alarm = self._loop.call_later(max(0.0, seconds), _nothing)
        try:
            self._loop.poll()
            self._loop.process_timeouts()
        except (exceptions.AMQPError, exceptions.ChannelError, OSError) as error:
            self._on_lost(self._connection, error)
        finally:
            self._loop.remove_timeout(alarm)
        self._check()

    def wait(self, done: Callable[[], Any], seconds: float) -> bool:
        """Step until `done` returns something true, for up to `seconds`. Returns whether it did in time."""
        deadline = time.monotonic() + seconds
        while not done():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self.step(left)
        return True

    def call(self, ask: Callable[[Callable[[Any], None]], Any], doing: str) -> Any:
        """The server's answer to one of pika's methods. `ask` calls the method with the callback that it is given."""
        answers: list[Any] = []
        try:
            ask(answers.append)
        except (exceptions.AMQPError, exceptions.ChannelError) as error:
            self._on_lost(self._connection, error)
        self._await(lambda: answers, ANSWER_SECONDS, doing)
        return answers[0]

    def open_channel(self) -> Any:
        """Another channel. If the server closes it or cancels a consumer on it, the whole connection counts as lost."""
        channel = self.call(lambda done: self._connection.channel(on_open_callback=done), "opening a channel")
        channel.add_on_close_callback(self._on_channel_closed)
        channel.add_on_cancel_callback(self._on_cancelled)
        return channel

    def send(self, exchange: str, key: str, data: bytes, properties: spec.BasicProperties, *, mandatory: bool) -> None:
        """Hand over a message; the next step sends it. On a lost connection this does nothing: the next step raises."""
        try:
            self.channel.basic_publish(exchange, key, data, properties, mandatory=mandatory)
        except (exceptions.AMQPError, exceptions.ChannelError) as error:
            self._on_lost(self._connection, error)

    def close(self) -> None:
        """Close in order, so that what was sent arrives; unacked deliveries go back to the queue. Calling it twice is harmless."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._connection.is_open and self._lost is None:
                self._connection.close()
                self.wait(lambda: self._connection.is_closed, CLOSE_SECONDS)
        except HeadraceError:
            pass  # it is closed, which is all that we want
        finally:
            self._cut()

    def _cut(self) -> None:
        """End the connection without the server, which doesn't answer while it blocks us."""
        self._lost = None
        if not self._connection.is_closed:
            self._connection._terminate_stream(exceptions.ConnectionClosedByClient(200, "gone"))
            deadline = time.monotonic() + CLOSE_SECONDS
            while not self._connection.is_closed and time.monotonic() < deadline:
                self._loop.call_later(0.05, _nothing)
                self._loop.poll()
                self._loop.process_timeouts()
        self._lost = Unavailable(f"using {self}: this connection is closed")
        self._loop.close()

    def _await(self, done: Callable[[], Any], seconds: float, doing: str) -> None:
        if not self.wait(done, seconds):
            self._lost = Unavailable(f"{doing}: {self} has not answered for {seconds:.0f} seconds")
            raise self._lost

    def _check(self) -> None:
        if self._lost is not None:
            raise self._lost

    def _lose(self, error: HeadraceError) -> None:
        self._lost = self._lost or error  # the first error is the cause

    def _on_open(self, _connection: Any) -> None:
        self._opened = True

    def _on_lost(self, _connection: Any, error: BaseException | str) -> None:
        self._lose(translate(error, str(self)))

    def _on_channel_closed(self, _channel: Any, reason: BaseException) -> None:
        self._lose(translate(reason, str(self)))

    def _on_cancelled(self, _frame: Any) -> None:
        self._lose(Unavailable(f"{self} has ended the consumer: its queue was deleted, or moves to another node"))

    def _on_blocked(self, _connection: Any, frame: Any) -> None:
        self.blocked = frame.method.reason or "it gives no reason"

    def _on_unblocked(self, _connection: Any, _frame: Any) -> None:
        self.blocked = ""


def _nothing() -> None:
    """The callback of a timer whose only purpose is to end a wait."""
