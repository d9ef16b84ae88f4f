"""The one thread that asks the store, for all requests, whether an id is known with another text.

It is not the thread that publishes: a slow store holds up no document that it need not be asked about.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Set

from headrace.errors import Conflict, HeadraceError, Unavailable
from headrace.log import logger
from headrace.ports import Watch
from headrace.web.batching import BatchThread
from headrace.web.publishing import Job, Settle

MOST_BYTES = 32 << 20  #: of documents that may wait for the store; more are refused
PART_BYTES = 4 << 20  #: of documents about which the store is asked at once
IDLE_SECONDS = 60.0  #: after which the connection to the store is closed

LOG = logger("headrace.web")


class OtherText(Conflict):
    """An id is stored with another text, or was sent with another at the same time. Nothing of its request was published."""

    def __init__(self, identity: str, where: str) -> None:
        super().__init__(
            f"the document {identity!r} {where} with another text; publish this one under an id of its own"
        )
        self.identity = identity


class ConflictCheck:
    """Hands jobs on to `publish` whose ids the store does not know with other texts, and settles the others.

    A job is settled with OtherText in case of a conflict, and with Unavailable if the store can't be asked.
    """

    def __init__(
        self,
        watch: Callable[[], Watch],
        publish: Callable[[Sequence[Job]], None],
        settle: Settle,
        *,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._open, self._publish, self._settle, self._most_bytes = watch, publish, settle, most_bytes
        self._watch: Watch | None = None
        self._bytes = 0
        self._counting = threading.Lock()
        self._thread: BatchThread[Job] = BatchThread(
            "conflicts",
            self._work,
            doing="checking ids",
            idle=self._disconnect,
            idle_seconds=IDLE_SECONDS,
            end=self._disconnect,
        )

    def publish(self, jobs: Sequence[Job]) -> None:
        """Have jobs checked, and then published.

        Raises Unavailable if too much waits for the store already, once closed, or if the system has no thread.
        """
        size = sum(job.size for job in jobs)
        with self._counting:
            if self._bytes and self._bytes + size > self._most_bytes:
                raise Unavailable("checking ids: too many documents are waiting for the store; try again in a second")
            self._thread.put(jobs)
            self._bytes += size

    def close(self, patience: float = 1.0) -> None:
        """Check what is waiting if that works at once, and close the connection. Calling it twice is harmless."""
        self._thread.close(patience)

    def alive(self) -> bool:
        """Whether it checks, or will when there is something: false once its thread has ended without being closed."""
        return self._thread.alive()

    def _work(self, jobs: Sequence[Job]) -> None:
        sent: dict[str, str] = {}
        try:
            for some in _parts(jobs):
                self._settle_or_publish(some, sent)
        finally:
            with self._counting:
                self._bytes -= sum(job.size for job in jobs)

    def _settle_or_publish(self, jobs: Sequence[Job], sent: dict[str, str]) -> None:
        """`sent` has the texts that were handed on in the same pile, by their ids."""
        try:
            refused, passed = self._check(jobs, sent)
            if refused:
                self._settle(refused)
            if passed:
                self._publish(passed)
        except Exception as error:
            if not isinstance(error, HeadraceError):
                LOG.exception("checking ids failed in a way that was not expected; it goes on with a new connection")
                self._disconnect()
            self._settle([(job, error) for job in jobs])

    def _check(self, jobs: Sequence[Job], sent: dict[str, str]) -> tuple[list[tuple[Job, Exception]], list[Job]]:
        """The jobs that cannot be published, each with the reason, and the others."""
        now = time.monotonic()
        refused: list[tuple[Job, Exception]] = [(job, _too_late()) for job in jobs if job.deadline <= now]
        in_time = [job for job in jobs if job.deadline > now]
        asked = [document for job in in_time for document in job.texts.items()]
        self._watch = self._watch or self._open()
        stored = {asked[place] for place in self._watch.conflicts(asked)}
        passed: list[Job] = []
        for job in in_time:
            error = _conflict(job, stored, sent)
            if error is None:
                sent |= job.texts
                passed.append(job)
            else:
                refused.append((job, error))
        return refused, passed

    def _disconnect(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.close()


def _parts(jobs: Sequence[Job]) -> Iterator[Sequence[Job]]:
    """Jobs in their order, in parts that are not too large to ask for at once."""
    some: list[Job] = []
    size = 0
    for job in jobs:
        if some and size + job.size > PART_BYTES:
            yield some
            some, size = [], 0
        some.append(job)
        size += job.size
    if some:
        yield some


def _too_late() -> Unavailable:
    return Unavailable("checking ids: the store did not answer in time; send the documents again, with the same ids")


def _conflict(job: Job, stored: Set[tuple[str, str]], sent: Mapping[str, str]) -> OtherText | None:
    for identity, text in job.texts.items():
        if (identity, text) in stored:
            return OtherText(identity, "is stored")
        if sent.get(identity, text) != text:
            return OtherText(identity, "was sent at the same time")
    return None
