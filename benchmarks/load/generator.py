"""The process that sends: one event loop, keep-alive connections that carry one request at a time, and no HTTP library."""

import asyncio
import gc
import math
import random
import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection as Pipe
from typing import cast

from load.plan import LOST, REFUSALS, UNANSWERED, Answers, Plan, Report, Stream, percentile
from load.requests import maker

LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
#: Connections that are open before the first request.
FIRST_CONNECTIONS = 16
#: Requests a second up to which the generator waits for the very moment; the timer of the event loop is precise to a millisecond or two.
PRECISE_BELOW = 50


def serve(pipe: Pipe, texts: Sequence[str]) -> None:
    """Send the plans that come through the pipe, and send their reports back. None ends it."""
    import uvloop

    while (plan := pipe.recv()) is not None:
        gc.collect()
        gc.disable()  # a pause would count as the server's
        pipe.send(uvloop.run(_Load(plan, texts).run()))
        gc.enable()


class _Sending:
    """A request on its way: when it was due, on the clock of the run."""

    __slots__ = ("data", "due", "numbers", "stream")

    def __init__(self, stream: "_Stream", due: float, data: bytes, numbers: Sequence[int]) -> None:
        self.stream, self.due, self.data, self.numbers = stream, due, data, numbers


class _Connection(asyncio.Protocol):
    """A connection, free or with one request."""

    def __init__(self, load: "_Load") -> None:
        self._load = load
        self._transport: asyncio.Transport | None = None
        self._sending: _Sending | None = None
        self._head = b""
        self._status, self._left, self._retry, self._closing = 0, 0, False, False

    def send(self, sending: _Sending) -> None:
        self._sending = sending
        cast(asyncio.Transport, self._transport).write(sending.data)

    def give_up(self) -> None:
        """End the connection; its request remains without an answer."""
        self._end(UNANSWERED)
        cast(asyncio.Transport, self._transport).abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._load.take(self)

    def data_received(self, data: bytes) -> None:
        if self._left:
            self._left -= len(data)
        else:
            head = self._head + data
            end = head.find(b"\r\n\r\n")
            if end < 0:
                self._head = head
                return
            self._head = b""
            self._status = int(head[9:12])
            length = LENGTH.search(head, 0, end)
            self._left = (int(length[1]) if length else 0) - (len(head) - end - 4)
            if self._status in REFUSALS:
                told = head[:end].lower()
                self._retry, self._closing = b"\nretry-after:" in told, b"\nconnection: close" in told
        if self._left <= 0:
            self._end(self._status)
            if not self._closing:
                self._load.take(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self._end(LOST)
        self._load.lose(self)

    def _end(self, status: int) -> None:
        sending, self._sending = self._sending, None
        if sending is not None:
            sending.stream.end(sending, status, self._retry)
            self._load.done += 1


class _Stream:
    """A stream of the plan, and what came of it so far. `due` is when its next request has to be sent."""

    def __init__(self, stream: Stream, plan: Plan, texts: Sequence[str], clock: Callable[[], float]) -> None:
        self.answers = Answers(seconds=plan.seconds)
        self.make = maker(stream, f"{plan.host}:{plan.port}", texts)
        self._expected, self._begins, self._clock = stream.status, plan.warm_up, clock
        self._documents = stream.call == "documents"
        self._times = _times(stream)
        self.due = next(self._times)

    def next(self) -> _Sending:
        due, self.due = self.due, next(self._times)
        if due >= self._begins:
            self.answers.sent += 1
        return _Sending(self, due, *self.make())

    def end(self, sending: _Sending, status: int, retry: bool) -> None:
        answers = self.answers
        if self._documents:
            taken = answers.accepted if status == self._expected or status == 202 else answers.doubtful
            taken.extend(sending.numbers)
        if sending.due < self._begins:
            return
        answers.statuses[status] += 1
        latency = self._clock() - sending.due
        if status == self._expected:
            answers.at.append(sending.due)
            answers.latencies.append(latency)
        elif status in REFUSALS:
            answers.refused.append(latency)
            answers.bare += not retry


class _Load:
    """A plan while it runs."""

    def __init__(self, plan: Plan, texts: Sequence[str]) -> None:
        self._plan = plan
        self._began = 0.0
        self._streams = [_Stream(stream, plan, texts, self._clock) for stream in plan.streams]
        self._rate = sum(stream.rate for stream in plan.streams)
        self._end = plan.warm_up + plan.seconds
        self._hopeless = max(20.0, self._rate * plan.hopeless) if plan.hopeless else math.inf
        self._queue: deque[_Sending] = deque()
        self._free: dict[_Connection, None] = {}
        self._all: set[_Connection] = set()
        self._opening: set[asyncio.Task[None]] = set()
        self._late: list[float] = []
        self._most = 0
        self._sent, self.done = 0, 0

    async def run(self) -> Report:
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[bool] = self._loop.create_future()
        await asyncio.gather(*(self._open() for _ in range(FIRST_CONNECTIONS)))
        spent = time.process_time()
        self._began = time.perf_counter()
        self._tick()
        gave_up = await self._over
        deadline = self._clock() + (0.5 if gave_up else self._plan.patience)
        while self.done < self._sent and self._clock() < deadline:
            await asyncio.sleep(0.01)
        spent = time.process_time() - spent
        for sending in self._queue:
            sending.stream.end(sending, UNANSWERED, False)
        for connection in list(self._all):
            connection.give_up()
        for task in list(self._opening):
            task.cancel()
        await asyncio.sleep(0)
        behind = percentile(self._late, 0.99) if self._late else 0.0
        return Report([one.answers for one in self._streams], gave_up, spent, behind, self._most)

    def _tick(self) -> None:
        """Send what is due, and schedule the next call. Ends when the time is over, or when the server has fallen hopelessly behind."""
        now = self._clock()
        due = self._end
        for stream in self._streams:
            while stream.due <= now and stream.due < self._end:
                self._late.append(now - stream.due)
                self._send(stream.next())
            due = min(due, stream.due)
        if self._sent - self.done > self._hopeless:
            self._over.set_result(True)
        elif due >= self._end:
            self._over.set_result(False)
        elif (wait := due - self._clock()) > 0.003 or self._rate > PRECISE_BELOW:
            self._loop.call_later(max(0.001, wait - 0.002), self._tick)
        else:
            time.sleep(max(0.0, wait))
            self._loop.call_soon(self._tick)

    def _send(self, sending: _Sending) -> None:
        self._sent += 1
        if self._free:
            self._free.popitem()[0].send(sending)
            return
        self._queue.append(sending)
        self._open_another()

    def _open_another(self) -> None:
        if len(self._all) + len(self._opening) < self._plan.connections:
            task = self._loop.create_task(self._open())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    def _clock(self) -> float:
        """Seconds since the run began."""
        return time.perf_counter() - self._began

    async def _open(self) -> None:
        try:
            await self._loop.create_connection(lambda: _Connection(self), self._plan.host, self._plan.port)
        except OSError:
            if self._queue:
                sending = self._queue.popleft()
                sending.stream.end(sending, LOST, False)
                self.done += 1

    def take(self, connection: _Connection) -> None:
        """A connection that has nothing to do gets the request that waits longest."""
        self._all.add(connection)
        self._most = max(self._most, len(self._all))
        if self._queue:
            connection.send(self._queue.popleft())
        else:
            self._free[connection] = None

    def lose(self, connection: _Connection) -> None:
        self._all.discard(connection)
        self._free.pop(connection, None)
        if self._queue:
            self._open_another()


def _times(stream: Stream) -> Iterator[float]:
    at = random.random() / stream.rate
    while True:
        yield at
        at += 1 / stream.rate if stream.even else random.expovariate(stream.rate)
