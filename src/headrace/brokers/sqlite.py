"""The embedded broker: a queue in an SQLite file that several processes share.

A lease belongs to a connection, which holds a lock (flock) on a file of its own beside the queue. The kernel releases the lock the moment
the process dies, and never while it is merely slow, so no clock decides who owns a body. The file has to be on a local disk.
"""

import os
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from headrace import sqlite_file
from headrace.brokers import lock_file
from headrace.documents import Body
from headrace.errors import Unavailable
from headrace.ports import Backlog, Delivery
from headrace.validation import check_sizes

APPLICATION = 0x48524451  #: SQLite's application_id of a queue file
VERSION = 1  #: of the tables
SCHEMA = (
    "CREATE TABLE bodies (n INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, data BLOB NOT NULL, published_at REAL NOT NULL)",
    "CREATE TABLE leases (body INTEGER PRIMARY KEY, owner INTEGER NOT NULL)",
)
MOST_BODY_BYTES = 128 << 20  #: more than any document that the settings allow
POLL_SECONDS = 0.01  #: between two looks for something new
BUSY_POLL_SECONDS, BUSY_SECONDS = 0.001, 1.0  #: the same shortly after something came, and for how long
ROWS = 300  #: of a statement: SQLite may allow no more than 999 values
RECLAIM_SECONDS = 0.5  #: between two looks for leases of dead processes
SILENCE_SECONDS = 60.0  #: after which the owner of a lock file that we may not open counts as dead

_READY = "SELECT n, data FROM bodies WHERE NOT EXISTS (SELECT 1 FROM leases WHERE body = n) ORDER BY n"


class SqliteBroker:
    """A connection to a queue file.

    What is published survives a loss of power, once `publish` has returned. Leases and acks survive the process only: a loss of power
    costs repetitions. `silence`: after how many seconds without a sign of life the owner of a lock that we may not look at counts as dead.
    """

    def __init__(self, path: Path | str, *, silence: float = SILENCE_SECONDS) -> None:
        self._path, self._silence, self._closed = Path(path), silence, False
        self._begin()

    def _begin(self) -> None:
        self._publisher: sqlite_file.OpenFile | None = None
        self._consumer = self._open(durable=False)
        self._owner = secrets.randbits(62)
        self._lock: int | None = None
        self._reclaimed_at = 0.0
        self._busy_until = 0.0

    @classmethod
    def from_url(cls, url: str) -> Self:
        return cls(sqlite_file.path_of(url))

    def body_bytes(self) -> int:
        return MOST_BODY_BYTES

    def publish(self, bodies: Sequence[Body]) -> None:
        self._check_open()
        check_sizes((len(body.data) for body in bodies), MOST_BODY_BYTES, f"publishing to {self._path}")
        if not bodies:
            return
        self._publisher = self._publisher or self._open(durable=True)
        now, doing = time.time(), f"publishing to {self._path}"
        rows = [(body.key, body.data, now) for body in bodies]
        if len(rows) <= ROWS:
            sqlite_file.commit(self._publisher, *_insertion(rows), doing)
            return
        with sqlite_file.transaction(self._publisher, doing):
            for start in range(0, len(rows), ROWS):
                self._publisher.execute(*_insertion(rows[start : start + ROWS]))

    def receive(self, limit: int, wait: float) -> list[Delivery]:
        self._check_open()
        deadline = time.monotonic() + wait
        with sqlite_file.translated(f"receiving from {self._path}"):
            while True:
                self._reclaim()
                seen = self._change()
                if deliveries := self._lease(limit):
                    self._busy_until = time.monotonic() + BUSY_SECONDS
                    return deliveries
                # The number changes when another connection commits, so an idle worker never takes the write lock.
                while self._change() == seen:
                    now = time.monotonic()
                    if now >= deadline:
                        return []
                    if now - self._reclaimed_at >= RECLAIM_SECONDS:
                        self._check_open()
                        break
                    time.sleep(min(BUSY_POLL_SECONDS if now < self._busy_until else POLL_SECONDS, deadline - now))

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        self._check_open()
        numbers = [(n, owner) for owner, n in (delivery.receipt for delivery in deliveries) if owner == self._owner]
        if not numbers:
            return
        with sqlite_file.transaction(self._consumer, f"acknowledging to {self._path}"):
            held = "EXISTS (SELECT 1 FROM leases WHERE body = ?1 AND owner = ?2)"
            self._consumer.executemany(f"DELETE FROM bodies WHERE n = ?1 AND {held}", numbers)
            self._consumer.executemany("DELETE FROM leases WHERE body = ? AND owner = ?", numbers)

    def keep(self, deliveries: Sequence[Delivery]) -> None:  # noqa: ARG002
        """Gives a sign of life; a lease lasts as long as the lock."""
        if self._lock is not None:
            lock_file.touch(self._lock)

    def backlog(self) -> Backlog:
        self._check_open()
        with sqlite_file.translated(f"counting the bodies of {self._path}"):
            everything, leased, oldest = self._consumer.execute(
                "SELECT (SELECT count(*) FROM bodies), (SELECT count(*) FROM leases),"
                " (SELECT published_at FROM bodies ORDER BY n LIMIT 1)"
            ).fetchone()
        return Backlog(everything - leased, leased, None if oldest is None else max(0.0, time.time() - oldest))

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._end()

    def _end(self) -> None:
        lock, self._lock = self._lock, None
        try:
            if lock is not None:
                self._return_leases(lock)
        finally:
            for connection in filter(None, (self._consumer, self._publisher)):
                connection.close()

    def warnings(self) -> list[str]:
        return sqlite_file.warnings(self._path)

    def remove(self) -> None:
        self.close()
        for path in (*sqlite_file.files_of(self._path), *self._path.parent.glob(f"{self._path.name}-lease-*")):
            path.unlink(missing_ok=True)

    def _return_leases(self, lock: int) -> None:
        try:
            if self._consumer.is_current():
                with sqlite_file.transaction(self._consumer, f"giving back what was received from {self._path}"):
                    self._consumer.execute("DELETE FROM leases WHERE owner = ?", (self._owner,))
            lock_file.remove(self._lock_path(self._owner))
        finally:
            os.close(lock)

    def _lease(self, limit: int) -> list[Delivery]:
        if self._consumer.execute(f"SELECT EXISTS ({_READY})").fetchone() == (0,):
            return []
        if self._lock is None:
            self._lock = lock_file.hold(self._lock_path(self._owner), self._path)
        deliveries, size = list[Delivery](), 0
        with sqlite_file.transaction(self._consumer, f"receiving from {self._path}"):
            for number, data in self._consumer.execute(_READY):
                size += len(data)
                if deliveries and size > limit:
                    break
                deliveries.append(Delivery(data, (self._owner, number)))
            self._consumer.executemany(
                "INSERT INTO leases (owner, body) VALUES (?, ?)", (delivery.receipt for delivery in deliveries)
            )
        return deliveries

    def _reclaim(self) -> None:
        """Make ready again what is leased to connections whose process has died."""
        now = time.monotonic()
        if now - self._reclaimed_at < RECLAIM_SECONDS:
            return
        self._reclaimed_at = now
        self.keep(())
        owners = self._consumer.execute("SELECT DISTINCT owner FROM leases WHERE owner != ?", (self._owner,)).fetchall()
        for (owner,) in owners:
            path = self._lock_path(owner)
            try:
                lock = lock_file.take_over(path, self._silence)
            except BlockingIOError:
                continue
            try:
                with sqlite_file.transaction(
                    self._consumer, f"taking over the leases of a dead worker in {self._path}"
                ):
                    self._consumer.execute("DELETE FROM leases WHERE owner = ?", (owner,))
                lock_file.remove(path)
            finally:
                if lock is not None:
                    os.close(lock)

    def _change(self) -> int:
        return int(self._consumer.execute("PRAGMA data_version").fetchone()[0])

    def _lock_path(self, owner: int) -> Path:
        return self._path.with_name(f"{self._path.name}-lease-{owner:016x}")

    def _open(self, *, durable: bool) -> sqlite_file.OpenFile:
        tables = sqlite_file.Tables(APPLICATION, VERSION, SCHEMA)
        return sqlite_file.open_file(self._path, kind="queue", tables=tables, durable=durable)

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable(f"using the queue {self._path}: this connection is closed")
        if not self._consumer.is_current():  # in the file that is there now, the numbers of receipts mean other bodies
            self._end()
            self._begin()


def _insertion(rows: Sequence[tuple[str, bytes, float]]) -> tuple[str, list[object]]:
    """A single statement that inserts bodies, and its values: under load, a thread may wait for milliseconds after each."""
    places = ", ".join(["(?, ?, ?)"] * len(rows))
    return f"INSERT INTO bodies (key, data, published_at) VALUES {places}", [value for row in rows for value in row]
