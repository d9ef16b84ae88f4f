"""A connection to one stream of NATS JetStream, driven by its caller.

The driver is an asyncio library. Its event loop runs while a call does, and at no other time.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from nats import errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from headrace.brokers.nats.jetstream import CONSUMER, DURABLE, STREAM, read
from headrace.brokers.queue_url import QueueUrl
from headrace.errors import Misconfigured, Rejected, Unavailable
from headrace.server_url import host_and_port

CONNECT_SECONDS = 5  #: for opening a connection to one host
CLOSE_SECONDS = 2.0  #: for closing it in order
NO_LIMIT = 1 << 40  #: bytes or messages that the driver may hold for us: what we ask for is bounded already
MOST_AT_ONCE = 10_000  #: messages asked for in one request
NO_RESPONDERS = "503"  # the status of a request that nobody answers

T = TypeVar("T")


class Connection:
    """A connection that is opened by the first call that needs it, and again when it was lost, to the next host of the list each time.

    Stream and consumer are created on it if they are missing; a stream that exists is used as it is. A call whose connection is lost is
    made again, up to once for each host. It raises Unavailable, Misconfigured or Rejected; `doing` begins the message. `patience`: how many
    seconds an answer may take. `created` is when the stream was created, as the server writes it and as far as we know: another time is
    another stream, although it has the same name.
    """

    def __init__(self, address: QueueUrl, *, patience: float) -> None:
        self._address, self._stream, self._patience = address, address.queue, patience
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        self._open: Client | None = None
        self._next_host = 0
        self._connecting = False
        self._inbox, self._requests = "", 0
        self._arriving: Subscription | None = None
        self.created = self._refusal = ""
        self.is_closed = False

    @property
    def is_open(self) -> bool:
        """Whether there is a connection; it may have been lost since the last call."""
        return self._open is not None

    def body_bytes(self, doing: str) -> int:
        """The server's limit for one message."""

        async def limit() -> int:
            return self._client.max_payload

        return self._run(doing, limit)

    def publish(self, bodies: Sequence[bytes], doing: str) -> None:
        """Return once the stream has stored all of them. They are sent together, before the first is confirmed."""

        async def publish() -> None:
            requests = (self._request(self._stream, body) for body in bodies)
            for answer in await asyncio.gather(*requests, return_exceptions=True):
                if isinstance(answer, BaseException):
                    raise answer

        self._run(doing, publish)

    def pull(self, limit: int, wait: float, doing: str) -> list[Msg]:
        """Lease what the stream has, up to `limit` bytes, or else the next message alone: it is larger, or has yet to come.

        Waits up to `wait` seconds. The subject to which a message wants a reply is the one that acknowledges it.
        """

        async def pull() -> list[Msg]:
            found = await self._next(0.0, MOST_AT_ONCE, max_bytes=limit, no_wait=True)
            found = found or await self._next(0.0, 1, no_wait=True)
            return found or (await self._next(wait, 1, expires=int(wait * 1e9)) if wait > 0 else [])

        return self._run(doing, pull, wait)

    def acknowledge(self, subjects: Sequence[str], word: bytes, created: str, doing: str) -> None:
        """Send a word of JetStream's (`+ACK`, `-NAK`, `+WPI`) for each of these messages, and return once the server has taken all.

        They came from the stream that was created then. Raises Unavailable if that was deleted and made anew: the server would take the
        word for the messages that have the same numbers now.
        """

        async def acknowledge() -> None:
            if subjects:
                self.created = (await self._call(f"STREAM.INFO.{self._stream}"))["created"]
                if self.created != created:
                    raise Unavailable("the stream was deleted and made anew, and what was leased is gone with it")
            for subject in subjects[:-1]:
                await self._client.publish(subject, word)
            if subjects:  # the server takes them in order, and answers to the last
                await self._client.request(subjects[-1], word, timeout=self._patience)

        self._run(doing, acknowledge)

    def stream_info(self, doing: str) -> Any:
        """What the server says of the stream: its `config` and its `state`."""
        return self._run(doing, lambda: self._call(f"STREAM.INFO.{self._stream}"))

    def consumer_info(self, doing: str) -> Any:
        """What the server says of the consumer, among it `num_ack_pending`."""
        return self._run(doing, lambda: self._call(f"CONSUMER.INFO.{self._stream}.{DURABLE}"))

    def delete_stream(self, doing: str) -> None:
        """Delete the stream with all that it holds, and its consumer."""
        self._run(doing, lambda: self._call(f"STREAM.DELETE.{self._stream}"))

    def close(self) -> None:
        """Calling it twice is harmless."""
        self.is_closed = True
        self._disconnect()
        if self._loop is not None:
            self._loop.close()
            self._loop = None

    def _run(self, doing: str, work: Callable[[], Awaitable[T]], wait: float = 0.0) -> T:
        """The result of `work`, which may wait for `wait` seconds by itself."""
        losses = 0
        while not self.is_closed:
            loop = self._loop = self._loop or asyncio.new_event_loop()
            task: asyncio.Task[T] = loop.create_task(asyncio.wait_for(self._connected(work), self._patience + wait))
            self._task = task
            try:
                return loop.run_until_complete(task)
            except (asyncio.CancelledError, errors.Error, OSError) as error:
                overdue = isinstance(error, TimeoutError) and not self._connecting
                refusal, self._refusal = self._refusal, ""
                self._disconnect()
                if refusal:
                    raise Misconfigured(f"{doing} {self._address}: {refusal}; let this user do that") from error
                losses += 1
                if "authorization" in str(error).lower():
                    raise Misconfigured(f"{doing} {self._address}: {error}; check user and password") from error
                if overdue or losses > len(self._address.hosts):
                    why = "no answer in time" if isinstance(error, TimeoutError) else str(error)
                    raise Unavailable(f"{doing} {self._address}: {why or 'the connection was lost'}") from error
            except (Misconfigured, Rejected, Unavailable) as error:
                raise type(error)(f"{doing} {self._address}: {error}") from error
        raise Unavailable(f"{doing} {self._address}: this connection is closed")

    @property
    def _client(self) -> Client:
        """The driver's client, for what runs inside of `_run`."""
        assert self._open is not None
        return self._open

    async def _connected(self, work: Callable[[], Awaitable[T]]) -> T:
        if self._open is None:
            (host, port) = self._address.hosts[self._next_host % len(self._address.hosts)]
            self._next_host += 1
            self._open, self._connecting = Client(), True
            await self._open.connect(
                f"nats://{host_and_port(host, port)}",
                name=f"headrace {self._stream}",
                user=(self._address.password and self._address.user) or None,
                password=self._address.password or None,
                token=(not self._address.password and self._address.user) or None,
                allow_reconnect=False,
                connect_timeout=CONNECT_SECONDS,
                error_cb=self._on_error,
                closed_cb=self._on_lost,
            )
            self._connecting = False
            await self._prepare()
        return await work()

    async def _prepare(self) -> None:
        """Subscribe to what we ask for, and create stream and consumer if they are missing."""
        self._inbox, self._requests = self._client.new_inbox(), 0
        self._arriving = await self._client.subscribe(
            f"{self._inbox}.*", pending_msgs_limit=NO_LIMIT, pending_bytes_limit=NO_LIMIT
        )
        try:
            found = await self._call(f"STREAM.INFO.{self._stream}")
        except ConnectionError:
            stream = {"name": self._stream, "subjects": [self._stream], **STREAM}
            found = await self._call(f"STREAM.CREATE.{self._stream}", stream)
        self.created = found["created"]
        config = {**CONSUMER, "ack_wait": int(self._address.lease * 1e9)}
        consumer = {"stream_name": self._stream, "config": config}
        await self._call(f"CONSUMER.DURABLE.CREATE.{self._stream}.{DURABLE}", consumer)

    async def _next(self, wait: float, batch: int, **options: Any) -> list[Msg]:
        """Up to `batch` messages; `options` are those of JetStream's request for the next ones."""
        assert self._arriving is not None
        self._requests += 1
        reply, found = f"{self._inbox}.{self._requests}", list[Msg]()
        request = json.dumps({"batch": batch, **options}).encode()
        await self._client.publish(f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{DURABLE}", request, reply=reply)
        while len(found) < batch:
            message = await self._arriving.next_msg(wait + self._patience)
            if message.reply:
                found.append(message)
            elif message.subject == reply:  # the end of this request; that of an earlier one is passed over
                if (message.headers or {}).get("Status") == NO_RESPONDERS:
                    raise ConnectionError("the stream is gone")
                break
        return found

    async def _call(self, name: str, members: Mapping[str, Any] | None = None) -> Any:
        """The answer of JetStream's API."""
        return await self._request(f"$JS.API.{name}", json.dumps(members).encode() if members else b"")

    async def _request(self, subject: str, data: bytes) -> Any:
        """JetStream's answer. If that is an error, raises ConnectionError if connecting again may help, otherwise one of Headrace's."""
        try:
            answer = await self._client.request(subject, data, timeout=self._patience)
        except errors.NoRespondersError as error:
            raise ConnectionError(f"nobody answers to {subject}; is JetStream enabled?") from error
        return read(answer.data)

    async def _on_error(self, error: Exception) -> None:
        if self._connecting:
            raise error  # or the driver would go on trying; later on, each call raises its own errors
        if "permissions violation" in str(error).lower() and self._task is not None:
            self._refusal = str(error)
            self._task.cancel()  # the server will not answer

    async def _on_lost(self) -> None:
        if self._task is not None:
            self._task.cancel()  # what it waits for will not come

    def _disconnect(self) -> None:
        client, self._open, self._task, self._connecting = self._open, None, None, False
        if self._loop is not None:
            self._loop.run_until_complete(_end(client))


async def _end(client: Client | None) -> None:
    """Close the client, in order if possible, and cancel all that is still running in the loop."""
    if client is not None:
        with suppress(errors.Error, OSError):  # it is lost already
            await asyncio.wait_for(client.close(), CLOSE_SECONDS)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
