"""Lines of a byte stream, as they come: bounded in memory, and telling when the next one may have to be waited for."""

import gzip
import os
import select
import zlib
from collections.abc import Callable, Iterator

_CHUNK = 256 << 10
_POLL_SECONDS = 0.1


class Lines:
    """An iterator over the lines that `read` gives, without their ends.

    A line longer than `limit` bytes is cut to one byte more than that, so that whoever checks it sees that it is too long. Where a
    compressed stream is damaged the lines end before the damage, and `damage` says why.
    """

    def __init__(self, read: Callable[[int], bytes], limit: int) -> None:
        self._read_some = read
        self._limit = limit
        self._ready: Iterator[bytes] = iter(())
        self._left = 0
        self._rest = b""
        self._ended = False
        self.damage = ""

    @property
    def drained(self) -> bool:
        """Whether the next line is not here yet."""
        return self._left == 0

    def head(self, least: int, most: int) -> bytes:
        """The first bytes, up to `most`, without consuming them; waits for `least` of them. Call it before the first line."""
        while len(self._rest) < least and not self._ended:
            self._rest += self._read()
        return self._rest[:most]

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        while self._left == 0:
            self._fill()
        self._left -= 1
        return next(self._ready)

    def _fill(self) -> None:
        if self._ended:
            if not self._rest:
                raise StopIteration
            lines, self._rest = [*self._rest.split(b"\n")], b""
            if lines[-1] == b"" or self.damage:  # what was cut short is no line
                lines.pop()
        else:
            more = b"" if b"\n" in self._rest else self._read()  # what the head brought is not held back
            *lines, rest = (self._rest + more).split(b"\n")
            # Of a line without an end, no more is kept than shows that it is too long.
            self._rest = rest[: self._limit + 1]
        self._ready = iter([line[: self._limit + 1].removesuffix(b"\r") for line in lines])
        self._left = len(lines)

    def _read(self) -> bytes:
        try:
            chunk = self._read_some(_CHUNK)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            self.damage, chunk = str(error), b""
        self._ended = not chunk
        return chunk


def read_until(descriptor: int, ended: Callable[[], bool]) -> Callable[[int], bytes]:
    """Reads a descriptor that may have nothing for a long time, and as good as its end once `ended` says so."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)

    def read(size: int) -> bytes:
        while not ended():
            if poll.poll(_POLL_SECONDS * 1000):
                return os.read(descriptor, size)
        return b""

    return read
