"""The lines of a byte stream as they come, in bounded memory."""

import gzip
import os
import select
import zlib
from collections.abc import Callable, Iterator
from typing import Any

_CHUNK = 256 << 10  #: bytes asked for at a time
_POLL_SECONDS = 0.1  #: between two looks whether reading is to end
_MAGIC = b"\x1f\x8b"  #: how gzip data begins
_GZIP = 31  #: zlib's `wbits` for gzip


class Lines:
    """An iterator over the lines of the stream that `read` reads, without their line ends.

    A line longer than `limit` bytes is cut to `limit + 1`, so that its length still shows that it is too long. If a compressed stream is
    damaged, the lines end before the damage, and `damage` says what is wrong; otherwise it is empty.
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
        """Whether the next line may have to be waited for."""
        return self._left == 0

    def head(self, least: int, most: int) -> bytes:
        """The first bytes, up to `most`, without consuming them; waits for `least`. Fewer if the stream is shorter. Call it before
        iterating.
        """
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
            if lines[-1] == b"" or self.damage:  # a line that was cut short doesn't count
                lines.pop()
        else:
            more = b"" if b"\n" in self._rest else self._read()  # deliver what `head` has read before reading more
            *lines, rest = (self._rest + more).split(b"\n")
            # Of a line that goes on and on, keep only as much as shows that it is too long.
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
    """A function that reads a descriptor, waiting as long as there is nothing. It returns b"", as at the end, once `ended` returns True."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)

    def read(size: int) -> bytes:
        while not ended():
            if poll.poll(_POLL_SECONDS * 1000):
                return os.read(descriptor, size)
        return b""

    return read


class Unpacking:
    """Reads a stream, decompressing it if it begins as gzip data does, which no text can.

    Raises EOFError if the compressed data is cut short, and zlib.error or BadGzipFile if it is damaged, or if it is not gzip data although
    `packed` says so.
    """

    def __init__(self, read: Callable[[int], bytes], *, packed: bool) -> None:
        self._read = read
        self._packed = packed
        self._held = b""
        self._begun = False
        self._member: Any = None  # zlib's decompressor; None if the stream is not compressed

    def __call__(self, size: int) -> bytes:
        if not self._begun:
            self._begin(size)
        if self._member is None:
            return self._take(size)
        made = b""
        while not made:
            packed = self._take(size)
            if not packed:
                return self._rest()
            if self._member.eof:  # a gzip file may have several members
                self._member = zlib.decompressobj(wbits=_GZIP)
            made = self._member.decompress(packed, size)
            self._held = self._member.unconsumed_tail or self._member.unused_data
        return made

    def _begin(self, size: int) -> None:
        self._begun = True
        while len(self._held) < len(_MAGIC) and (chunk := self._read(size)):
            self._held += chunk
        if self._held.startswith(_MAGIC):
            self._member = zlib.decompressobj(wbits=_GZIP)
        elif self._packed and self._held:
            raise gzip.BadGzipFile("it does not begin like gzip data")

    def _take(self, size: int) -> bytes:
        chunk, self._held = self._held or self._read(size), b""
        return chunk

    def _rest(self) -> bytes:
        """The last decompressed bytes."""
        left: bytes = b"" if self._member.eof else self._member.flush()
        if not left and not self._member.eof:
            raise EOFError("the data ends before its end is marked")
        return left
