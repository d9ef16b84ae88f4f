"""beanstalkd as a broker: a tube of jobs.

A lease is a reservation: it ends at once with its connection. It also runs out after the time that the job was published with (`lease`),
unless `touch` starts that time again. beanstalkd 1.12 sometimes notices this only when the connection is used again or ends. If a
reservation has run out and the job is ready again, a late ack still deletes it, because it was done.
"""

import math
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Self

import greenstalk
from greenstalk import DeadlineSoonError, Job, NotFoundError, TimedOutError

from headrace.brokers.queue_url import QueueUrl, parse
from headrace.documents import Body
from headrace.errors import Misconfigured, Rejected, Unavailable
from headrace.ports import Backlog, Delivery
from headrace.validation import check_sizes

ANSWER_SECONDS = 20.0  #: how long the server may take to answer
CONNECT_SECONDS = 5.0  #: for opening a connection
LOOK_SECONDS = 0.02  #: between two looks during the last second of a wait, as the server waits for whole seconds only
MOST_SECONDS = 5.0  #: of one wait at the server, well below ANSWER_SECONDS


class BeanstalkdBroker:
    """A connection to a tube, opened by the first call that needs it, and again when it was lost. `patience`: seconds for an answer."""

    def __init__(self, address: QueueUrl, *, patience: float = ANSWER_SECONDS) -> None:
        if address.path or address.user or address.password:
            raise Misconfigured(
                "a beanstalk: URL has no account and no path; write beanstalk://host:11300/?queue=headrace"
            )
        self._address, self._patience = address, patience
        self._lease = max(
            2, math.ceil(address.lease)
        )  # in the last second the server already treats a lease as expired
        self._client: greenstalk.Client[bytes] | None = None
        self._generation = 0
        self._most = 0
        self._held: set[int] = set()
        self._closed = False

    @classmethod
    def from_url(cls, url: str) -> Self:
        """`beanstalk://host:11300/?queue=headrace`; docs/configuration.md has the options."""
        return cls(parse(url, port=11300, letters="A-Za-z0-9_.-"))

    def body_bytes(self) -> int:
        """The server's `max-job-size`, 65,535 bytes unless set otherwise (`-z`)."""
        with self._doing("asking for the limits of") as client:
            self._most = self._most or client.stats()["max-job-size"]
            return self._most

    def publish(self, bodies: Sequence[Body]) -> None:
        """When it returns, the bodies are as durable as the server's options `-b` and `-f` make them."""
        check_sizes((len(body.data) for body in bodies), self.body_bytes(), f"publishing to {self._address}")
        with self._doing("publishing to") as client:
            for body in bodies:
                client.put(body.data, ttr=self._lease)

    def receive(self, limit: int, wait: float) -> list[Delivery]:
        deadline = time.monotonic() + wait
        jobs: list[Job[bytes]] = []
        size = 0
        with self._doing("receiving from") as client:
            while size < limit:
                left = 0.0 if jobs else deadline - time.monotonic()
                job = _reserve(client, int(min(max(0.0, left), MOST_SECONDS)))  # the server waits for whole seconds
                if job is None:
                    if left <= 0:
                        break
                    time.sleep(min(LOOK_SECONDS, left))
                    continue
                size += len(job.body)
                if jobs and size > limit:
                    client.release(job)
                    break
                jobs.append(job)
        self._held.update(job.id for job in jobs)
        return [Delivery(job.body, (self, self._generation, job.id)) for job in jobs]

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        with self._doing("acknowledging to") as client:
            for number in self._mine(deliveries):
                with suppress(NotFoundError):  # the lease ran out, and another worker has the job
                    client.delete(number)
                self._held.discard(number)

    def keep(self, deliveries: Sequence[Delivery]) -> None:
        numbers = self._mine(deliveries)
        if not numbers:
            return
        with self._doing("keeping the leases of") as client:
            for number in numbers:
                with suppress(NotFoundError):
                    client.touch(Job(number, b""))

    def backlog(self) -> Backlog:
        """The age is that of the oldest ready job: beanstalkd doesn't tell the ages of leased ones, which may be older."""
        with self._doing("counting what waits in") as client:
            stats, oldest = client.stats_tube(self._address.queue), None
            with suppress(NotFoundError):  # no job is ready, or it was taken a moment ago
                oldest = float(client.stats_job(client.peek_ready())["age"])
            return Backlog(stats["current-jobs-ready"], stats["current-jobs-reserved"], oldest)

    def close(self) -> None:
        self._closed = True
        self._disconnect()

    def warnings(self) -> list[str]:
        """beanstalkd doesn't tell how often it syncs (`-f`), so only a server without a log (`-b`) is warned of."""
        with self._doing("asking for the settings of") as client:
            if client.stats()["binlog-current-index"]:
                return []
            return [
                f"{self._address} loses all when the server ends, as it keeps it in memory; start it with -b FOLDER -f 0"
            ]

    def remove(self) -> None:
        """Deletes jobs that are ready, delayed, buried or leased by this connection; those that others hold can't be deleted."""
        if self._closed:
            return
        with self._doing("removing") as client:
            for number in self._held:
                with suppress(NotFoundError):
                    client.delete(number)
            for peek in (client.peek_ready, client.peek_delayed, client.peek_buried):
                while (job := _peeked(peek)) is not None:
                    client.delete(job)
        self.close()

    def _mine(self, deliveries: Sequence[Delivery]) -> list[int]:
        receipts = [delivery.receipt for delivery in deliveries]
        return [
            number
            for owner, generation, number in receipts
            if owner is self and generation == self._generation and number in self._held
        ]

    @contextmanager
    def _doing(self, what: str) -> Iterator[greenstalk.Client[bytes]]:
        """A client; raises beanstalkd's errors as Headrace's. `what` begins the message."""
        what = f"{what} {self._address}"
        if self._closed:
            raise Unavailable(f"{what}: this connection is closed")
        try:
            self._client = self._client or self._connect()
            yield self._client
        except greenstalk.JobTooBigError as error:
            raise Rejected(f"{what}: the server takes no body of this size") from error
        except (greenstalk.UnknownCommandError, greenstalk.BadFormatError, greenstalk.UnknownResponseError) as error:
            self._disconnect()
            raise Misconfigured(f"{what}: the server doesn't know this command; is it beanstalkd?") from error
        except greenstalk.BeanstalkdError as error:
            raise Unavailable(f"{what}: the server can't now: {type(error).__name__}") from error
        except (greenstalk.Error, OSError, AssertionError, ValueError) as error:
            self._disconnect()  # AssertionError: an answer was cut short
            raise Unavailable(f"{what}: {error or 'the connection was lost'}") from error

    def _connect(self) -> greenstalk.Client[bytes]:
        connection = socket.create_connection(self._address.hosts[0], min(self._patience, CONNECT_SECONDS))
        try:
            connection.settimeout(self._patience)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return greenstalk.Client(connection, encoding=None, use=self._address.queue, watch=self._address.queue)
        except BaseException:
            connection.close()
            raise

    def _disconnect(self) -> None:
        client, self._client = self._client, None
        self._held.clear()
        self._generation += 1
        self._most = 0
        if client is not None:
            client.close()


def _reserve(client: greenstalk.Client[bytes], seconds: int) -> Job[bytes] | None:
    try:
        return client.reserve(seconds)
    except (TimedOutError, DeadlineSoonError):
        return None


def _peeked(peek: Callable[[], Job[bytes]]) -> Job[bytes] | None:
    try:
        return peek()
    except NotFoundError:
        return None
