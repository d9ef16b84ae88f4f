"""One connection to RabbitMQ, with one channel, driven by whoever calls: nothing happens between calls.

A link that is lost stays lost; its owner opens another. pika's SelectConnection is stepped by hand here, because pika's blocking one
can't keep a window of unconfirmed publishes open.
"""

import logging
import re
import secrets
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import pika
from pika import exceptions, spec
from pika.adapters.select_connection import IOLoop

from headrace.brokers.rabbitmq.tags import Confirms, Leases
from headrace.brokers.rabbitmq.url import CONNECT_SECONDS, RabbitmqUrl
from headrace.errors import HeadraceError, Misconfigured, Rejected, Unavailable

ANSWER_SECONDS = 20.0
CLOSE_SECONDS = 2.0


class Link:
    """An open connection to a node. The constructor raises Unavailable, or Misconfigured where the node will never let us in.

    `arrived` holds what was delivered and not taken yet: the tag, the bytes, and the properties where they ask for a reply.
    `generation` tells this connection from all others.
    """

    def __init__(self, address: RabbitmqUrl, number: int) -> None:
        parameters = address.parameters(number)
        self._node = f"{parameters.host}:{parameters.port}"
        self.generation = secrets.randbits(62)
        self.arrived: deque[tuple[int, bytes, spec.BasicProperties | None]] = deque()
        self.leases, self.confirms = Leases(), Confirms()
        self._confirming = False
        self.blocked = ""
        self.unroutable = ""
        self._lost: HeadraceError | None = None
        self._closed = False
        # Without a handler of its own, pika's log of every lost connection goes to standard error; we tell of it ourselves.
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
        self.channel.add_on_return_callback(self._on_returned)

    @property
    def version(self) -> str:
        """The server's version."""
        return str((self._connection.server_properties or {}).get("version", ""))

    def __str__(self) -> str:
        return f"RabbitMQ at {self._node}"

    @property
    def is_lost(self) -> bool:
        return self._lost is not None

    def check(self) -> None:
        """Raises what the link was lost to."""
        if self._lost is not None:
            raise self._lost

    def step(self, seconds: float) -> None:
        """Do what there is to do: read, write, answer heartbeats; wait up to `seconds` for something. Raises what the link was lost to."""
        self.check()
        alarm = self._loop.call_later(max(0.0, seconds), _nothing)
        try:
            self._loop.poll()
            self._loop.process_timeouts()
        except (exceptions.AMQPError, exceptions.ChannelError, OSError) as error:
            self._on_lost(self._connection, error)
        finally:
            self._loop.remove_timeout(alarm)
        self.check()

    def wait(self, done: Callable[[], Any], seconds: float) -> bool:
        """Step until something is true; whether it was in time."""
        deadline = time.monotonic() + seconds
        while not done():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self.step(left)
        return True

    def call(self, ask: Callable[[Callable[[Any], None]], Any], doing: str) -> Any:
        """What the server answers to one of pika's methods, given the callback to hand it."""
        answers: list[Any] = []
        try:
            ask(answers.append)
        except (exceptions.AMQPError, exceptions.ChannelError) as error:
            self._on_lost(self._connection, error)
        self._await(lambda: answers, ANSWER_SECONDS, doing)
        return answers[0]

    def confirm(self) -> None:
        """Let the server confirm what is published, from the first call on."""
        if not self._confirming:
            self.call(lambda done: self.channel.confirm_delivery(self._on_confirm, done), "asking for confirms")
            self._confirming = True

    def on_message(self, _channel: Any, method: spec.Basic.Deliver, properties: Any, body: bytes) -> None:
        """The callback for a consumer."""
        self.leases.delivered = method.delivery_tag
        self.arrived.append((method.delivery_tag, body, properties if properties.reply_to else None))

    def open_channel(self) -> Any:
        """Another channel; the link is lost where it closes."""
        channel = self.call(lambda done: self._connection.channel(on_open_callback=done), "opening a channel")
        channel.add_on_close_callback(self._on_channel_closed)
        channel.add_on_cancel_callback(self._on_cancelled)
        return channel

    def publish(
        self, exchange: str, key: str, data: bytes, properties: spec.BasicProperties, *, mandatory: bool
    ) -> None:
        """Hand it to the connection; the first step that follows sends it. On a link that is lost: nothing."""
        try:
            self.channel.basic_publish(exchange, key, data, properties, mandatory=mandatory)
        except (exceptions.AMQPError, exceptions.ChannelError) as error:
            self._on_lost(self._connection, error)
        if self._confirming:
            self.confirms.add(len(data))

    def close(self) -> None:
        """Leave in order, so that what was sent arrives; then go. What isn't acked goes back."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._connection.is_open and self._lost is None:
                self._connection.close()
                self.wait(lambda: self._connection.is_closed, CLOSE_SECONDS)
        except HeadraceError:
            pass  # that is the end we wanted
        finally:
            self._cut()

    def _cut(self) -> None:
        """End the connection without the server's help: while it blocks us, it doesn't answer."""
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

    def _lose(self, error: HeadraceError) -> None:
        self._lost = self._lost or error

    def _on_open(self, _connection: Any) -> None:
        self._opened = True

    def _on_lost(self, _connection: Any, error: BaseException | str) -> None:
        self._lose(translate(error, str(self)))

    def _on_channel_closed(self, _channel: Any, reason: BaseException) -> None:
        self._lose(translate(reason, str(self)))

    def _on_cancelled(self, _frame: Any) -> None:
        self._lose(Unavailable(f"{self} has ended the consumer: its queue was deleted, or moves to another node"))

    def _on_blocked(self, _connection: Any, frame: Any) -> None:
        self.blocked = frame.method.reason or "no reason told"

    def _on_unblocked(self, _connection: Any, _frame: Any) -> None:
        self.blocked = ""

    def _on_returned(self, _channel: Any, method: Any, _properties: Any, _body: bytes) -> None:
        self.unroutable = f"exchange {method.exchange!r}, key {method.routing_key!r}: {method.reply_text}"

    def _on_confirm(self, frame: Any) -> None:
        method = frame.method
        self.confirms.settle(method.delivery_tag, multiple=method.multiple, taken=isinstance(method, spec.Basic.Ack))


def translate(error: BaseException | str, where: str) -> HeadraceError:
    """The error to raise for what a connection or channel ended with."""
    error = _innermost(error)
    told = getattr(error, "reply_text", "") or str(error) or type(error).__name__
    # While connecting, the server's refusal comes as pika's guess, with the code in its text.
    guessed = re.search(r"\((403|530)\)", told)
    code = int(guessed[1]) if guessed else getattr(error, "reply_code", 0)
    if code in (403, 530) and "is down" not in told:
        return Misconfigured(f"{where} refuses: {told}; check user, password, virtual host and permissions")
    if code == 406 and "inequivalent arg" in told:
        return Misconfigured(
            f"{where}: {told}. The queue or exchange exists, made with other arguments: name another (?queue=NAME), delete it once it is"
            " empty, or use it as it is (&declare=no)"
        )
    if code == 405:
        return Misconfigured(
            f"{where}: {told}. Another connection has the queue for itself: name another (?queue=NAME)"
        )
    if code == 404:
        return Misconfigured(f"{where}: {told}. Make it, or leave out declare=no so that it is made")
    if code == 406 and "larger than" in told:
        return Rejected(f"{where}: {told}")
    if isinstance(error, exceptions.IncompatibleProtocolError):
        return Unavailable(
            f"{where} ends the connection at once; if this lasts, check that host and port speak AMQP 0-9-1"
        )
    return Unavailable(f"{where}: {told}")


def _innermost(error: BaseException | str) -> BaseException | str:
    """pika wraps the cause of a failed connection several times; the innermost says what happened."""
    while isinstance(error, BaseException):
        causes = (*getattr(error, "exceptions", ())[-1:], getattr(error, "exception", None), *error.args[:1])
        cause = next((one for one in causes if isinstance(one, BaseException)), None)
        if cause is None:
            return error
        error = cause
    return error


def _nothing() -> None:
    """The wait is over."""
