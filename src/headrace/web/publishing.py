"""The one thread that publishes for all requests.

It publishes together whatever has piled up: a single document goes out at once, and under load many share a body. Only one thread may use
a broker, so everything else that is asked of the broker goes through this thread too.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from headrace.documents import BODY_BYTES, pack_lines
from headrace.errors import HeadraceError, Rejected, Unavailable
from headrace.log import logger
from headrace.ports import Broker
from headrace.retrying import isolate, patiently
from headrace.web.batching import BatchThread

KEEP_SECONDS = 5.0  #: between two calls of `keep` on a broker that is not used
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0  #: seconds between two attempts to publish: the first pause, and the longest

LOG = logger("headrace.web")

T = TypeVar("T")


class Oversized(Rejected):
    """The document is larger than the broker accepts. Nothing of its request was published."""

    def __init__(self, identity: str, size: int, most: int) -> None:
        super().__init__(f"the document {identity!r} has {size:,} bytes; the broker takes up to {most:,}")
        self.identity = identity


@dataclass(slots=True, eq=False)
class Job:
    """The documents of one request, to be published before `deadline` (monotonic).

    Of each document, `lines` has its JSON and its source. `texts` are those of the ids that must not be stored with others. `size` is
    about how many bytes all of it takes. `finished`: whether it is known what became of it.
    """

    lines: Sequence[tuple[bytes, str]]
    texts: Mapping[str, str]
    size: int
    deadline: float
    finished: bool = False


#: Is told what became of jobs, by the thread that knows: None once all documents of a job are published, or why they are not.
Settle = Callable[[Sequence[tuple[Job, Exception | None]]], None]


def _promise() -> "Future[Any]":
    future: Future[Any] = Future()
    future.set_running_or_notify_cancel()  # a client that goes away cancels nothing
    return future


@dataclass(frozen=True, eq=False)
class Question:
    """A call to make with the broker, on the publishing thread."""

    ask: Callable[[Broker], Any]
    done: "Future[Any]" = field(default_factory=_promise)


class Publisher:
    """Publishes for many requests over one connection, which it opens when it is first needed and again after a loss.

    A job is settled with None once the broker has confirmed it; with Unavailable if the broker can't be reached in time (some documents may
    have been published then: sending all of them again is safe), with Oversized if a document is too large for the broker, and with
    Rejected if the broker refuses them for another reason.
    """

    def __init__(self, connect: Callable[[], Broker], settle: Settle) -> None:
        self._connect, self._settle = connect, settle
        self._broker: Broker | None = None
        self._thread: BatchThread[Job | Question] = BatchThread(
            "publisher",
            self._work,
            doing="publishing",
            idle=self._keep,
            idle_seconds=KEEP_SECONDS,
            end=self._disconnect,
        )

    def publish(self, jobs: Sequence[Job]) -> None:
        """Have the publishing thread publish jobs, and settle each. Raises Unavailable once closed, or if the system has no thread."""
        self._thread.put(jobs)

    def ask(self, ask: Callable[[Broker], T]) -> "Future[T]":
        """Have the publishing thread call `ask` with the broker, and return a future of its value. Raises Unavailable once closed."""
        question = Question(ask)
        self._thread.put([question])
        return question.done

    def close(self, patience: float = 1.0) -> None:
        """Publish what is waiting if that works at once, and close the connection. Calling it twice is harmless."""
        self._thread.close(patience)

    def alive(self) -> bool:
        """Whether it publishes, or will when there is something: false once its thread has ended without being closed."""
        return self._thread.alive()

    def _work(self, items: Sequence[Job | Question]) -> None:
        jobs = [item for item in items if isinstance(item, Job)]
        if jobs:
            self._publish(jobs)
        if len(jobs) < len(items):
            for question in items:
                if isinstance(question, Question):
                    self._answer(question)

    def _publish(self, jobs: Sequence[Job]) -> None:
        """Publish jobs together, and finish each: with an error if the broker rejects it, or does not confirm it in time."""
        try:
            isolate(jobs, self._publish_together, lambda job, error: self._finish([job], error))
        except Exception as error:
            self._disconnect()
            self._finish(jobs, error)

    def _publish_together(self, jobs: Sequence[Job]) -> None:
        waiting = [job for job in jobs if not job.finished]

        def send() -> None:
            if waiting:
                self._send([line for job in waiting for line in job.lines])

        def pause(seconds: float, error: Unavailable) -> None:
            self._disconnect()
            waiting[:] = self._still_in_time(waiting, error)
            if waiting:
                self._thread.closing.wait(seconds)

        patiently(send, pause, first=FIRST_PAUSE, longest=LONGEST_PAUSE)
        self._finish(waiting, None)

    def _send(self, lines: list[tuple[bytes, str]]) -> None:
        broker = self._connected()
        most = broker.body_bytes()
        lines.sort(key=lambda line: line[1])
        bodies = list(pack_lines(lines, target=min(BODY_BYTES, most)))
        if any(len(body.data) > most for body in bodies):
            data = next(data for data, _ in lines if len(data) > most)
            raise Oversized(msgspec.json.decode(data)["id"], len(data), most)
        broker.publish(bodies)

    def _still_in_time(self, jobs: Sequence[Job], error: Unavailable) -> Sequence[Job]:
        now = time.monotonic()
        late = [job for job in jobs if job.deadline <= now or self._thread.closing.is_set()]
        message = f"{error}; the broker did not confirm the documents in time: send them again, with the same ids"
        self._finish(late, Unavailable(message))
        return [job for job in jobs if not job.finished]

    def _finish(self, jobs: Sequence[Job], error: Exception | None) -> None:
        """Settle those that are not settled: one that was too late may share a part with one that the broker rejects."""
        unfinished = [job for job in jobs if not job.finished]
        for job in unfinished:
            job.finished = True
        if unfinished:
            self._settle([(job, error) for job in unfinished])

    def _answer(self, question: Question) -> None:
        try:
            question.done.set_result(question.ask(self._connected()))
        except Exception as error:
            if not isinstance(error, Rejected):
                self._disconnect()
            question.done.set_exception(error)

    def _keep(self) -> None:
        """Answer the broker's heartbeats. A lost connection is opened again when it is needed."""
        if self._broker is not None:
            try:
                self._broker.keep([])
            except Exception:
                self._disconnect()

    def _connected(self) -> Broker:
        self._broker = self._broker or self._connect()
        return self._broker

    def _disconnect(self) -> None:
        broker, self._broker = self._broker, None
        if broker is not None:
            try:
                broker.close()
            except HeadraceError:
                return  # the connection was lost already
            except Exception:
                LOG.exception("closing the connection to the broker failed; it is left as it is")
