"""NATS JetStream: a stream that keeps what is not acked, and one durable consumer that is asked for what comes next.

A lease lasts for the consumer's `ack_wait`, and `keep` renews it. It doesn't end with its connection: one that is made again goes on with
what it holds.
"""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Self

from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from headrace.brokers.nats.connection import NO_LIMIT, Connection
from headrace.brokers.queue_url import QueueUrl, parse
from headrace.documents import Body
from headrace.errors import Unavailable
from headrace.ports import Backlog, Delivery
from headrace.validation import check_sizes

ANSWER_SECONDS = 20.0
WINDOW, AT_ONCE = 256, 10_000
NO_RESPONDERS = "503"
DURABLE = "headrace"
STREAM: Mapping[str, Any] = {"retention": "workqueue", "storage": "file", "discard": "new"}
CONSUMER: Mapping[str, Any] = {
    "durable_name": DURABLE,
    "ack_policy": "explicit",
    "max_deliver": -1,
    "max_ack_pending": -1,
}


class NatsBroker:
    """A connection to a stream, made by the first call that needs it, and again when it was lost. `patience`: seconds for an answer."""

    def __init__(self, address: QueueUrl, *, patience: float = ANSWER_SECONDS) -> None:
        self._address, self._queue = address, address.queue
        self._connection = Connection(address, self._prepare, patience)
        self._patience = patience
        self._arriving: Subscription | None = None
        self._inbox, self._asked = "", 0
        self._leases: dict[str, float] = {}

    @classmethod
    def from_url(cls, url: str) -> Self:
        """`nats://user:password@host:4222[,host2…]/?queue=headrace`; docs/configuration.md has the options."""
        return cls(parse(url, port=4222, letters="A-Za-z0-9_-", several=True))

    def body_bytes(self) -> int:
        """The server's `max_payload`, 1 MiB unless set otherwise."""
        return self._connection.run("asking for the limits of", self._most)

    def publish(self, bodies: Sequence[Body]) -> None:
        """What it returns for is in the server's files; when those are synced to the disk is the server's matter."""
        check_sizes((len(body.data) for body in bodies), self.body_bytes(), f"publishing to {self._address}")
        for start in range(0, len(bodies), WINDOW):
            window = bodies[start : start + WINDOW]
            self._connection.run("publishing to", lambda: self._publish(window))  # noqa: B023

    def receive(self, limit: int, wait: float) -> list[Delivery]:
        until = time.monotonic() + self._address.lease
        found = self._connection.run("receiving from", lambda: self._pull(limit, wait), wait)
        self._leases.update((message.reply, until) for message in found)
        return [Delivery(message.data, (self, message.reply)) for message in found]

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        held = self._held(deliveries)
        self._connection.run("acknowledging to", lambda: self._tell(held, b"+ACK"))
        for name in held:
            del self._leases[name]

    def keep(self, deliveries: Sequence[Delivery]) -> None:
        until = time.monotonic() + self._address.lease
        held = self._held(deliveries)
        if held or self._connection.is_connected:  # the server wants to hear from us
            self._connection.run("keeping the leases of", lambda: self._tell(held, b"+WPI"))
            self._leases.update(dict.fromkeys(held, until))

    def backlog(self) -> Backlog:
        """What has run out is leased until it is received again."""
        stream, consumer = self._connection.run("counting what waits in", self._count)
        leased = min(consumer["num_ack_pending"], stream["messages"])
        age = (datetime.now(UTC) - datetime.fromisoformat(stream["first_ts"])).total_seconds()
        return Backlog(stream["messages"] - leased, leased, max(0.0, age) if stream["messages"] else None)

    def close(self) -> None:
        try:
            now = time.monotonic()
            held = [name for name, until in self._leases.items() if until > now]
            if held and self._connection.is_connected:
                self._connection.run("giving back what came from", lambda: self._tell(held, b"-NAK"))
        except Unavailable:
            return  # then the leases run out
        finally:
            self._leases.clear()
            self._connection.close()

    def warnings(self) -> list[str]:
        told = self._connection.run(
            "asking for the settings of", lambda: self._connection.call(f"STREAM.INFO.{self._queue}")
        )
        settings = told["config"]
        found = []
        if settings["storage"] == "memory":
            found.append("loses all when the server ends, as it keeps the stream in memory; make it with storage file")
        elif settings["num_replicas"] < 2:
            found.append(
                "loses what came in the last two minutes with the power, unless the server's sync_interval says otherwise;"
                " set that to always, or make the stream with three replicas"
            )
        if settings["discard"] == "old" and any(settings[most] > 0 for most in ("max_age", "max_msgs", "max_bytes")):
            found.append("drops what is oldest where there is too much of it; make the stream without limits")
        return [f"{self._address} {text}" for text in found]

    def remove(self) -> None:
        if not self._connection.is_closed:
            self._connection.run("removing", lambda: self._connection.call(f"STREAM.DELETE.{self._queue}"))
            self._leases.clear()
            self.close()

    def _held(self, deliveries: Sequence[Delivery]) -> list[str]:
        """Those of these leases that are ours, and have not run out."""
        now = time.monotonic()
        names = (name for owner, name in (delivery.receipt for delivery in deliveries) if owner is self)
        return [name for name in dict.fromkeys(names) if self._leases.get(name, 0.0) > now]

    async def _prepare(self) -> None:
        """Make stream and consumer, where they are not there; a stream that is there is used as it is."""
        self._inbox, self._asked = self._connection.client.new_inbox(), 0
        self._arriving = await self._connection.client.subscribe(
            f"{self._inbox}.*", pending_msgs_limit=NO_LIMIT, pending_bytes_limit=NO_LIMIT
        )
        try:
            await self._connection.call(f"STREAM.INFO.{self._queue}")
        except ConnectionError:
            made = {"name": self._queue, "subjects": [self._queue], **STREAM}
            await self._connection.call(f"STREAM.CREATE.{self._queue}", made)
        config = {**CONSUMER, "ack_wait": int(self._address.lease * 1e9)}
        asked = {"stream_name": self._queue, "config": config}
        await self._connection.call(f"CONSUMER.DURABLE.CREATE.{self._queue}.{DURABLE}", asked)

    async def _most(self) -> int:
        return self._connection.client.max_payload

    async def _publish(self, bodies: Sequence[Body]) -> None:
        asked = (self._connection.ask(self._queue, body.data) for body in bodies)
        for told in await asyncio.gather(*asked, return_exceptions=True):
            if isinstance(told, BaseException):
                raise told

    async def _count(self) -> tuple[Any, Any]:
        stream = await self._connection.call(f"STREAM.INFO.{self._queue}")
        return stream["state"], await self._connection.call(f"CONSUMER.INFO.{self._queue}.{DURABLE}")

    async def _tell(self, names: Sequence[str], word: bytes) -> None:
        """Say this of deliveries. The server takes it in order, and answers to the last."""
        for name in names[:-1]:
            await self._connection.client.publish(name, word)
        if names:
            await self._connection.client.request(names[-1], word, timeout=self._patience)

    async def _pull(self, limit: int, wait: float) -> list[Msg]:
        """What is there, up to a number of bytes; else the next alone: it is larger, or has yet to come."""
        found = await self._next(0.0, AT_ONCE, max_bytes=limit, no_wait=True) or await self._next(0.0, 1, no_wait=True)
        return found or (await self._next(wait, 1, expires=int(wait * 1e9)) if wait > 0 else [])

    async def _next(self, wait: float, batch: int, **members: Any) -> list[Msg]:
        assert self._arriving is not None
        self._asked += 1
        reply, found = f"{self._inbox}.{self._asked}", list[Msg]()
        asked = json.dumps({"batch": batch, **members}).encode()
        await self._connection.client.publish(f"$JS.API.CONSUMER.MSG.NEXT.{self._queue}.{DURABLE}", asked, reply=reply)
        while len(found) < batch:
            message = await self._arriving.next_msg(wait + self._patience)
            if message.reply:
                found.append(message)
            elif message.subject == reply:  # how it ended; what belongs to an earlier question is passed over
                if (message.headers or {}).get("Status") == NO_RESPONDERS:
                    raise ConnectionError("the stream is gone")
                break
        return found
