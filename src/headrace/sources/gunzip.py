"""Decompresses a stream as `gunzip` does: all members, padding of zeros, and whatever could be read of a damaged one."""

import zlib
from collections.abc import Callable
from typing import Any

_MAGIC = b"\x1f\x8b"  #: how gzip data begins
_STEP = 64  #: compressed bytes that may be lost before damage
_GZIP = 31  #: zlib's `wbits` for gzip


class Damaged(Exception):
    """The compressed data cannot be read from here on; the message says why."""


class Gunzip:
    """Reads a stream, decompressing it if it begins as gzip data does, which no text can.

    Zeros after the end of a member are padding. Anything else that is no further member ends the data, and `ignored` is true then. Raises
    Damaged if the data is damaged or cut short, or if it is not gzip data although `packed` says so.
    """

    def __init__(self, read: Callable[[int], bytes], *, packed: bool) -> None:
        self._read = read
        self._packed = packed
        self._held = b""
        self._begun = False
        self._member: Any = None  # zlib's decompressor; None if the stream is not compressed
        self._ended = False
        self._damage = ""
        self.ignored = False

    def __call__(self, size: int) -> bytes:
        if not self._begun:
            self._begin(size)
        if self._member is None:
            return self._take(size)
        while not self._ended:
            made = self._next_member(size) if self._member.eof else self._decompress(size)
            if made:
                return made
        return b""

    def _begin(self, size: int) -> None:
        self._begun = True
        self._hold(size, len(_MAGIC))
        if self._held.startswith(_MAGIC):
            self._member = zlib.decompressobj(wbits=_GZIP)
        elif self._packed and self._held:
            raise Damaged("it does not begin like gzip data")

    def _decompress(self, size: int) -> bytes:
        if self._damage:
            raise Damaged(self._damage)
        packed, before = self._take(size), self._member.copy()
        try:
            made: bytes = self._member.decompress(packed, size) if packed else self._member.flush()
        except zlib.error as error:
            self._damage = str(error)
            return _salvaged(before, packed, size)
        self._held = self._member.unconsumed_tail or self._member.unused_data
        if not packed and not made and not self._member.eof:
            raise Damaged("the data ends before its end is marked")
        return made

    def _next_member(self, size: int) -> bytes:
        """Begin the next member, if there is one; no bytes in any case."""
        self._held = self._held.lstrip(b"\0")
        while not self._held and (chunk := self._read(size)):
            self._held = chunk.lstrip(b"\0")
        self._hold(size, len(_MAGIC))
        if self._held.startswith(_MAGIC):
            self._member = zlib.decompressobj(wbits=_GZIP)
        else:
            self._ended, self.ignored = True, bool(self._held)
        return b""

    def _hold(self, size: int, least: int) -> None:
        while len(self._held) < least and (chunk := self._read(size)):
            self._held += chunk

    def _take(self, size: int) -> bytes:
        chunk, self._held = self._held or self._read(size), b""
        return chunk


def _salvaged(member: Any, packed: bytes, most: int) -> bytes:
    """What comes before the damage: zlib drops all that a call has made when it fails, so this feeds it little at a time."""
    made = bytearray()
    try:
        for start in range(0, len(packed), _STEP):
            made += member.decompress(packed[start : start + _STEP], most)
    except zlib.error:
        pass
    return bytes(made)
