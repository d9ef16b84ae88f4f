"""The lines of a byte stream as they come, in bounded memory."""

import os
import re
import select
from collections.abc import Callable, Iterator

from headrace.sources.compression import Damaged

BOM = b"\xef\xbb\xbf"  #: UTF-8's byte order mark
_CHUNK = 256 << 10  #: bytes asked for at a time
_POLL_SECONDS = 0.1  #: between two looks whether reading is to end
_END = re.compile(rb"\r\n?|\n")  #: of a line


class Lines:
    """An iterator over the lines of the stream that `read` reads, without their ends: `\\n`, `\\r\\n` or `\\r`, also mixed.

    A line longer than `limit` bytes is cut to `limit + 1`, so that its length still shows that it is too long; `more` has the rest of it.
    If a compressed stream is damaged, the lines end before the damage, and `damage` says what is wrong; otherwise it is empty.
    """

    def __init__(self, read: Callable[[int], bytes], limit: int) -> None:
        self._read_some = read
        self._limit = limit
        self._lines: list[bytes] = []  # that were read, of which the first `_served` were handed over
        self._served = 0
        self._rest = b""  # what was read and is not in lines yet
        self._peeked = False  # `_rest` may hold line ends
        self._after_return = False  # the last byte before `_rest` was \r: a \n that follows belongs to it
        self._tail = b""  # of the current line, after its first `limit + 1` bytes
        self._open = False  # the current line goes on in the stream
        self._ended = False
        self.damage = ""

    @property
    def drained(self) -> bool:
        """Whether the next line may have to be waited for."""
        return self._served == len(self._lines)

    def ready(self) -> list[bytes]:
        """The next lines, as many as were read already, without consuming them; waits for one. Empty at the end. They are whole, even those
        longer than the limit.
        """
        try:
            self._ensure()
        except StopIteration:
            return []
        return self._lines[self._served :] if self._served else self._lines

    def skip_ready(self) -> None:
        """Consume the lines that `ready` has returned."""
        self._served = len(self._lines)

    def head(self, least: int, most: int) -> bytes:
        """The first bytes, up to `most`, without consuming them; waits for `least`. Fewer if the stream is shorter. Call it before
        iterating.
        """
        while len(self._rest) < least and not self._ended:
            self._rest += self._read()
        self._peeked = True
        return self._rest[:most]

    def whole(self) -> bytes:
        """All that the stream holds, up to some bytes more than `limit`. Call it instead of iterating."""
        parts, size = [self._rest], len(self._rest)
        while size <= self._limit and not self._ended:
            parts.append(self._read())
            size += len(parts[-1])
        return b"".join(parts)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self._ensure()
        line = self._lines[self._served]
        self._served += 1
        if len(line) > self._limit + 1:
            line, self._tail = line[: self._limit + 1], line[self._limit + 1 :]
        return line

    def _ensure(self) -> None:
        """Have a line ready. Raises StopIteration at the end."""
        self._tail = b""
        if self._open and self.drained:  # the line that was handed over last goes on
            for _ in self.more():
                pass
        while self.drained:
            self._fill()

    def more(self) -> Iterator[bytes]:
        """What the current line holds after its first `limit + 1` bytes, in pieces; nothing for a line that is no longer."""
        tail, self._tail = self._tail, b""
        if tail:
            yield tail
        while self._open:
            chunk = self._rest or self._read()
            end = _END.search(chunk)
            self._rest, self._peeked = (b"", False) if end is None else (chunk[end.end() :], True)
            self._open = end is None and not self._ended
            self._after_return = end is not None and end.group() == b"\r" and not self._rest
            if piece := chunk if end is None else chunk[: end.start()]:
                yield piece

    def _fill(self) -> None:
        """Make lines ready, if the next bytes of the stream hold any."""
        if len(self._rest) > self._limit and not self._peeked:
            self._open = not self._ended
            self._serve([self._rest], b"")
        elif self._ended and not self._peeked:
            if not self._rest or self.damage:  # a line that was cut short doesn't count
                raise StopIteration
            self._serve([self._rest], b"")
        else:
            data = self._rest if self._peeked else self._rest + self._read_on()
            self._peeked = False
            lines = data.splitlines()
            self._after_return = data.endswith(b"\r") or (self._after_return and not data)
            rest = lines.pop() if lines and not data.endswith((b"\n", b"\r")) else b""
            self._serve(lines, rest)

    def _serve(self, lines: list[bytes], rest: bytes) -> None:
        self._lines, self._served, self._rest = lines, 0, rest

    def _read_on(self) -> bytes:
        chunk = self._read()
        if self._after_return and chunk.startswith(b"\n"):
            self._after_return = False  # one that comes next, even if it comes alone, ends a line of its own
            return chunk[1:]
        return chunk

    def _read(self) -> bytes:
        try:
            chunk = self._read_some(_CHUNK)
        except Damaged as error:
            self.damage, chunk = str(error), b""
        self._ended = not chunk
        return chunk


def read_until(descriptor: int, ended: Callable[[], bool]) -> Callable[[int], bytes]:
    """A function that reads a descriptor, waiting as long as there is nothing. It returns b"", as at the end, once `ended` returns True."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)

    def read(size: int) -> bytes:
        while not ended():
            if poll.poll(_POLL_SECONDS * 1000):
                return os.read(descriptor, size)
        return b""

    return read
