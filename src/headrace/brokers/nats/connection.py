"""Connections to NATS, driven by whoever calls: the driver is asyncio's, and its loop runs while a call does, at no other time."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from nats import errors
from nats.aio.client import Client

from headrace.brokers.queue_url import QueueUrl
from headrace.errors import Misconfigured, Rejected, Unavailable

CONNECT_SECONDS, CLOSE_SECONDS = 5, 2.0
NO_LIMIT = 1 << 40
NOT_THERE, TOO_LARGE = (
    (10014, 10059),
    10054,
)  # codes of errors: no such consumer, no such stream; beyond the stream's own limit

T = TypeVar("T")


class Connection:
    """A connection, opened by the first call that needs it, and again when it was lost; at the next host of the list each time.

    `prepare` is done on every new one. `patience`: seconds for an answer.
    """

    def __init__(self, address: QueueUrl, prepare: Callable[[], Awaitable[None]], patience: float) -> None:
        self._address, self._prepare, self._patience = address, prepare, patience
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        self._client: Client | None = None
        self._host = 0
        self.is_closed = self._connecting = False

    @property
    def client(self) -> Client:
        """The connection that there is; only for what runs in a call."""
        assert self._client is not None
        return self._client

    @property
    def is_connected(self) -> bool:
        return self._client is not None

    def run(self, doing: str, work: Callable[[], Awaitable[T]], wait: float = 0.0) -> T:
        """What the work returns; it is done again where the connection was lost meanwhile, at every host once. `wait`: for how long it may
        wait by itself."""
        losses = 0
        while not self.is_closed:
            loop = self._loop = self._loop or asyncio.new_event_loop()
            task: asyncio.Task[T] = loop.create_task(asyncio.wait_for(self._connected(work), self._patience + wait))
            self._task = task
            try:
                return loop.run_until_complete(task)
            except (asyncio.CancelledError, errors.Error, OSError) as error:
                overdue = isinstance(error, TimeoutError) and not self._connecting
                self._disconnect()
                losses += 1
                if "authorization" in str(error).lower():
                    raise Misconfigured(f"{doing} {self._address}: {error}; check user and password") from error
                if overdue or losses > len(self._address.hosts):
                    why = "no answer in time" if isinstance(error, TimeoutError) else str(error)
                    raise Unavailable(f"{doing} {self._address}: {why or 'the connection was lost'}") from error
            except (Misconfigured, Rejected, Unavailable) as error:
                raise type(error)(f"{doing} {self._address}: {error}") from error
        raise Unavailable(f"{doing} {self._address}: this connection is closed")

    async def ask(self, subject: str, data: bytes) -> Any:
        """What JetStream answers; what it means where that is an error."""
        try:
            answer = json.loads((await self.client.request(subject, data, timeout=self._patience)).data)
        except errors.NoRespondersError as error:
            raise ConnectionError(f"nobody answers to {subject}; is JetStream enabled?") from error
        if "error" not in answer:
            return answer
        told, code = answer["error"].get("description", ""), answer["error"].get("err_code")
        if code in NOT_THERE:
            raise ConnectionError(told)
        if code == TOO_LARGE:
            raise Rejected(told)
        raise (Unavailable if answer["error"]["code"] >= 500 else Misconfigured)(told)

    async def call(self, name: str, members: Mapping[str, Any] | None = None) -> Any:
        """Call something of JetStream's API."""
        return await self.ask(f"$JS.API.{name}", json.dumps(members).encode() if members else b"")

    def close(self) -> None:
        """May be called twice."""
        self.is_closed = True
        self._disconnect()
        if self._loop is not None:
            self._loop.close()
            self._loop = None

    async def _connected(self, work: Callable[[], Awaitable[T]]) -> T:
        if self._client is None:
            (host, port), self._host = self._address.hosts[self._host % len(self._address.hosts)], self._host + 1
            self._client, self._connecting = Client(), True
            await self._client.connect(
                f"nats://[{host}]:{port}" if ":" in host else f"nats://{host}:{port}",
                name=f"headrace {self._address.queue}",
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

    async def _on_error(self, error: Exception) -> None:
        if self._connecting:
            raise error  # or the driver would try for long; later each call tells of its own errors

    async def _on_lost(self) -> None:
        if self._task is not None:
            self._task.cancel()  # what it waits for doesn't come any more

    def _disconnect(self) -> None:
        client, self._client, self._task, self._connecting = self._client, None, None, False
        if self._loop is not None:
            self._loop.run_until_complete(_end(client))


async def _end(client: Client | None) -> None:
    """Close, in order or not, and end what is still under way."""
    if client is not None:
        with suppress(errors.Error, OSError):  # it is lost already
            await asyncio.wait_for(client.close(), CLOSE_SECONDS)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
