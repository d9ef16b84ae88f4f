"""Lines of a byte stream, as they come: bounded in memory, and telling when the next one may have to be waited for."""

from collections.abc import Iterator
from typing import IO

_CHUNK = 256 << 10


class Lines:
    """An iterator over the lines of a stream, without their ends.

    A line longer than `limit` bytes is cut to one byte more than that, so that whoever checks it sees that it is too long.
    """

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self._stream = stream
        self._limit = limit
        self._ready: Iterator[bytes] = iter(())
        self._left = 0
        self._rest = b""
        self._ended = False

    @property
    def drained(self) -> bool:
        """Whether the next line is not here yet."""
        return self._left == 0

    def head(self, size: int) -> bytes:
        """The first bytes, up to `size`, without consuming them; call it before the first line."""
        while len(self._rest) < size and not self._ended:
            self._rest += self._read()
        return self._rest[:size]

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
            lines = lines[:-1] if lines[-1] == b"" else lines
        else:
            *lines, rest = (self._rest + self._read()).split(b"\n")
            # Of a line without an end, no more is kept than shows that it is too long.
            self._rest = rest[: self._limit + 1]
        self._ready = iter([line[: self._limit + 1].removesuffix(b"\r") for line in lines])
        self._left = len(lines)

    def _read(self) -> bytes:
        chunk = self._stream.read(_CHUNK)
        self._ended = not chunk
        return chunk
