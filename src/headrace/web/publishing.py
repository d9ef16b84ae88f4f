"""The one thread that publishes for all requests.

It publishes together whatever has piled up: a single document goes out at once, and under load many share a body. Only one thread may use
a broker, so everything else that is asked of the broker goes through this thread too.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from headrace.documents import BODY_BYTES, Document, encode, pack
from headrace.errors import HeadraceError, Rejected, Unavailable
from headrace.log import logger
from headrace.ports import Broker
from headrace.retrying import isolate, patiently

PATIENCE_SECONDS = 10.0  #: how long a request may wait for the broker's confirmation
MOST_BYTES = 64 << 20  #: of documents that may wait to be published; more are refused
KEEP_SECONDS = 5.0  #: between two calls of `keep` on a broker that is not used
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0  #: seconds between two attempts to publish: the first pause, and the longest

LOG = logger("headrace.web")

T = TypeVar("T")


class Oversized(Rejected):
    """The document is larger than the broker accepts. Nothing of its request was published."""

    def __init__(self, document: Document, size: int, most: int) -> None:
        super().__init__(f"the document {document.id!r} has {size:,} bytes; the broker takes up to {most:,}")
        self.identity = document.id


def _promise() -> "Future[Any]":
    future: Future[Any] = Future()
    future.set_running_or_notify_cancel()  # a client that goes away cancels nothing
    return future


@dataclass(frozen=True, eq=False)
class Job:
    """The documents of one request, to be published before `deadline` (monotonic). `size` is about their bytes."""

    documents: Sequence[Document]
    size: int
    deadline: float
    done: "Future[None]" = field(default_factory=_promise)


@dataclass(frozen=True, eq=False)
class Question:
    """A call to make with the broker, on the publishing thread."""

    ask: Callable[[Broker], Any]
    done: "Future[Any]" = field(default_factory=_promise)


class Publisher:
    """Publishes for many threads over one connection, which it opens when it is first needed and again after a loss."""

    def __init__(
        self, connect: Callable[[], Broker], *, patience: float = PATIENCE_SECONDS, most_bytes: int = MOST_BYTES
    ) -> None:
        self._connect = connect
        self._patience = patience
        self._most_bytes = most_bytes
        self._broker: Broker | None = None
        self._jobs: list[Job] = []
        self._questions: list[Question] = []
        self._size = 0
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def publish(self, documents: Sequence[Document], size: int) -> "Future[None]":
        """Return a future that is done once the broker has confirmed. `size` is about how many bytes the documents take.

        Raises Unavailable if too much is waiting already. The future fails with Unavailable if the broker can't be reached in time (some
        documents may have been published then: sending all of them again is safe), with Oversized if a document is too large for the
        broker, and with Rejected if the broker refuses them for another reason.
        """
        job = Job(documents, size, time.monotonic() + self._patience)
        with self._changed:
            self._check_open()
            if self._jobs and self._size + size > self._most_bytes:
                raise Unavailable("publishing: too many documents are waiting for the broker; try again in a second")
            self._wake()
            self._jobs.append(job)
            self._size += size
        return job.done

    def ask(self, ask: Callable[[Broker], T]) -> "Future[T]":
        """Have the publishing thread call `ask` with the broker, and return a future of its value. Raises Unavailable once closed."""
        question = Question(ask)
        with self._changed:
            self._check_open()
            self._wake()
            self._questions.append(question)
        return question.done

    def close(self, patience: float = 1.0) -> None:
        """Publish what is waiting if that works at once, and close the connection. Calling it twice is harmless."""
        with self._changed:
            self._closing.set()
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(patience)

    def _check_open(self) -> None:
        if self._closing.is_set():
            raise Unavailable("publishing: the server is stopping; try again in a moment")

    def alive(self) -> bool:
        """Whether it publishes, or will when there is something: false once its thread has ended without being closed."""
        return self._thread is None or self._thread.is_alive() or self._closing.is_set()

    def _wake(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            thread = threading.Thread(target=self._run, name="publisher", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:  # the system has no more threads
                raise Unavailable(f"publishing: {error}; try again in a second") from error
            self._thread = thread
        self._changed.notify_all()

    def _run(self) -> None:
        while True:
            try:
                jobs, questions = self._take()
                if jobs:
                    self._publish(jobs)
                for question in questions:
                    self._answer(question)
                if not jobs and not questions:
                    if self._closing.is_set():
                        break
                    self._keep()
            except Exception:
                LOG.exception("publishing failed in a way that was not expected; it goes on with a new connection")
                self._disconnect()
        self._disconnect()

    def _take(self) -> tuple[list[Job], list[Question]]:
        """All that is waiting; nothing after a few seconds without work, or when closing."""
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self._questions or self._closing.is_set(), KEEP_SECONDS)
            jobs, questions = self._jobs, self._questions
            self._jobs, self._questions, self._size = [], [], 0
            return jobs, questions

    def _publish(self, jobs: Sequence[Job]) -> None:
        """Publish jobs together, and finish each: with an error if the broker rejects it, or does not confirm it in time."""
        try:
            isolate(jobs, self._publish_together, _reject)
        except Exception as error:
            self._disconnect()
            _fail(_unfinished(jobs), error)

    def _publish_together(self, jobs: Sequence[Job]) -> None:
        waiting = _unfinished(jobs)

        def send() -> None:
            if waiting:
                self._send([document for job in waiting for document in job.documents])

        def pause(seconds: float, error: Unavailable) -> None:
            self._disconnect()
            waiting[:] = self._still_in_time(waiting, error)
            if waiting:
                self._closing.wait(seconds)

        patiently(send, pause, first=FIRST_PAUSE, longest=LONGEST_PAUSE)
        for job in waiting:
            job.done.set_result(None)

    def _send(self, documents: Sequence[Document]) -> None:
        broker = self._connected()
        most = broker.body_bytes()
        bodies = list(pack(sorted(documents, key=lambda document: document.source), target=min(BODY_BYTES, most)))
        if any(len(body.data) > most for body in bodies):
            sizes = ((document, len(encode(document))) for document in documents)
            raise next(Oversized(document, size, most) for document, size in sizes if size > most)
        broker.publish(bodies)

    def _still_in_time(self, jobs: Sequence[Job], error: Unavailable) -> Sequence[Job]:
        now = time.monotonic()
        late = [job for job in jobs if job.deadline <= now or self._closing.is_set()]
        message = f"{error}; the broker did not confirm the documents in time: send them again, with the same ids"
        _fail(late, Unavailable(message))
        return [job for job in jobs if job not in late]

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


def _fail(jobs: Sequence[Job], error: Exception) -> None:
    for job in jobs:
        job.done.set_exception(error)


def _reject(job: Job, error: Rejected) -> None:
    _fail(_unfinished([job]), error)


def _unfinished(jobs: Sequence[Job]) -> list[Job]:
    """Those whose callers still wait: one that was too late may share a part with one that the broker rejects."""
    return [job for job in jobs if not job.done.done()]
