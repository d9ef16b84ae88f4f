"""Decompresses a stream as `gunzip`, `bunzip2`, `unxz` and `unzstd` do: all members, padding, and all that can be read of a damaged one."""

import bz2
import lzma
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import Any, NamedTuple, Protocol

from headrace.zstd import load as load_zstd

#: How a file is compressed, by the end of its name.
ENDINGS: Mapping[str, str] = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}
_STEP = 64  #: compressed bytes that may be lost before damage in gzip data
_FED = 4096  #: compressed bytes that others get at a time: what they made of them is lost with the damage
#: Bytes that bzip2 may make at a time, more than a block usually has: one that is damaged is lost as a whole.
_BLOCK = 1 << 20
_MADE = 16 << 10  #: bytes that xz and zstd may make at a time
_WINDOW_LOG = 31  #: the largest window of zstd, as a power of two: what `zstd --long=31` writes
_GZIP = 31  #: zlib's `wbits` for gzip


class Damaged(Exception):
    """The compressed data cannot be read from here on; the message says why. `made` is what was read before."""

    def __init__(self, reason: str, made: bytes = b"") -> None:
        super().__init__(reason)
        self.made = made


class Member(Protocol):
    """Decompresses one member (gzip), stream (bzip2, xz) or frame (zstd)."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class Codec(NamedTuple):
    """A kind of compression: how its data begins, what decompresses a member, the bytes to feed it and to take from it at a time, and the
    errors that it raises for damage."""

    name: str
    beginnings: Sequence[bytes]
    member: Callable[[], Member]
    fed: int
    made: int
    errors: tuple[type[Exception], ...]


def bare(name: str) -> str:
    """The name of a file without the ending that says how it is compressed."""
    ending = PurePath(name).suffix
    return name.removesuffix(ending) if ending.lower() in ENDINGS else name


def promised(name: str) -> str:
    """The compression that the name of a file promises; empty for none."""
    return ENDINGS.get(PurePath(name).suffix.lower(), "")


class Unpacked:
    """Reads a stream, decompressing it if it begins as compressed data does, which no text can.

    `packed` names the compression that its name promises (a value of ENDINGS), if any. Zeros after the end of a member are padding.
    Anything else that is no further member ends the data, and `ignored` is true then. Raises Damaged if the data is damaged or cut short,
    or if it is not compressed although `packed` says so; Misconfigured if the library for its compression is missing.
    """

    def __init__(self, read: Callable[[int], bytes], *, packed: str = "") -> None:
        self._read = read
        self._codec: Codec | None = None  # None if the stream is not compressed
        self._packed = packed
        self._held, self._at = b"", 0  # what was read, and how much of it was taken
        self._begun = False
        self._member: Member | None = None
        self._ended = False
        self._damage = ""
        self.ignored = False

    @property
    def compression(self) -> str:
        """The name of the compression that was found, or else promised; empty if there is none."""
        return self._codec.name if self._codec else self._packed

    def __call__(self, size: int) -> bytes:
        if not self._begun:
            self._begin(size)
        if self._member is None:
            return self._take(size)
        made = bytearray()
        while len(made) < size and not self._ended:
            if self._damage and not made:
                raise Damaged(self._damage)
            if self._damage or (made and not self._held and (self._member.needs_input or self._member.eof)):
                break  # more would have to be waited for
            made += self._next_member(size) if self._member.eof else self._decompress(self._member, size)
        return bytes(made)

    def _begin(self, size: int) -> None:
        self._begun = True
        self._codec = self._recognised(size)
        if self._codec:
            self._member = self._codec.member()
        elif self._packed and self._held:
            raise Damaged(f"it does not begin like {self._packed} data")

    def _recognised(self, size: int) -> Codec | None:
        """The codec whose data goes on here; reads no further than is needed to tell."""
        while True:
            for codec in _CODECS:
                if self._held.startswith(tuple(codec.beginnings)):
                    return codec
            begun = any(one.startswith(self._held) for codec in _CODECS for one in codec.beginnings)
            if not begun or not (chunk := self._read(size)):
                return None
            self._held += chunk

    def _decompress(self, member: Member, size: int) -> bytes:
        """What the next bytes make; none, and `_damage`, if they are damaged or missing."""
        assert self._codec is not None
        fed = self._take(size, self._codec.fed) if member.needs_input else b""
        if member.needs_input and not fed:
            self._damage = "the data ends before its end is marked"
            return b""
        try:
            made = member.decompress(fed, self._codec.made)
        except self._codec.errors as error:
            self._damage = str(error) or "it cannot be decompressed"
            return error.made if isinstance(error, Damaged) else b""
        if member.eof:
            self._held, self._at = member.unused_data + self._held[self._at :], 0
        return made

    def _next_member(self, size: int) -> bytes:
        """Begin the next member, if there is one; no bytes in any case."""
        self._held, self._at = self._held[self._at :].lstrip(b"\0"), 0
        while not self._held and (chunk := self._read(size)):
            self._held = chunk.lstrip(b"\0")
        codec = self._recognised(size) if self._held else None
        if codec:
            self._codec, self._member = codec, codec.member()
        else:
            self._ended, self.ignored = True, bool(self._held)
        return b""

    def _take(self, size: int, most: int | None = None) -> bytes:
        """The next bytes, up to `most`; `size` are asked for if none are held."""
        if self._at >= len(self._held):
            self._held, self._at = self._read(size), 0
        end = len(self._held) if most is None else self._at + most
        taken = self._held[self._at : end] if self._at or end < len(self._held) else self._held
        self._held, self._at = (b"", 0) if end >= len(self._held) else (self._held, end)
        return taken


class _Gunzip:
    """A member of gzip data, as the other libraries present theirs. Raises Damaged with what comes before the damage."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=_GZIP)
        self._full = False  # it has made as much as it was allowed to, and may have more

    @property
    def eof(self) -> bool:
        return self._member.eof

    @property
    def needs_input(self) -> bool:
        return not self._member.eof and not self._full

    @property
    def unused_data(self) -> bytes:
        return self._member.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """As `bz2.BZ2Decompressor` does."""
        packed, before = self._member.unconsumed_tail or data, self._member.copy()
        try:
            made = self._member.decompress(packed, max_length)
        except zlib.error as error:
            raise Damaged(str(error), _salvaged(before, packed, max_length)) from None
        self._full = len(made) == max_length
        return made


def _salvaged(member: Any, packed: bytes, most: int) -> bytes:
    """What comes before the damage: zlib drops all that a call has made when it fails, so this feeds it little at a time."""
    made = bytearray()
    try:
        for start in range(0, len(packed), _STEP):
            made += member.decompress(packed[start : start + _STEP], most)
    except zlib.error:
        pass
    return bytes(made)


class _Zstd:
    """A frame of zstd data. Raises Damaged."""

    def __init__(self) -> None:
        zstd = load_zstd("zstd data")
        self._frame = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _WINDOW_LOG})
        self._error = zstd.ZstdError

    @property
    def eof(self) -> bool:
        return bool(self._frame.eof)

    @property
    def needs_input(self) -> bool:
        return bool(self._frame.needs_input)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._frame.unused_data)

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """As `bz2.BZ2Decompressor` does."""
        try:
            return bytes(self._frame.decompress(data, max_length))
        except self._error as error:
            raise Damaged(str(error)) from None


_CODECS: Sequence[Codec] = (
    Codec("gzip", (b"\x1f\x8b",), _Gunzip, 256 << 10, 256 << 10, (Damaged,)),
    Codec(
        "bzip2",
        tuple(b"BZh%d%s" % (level, block) for level in range(1, 10) for block in (b"1AY&SY", b"\x17rE8P\x90")),
        bz2.BZ2Decompressor,
        _FED,
        _BLOCK,
        (OSError, ValueError),
    ),
    Codec("xz", (b"\xfd7zXZ\0",), lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ), _FED, _MADE, (lzma.LZMAError,)),
    Codec(
        "zstd",
        (b"\x28\xb5\x2f\xfd", *(bytes([skippable, 0x2A, 0x4D, 0x18]) for skippable in range(0x50, 0x60))),
        _Zstd,
        _FED,
        _MADE,
        (Damaged,),
    ),
)
