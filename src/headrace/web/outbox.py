"""What requests publish, from the event loop's side: a future for each, and as few wake-ups as possible."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from headrace.errors import Unavailable
from headrace.ports import Broker, Watch
from headrace.web.conflicts import ConflictCheck
from headrace.web.publishing import Job, Publisher

PATIENCE_SECONDS = 10.0  #: how long a request may wait for the broker's confirmation
GRACE_SECONDS = 2.0  #: after which, in addition, it is answered whatever the threads do
LOOK_SECONDS = 0.5  #: between two looks for requests that have waited for too long
MOST_BYTES = 64 << 20  #: of documents that may wait to be published; more are refused


class Outbox:
    """Publishes what requests send, after asking the store about the ids that they name. For one event loop."""

    def __init__(
        self,
        connect: Callable[[], Broker],
        watch: Callable[[], Watch],
        *,
        patience: float = PATIENCE_SECONDS,
        grace: float = GRACE_SECONDS,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self.publisher = Publisher(connect, self._settle)
        self.check = ConflictCheck(watch, self.publisher.publish, self._settle)
        self._patience, self._grace, self._most_bytes = patience, grace, most_bytes
        self._loop: asyncio.AbstractEventLoop | None = None
        self._bytes = 0
        self._answers: dict[Job, asyncio.Future[None]] = {}
        self._waiting: deque[tuple[float, asyncio.Future[None]]] = deque()
        self._looking: asyncio.TimerHandle | None = None

    def publish(
        self, lines: Sequence[tuple[bytes, str]], texts: Mapping[str, str], size: int
    ) -> "asyncio.Future[None]":
        """Publish the documents of a request; the future is done once the broker has confirmed them all.

        Of each document, `lines` has its JSON and its source. `texts` are those of the ids that must not be stored with others; `size` is
        about how many bytes the documents take. Raises Unavailable if too much is waiting already. The future fails with OtherText in
        case of a conflict, with Unavailable if the store or the broker can't be reached in time (some documents may have been published
        then: sending all of them again is safe), with Oversized if a document is too large for the broker, and with Rejected if the broker
        refuses them for another reason.
        """
        if self._bytes and self._bytes + size > self._most_bytes:
            raise Unavailable("publishing: too many documents are waiting for the broker; try again in a second")
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        job = Job(lines, texts, size, time.monotonic() + self._patience)
        future: asyncio.Future[None] = self._loop.create_future()
        self._answers[job] = future
        self._bytes += size
        try:
            (self.check if texts else self.publisher).publish([job])
        except Unavailable:
            self._forget(job)
            raise
        self._waiting.append((job.deadline + self._grace, future))
        if self._looking is None:
            self._looking = self._loop.call_later(LOOK_SECONDS, self._look)
        return future

    def alive(self) -> bool:
        """Whether its threads work, or will when there is something."""
        return self.publisher.alive() and self.check.alive()

    def close(self) -> None:
        """Publish what is waiting if that works at once. Calling it twice is harmless."""
        self.check.close()
        self.publisher.close()

    def _settle(self, settled: Sequence[tuple[Job, Exception | None]]) -> None:
        """Called by the threads."""
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(self._answer, settled)
        except RuntimeError:
            if not self._loop.is_closed():
                raise
            # Nobody waits any more.

    def _answer(self, settled: Sequence[tuple[Job, Exception | None]]) -> None:
        for job, error in settled:
            future = self._forget(job)
            if future is None or future.done():
                continue  # its client has gone, or was told that it took too long
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)

    def _forget(self, job: Job) -> "asyncio.Future[None] | None":
        future = self._answers.pop(job, None)
        if future is not None:
            self._bytes -= job.size
        return future

    def _look(self) -> None:
        """Answer those that have waited for too long: a thread may hang in a call of a driver."""
        self._looking = None
        now, waiting = time.monotonic(), self._waiting
        while waiting and (waiting[0][1].done() or waiting[0][0] <= now):
            _, future = waiting.popleft()
            if not future.done():
                message = f"store and broker have not answered for {self._patience + self._grace:.0f} seconds"
                future.set_exception(Unavailable(f"{message}; try again later"))
        if waiting and self._loop is not None:
            self._looking = self._loop.call_later(LOOK_SECONDS, self._look)
