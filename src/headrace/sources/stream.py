"""Streams: a connection that is made again whenever it breaks, with the back-off that the platform asks for, read in batches.

A thread of its own reads the connection, so that the consumer of the messages can be stopped at any time.
"""

import hashlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from headrace.errors import Misconfigured
from headrace.masking import mask_url
from headrace.sources.back_off import PAUSES, BackOff, Broken, Kind, Pause

HELD_BYTES = 16 << 20  #: of messages that wait to be taken; at least one message may wait, however long it is
PART_MESSAGES = 500  #: that are handed over together
SILENT_SECONDS = 60.0  #: without a message after which an open stream is told to be silent
LOOK_SECONDS = 0.2  #: between two looks at whether the stream was closed
TOLD_SECONDS = 2.0  #: of a pause from which on it is told


def shown(address: str) -> str:
    """An address without secrets, to name a stream by: two that differ in what is hidden differ in a hash of 32 bits."""
    masked = mask_url(address)
    return masked if masked == address else f"{masked}#{hashlib.blake2b(address.encode(), digest_size=4).hexdigest()}"


class Message(NamedTuple):
    """A message as it came, its event (empty if the stream has none), and where to go on after it (empty if it does not say, or if it
    `forgets` where). `fault` says why `data` is not all of it, or is not to be read; else it is empty."""

    data: bytes
    cursor: str = ""
    event: str = ""
    fault: str = ""
    forgets: bool = False


def place_after(messages: Sequence[Message], before: str) -> str:
    """Where to go on after messages, which may be none; `before` is where to go on if they don't say."""
    return next((one.cursor for one in reversed(messages) if one.cursor or one.forgets), before)


class Connection(Protocol):
    """An open connection. Iterating it raises Broken when it breaks, and ends when the server ends it."""

    def __iter__(self) -> Iterator[Message]: ...

    def close(self) -> None:
        """End the connection, also from another thread and while it is waited for. Calling it twice is harmless."""
        ...


#: Makes a connection that goes on after a cursor, or begins where the stream is now if it is empty. Raises Broken, or Misconfigured.
Connect = Callable[[str], Connection]


class Part(NamedTuple):
    """Messages that came; or that a connection was made (`connected`); or why nothing comes (`waiting`); or, if it is
    empty, that time has passed."""

    messages: Sequence[Message] = ()
    connected: bool = False
    waiting: str = ""


def follow(
    connect: Connect,
    cursor: str,
    closed: threading.Event,
    *,
    name: str = "the stream",
    pauses: Mapping[Kind, Pause] = PAUSES,
    silent: float = SILENT_SECONDS,
    ticks: bool = False,
) -> Iterator[Part]:
    """The messages after a cursor, for ever, until `closed` is set. `name` is that of the stream, for messages. With `ticks`, an empty part
    comes about every LOOK_SECONDS when nothing else does.

    Raises Misconfigured if the server refuses the first connection of all; a refusal later on is waited for.
    """
    back_off, was_connected = BackOff(pauses), False
    while not closed.is_set():
        back_off.begins()
        reader = _Reader(connect, cursor)
        try:
            for part in reader.parts(closed, silent, ticks):
                was_connected |= part.connected
                if part.messages:
                    back_off.reset()
                    cursor = place_after(part.messages, cursor)
                yield part
        except Broken as broken:
            if broken.kind is Kind.REFUSED and not was_connected:
                raise Misconfigured(f"reading {name}: {broken}") from broken
            seconds = back_off.seconds(broken)
            if seconds >= TOLD_SECONDS:
                yield Part(waiting=f"{broken}; trying again in {seconds:,.0f} s")
            closed.wait(seconds)
        finally:
            reader.stop()


class _Reader:
    """Reads a connection in a thread, and keeps what was not taken yet."""

    def __init__(self, connect: Connect, cursor: str) -> None:
        self._connect, self._cursor = connect, cursor
        self._changed = threading.Condition()
        self._held: deque[Message] = deque()
        self._bytes = 0
        self._connection: Connection | None = None
        self._error: BaseException | None = None  # with which the thread has ended
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="stream", daemon=True)

    def parts(self, closed: threading.Event, silent: float, ticks: bool) -> Iterator[Part]:
        """The messages as they come. Raises what ended the connection, after the last of them; ends when `closed` is set."""
        self._thread.start()
        told, last = False, time.monotonic()
        while not closed.is_set():
            part, error, connected = self._take()
            if connected and not told:
                told, last = True, time.monotonic()
                yield Part(connected=True)
            if part:
                last = time.monotonic()
                yield Part(part)
            elif error is not None:
                raise error
            elif time.monotonic() - last >= silent:
                last = time.monotonic()
                what = "the connection is open, but nothing has come" if told else "the server has not answered"
                yield Part(waiting=f"{what} for {silent:,.0f} s")
            elif ticks:
                yield Part()

    def stop(self) -> None:
        """End the connection, and let the thread end."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
            connection = self._connection
        if connection is not None:
            connection.close()

    def _take(self) -> tuple[list[Message], BaseException | None, bool]:
        """What has come, after waiting a little for it; the error once nothing is left; whether there is, or was, a connection."""
        with self._changed:
            self._changed.wait_for(lambda: self._held or self._error, LOOK_SECONDS)
            part = [self._held.popleft() for _ in range(min(len(self._held), PART_MESSAGES))]
            self._bytes -= sum(len(one.data) for one in part)
            self._changed.notify_all()
            return part, self._error, self._connection is not None

    def _run(self) -> None:
        error: BaseException = Broken(Kind.ENDED, "the server has ended the connection")
        try:
            connection = self._connect(self._cursor)
            with self._changed:
                self._connection = connection
                stopped = self._stopped
            if not stopped:
                for message in connection:
                    if not self._put(message):
                        break
            connection.close()
        except BaseException as caught:
            error = caught
        with self._changed:
            self._error = error
            self._changed.notify_all()

    def _put(self, message: Message) -> bool:
        """Keep a message as soon as there is room for it; false once nothing is wanted any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or not self._held or self._bytes < HELD_BYTES)
            if not self._stopped:
                self._held.append(message)
                self._bytes += len(message.data)
                self._changed.notify_all()
            return not self._stopped
