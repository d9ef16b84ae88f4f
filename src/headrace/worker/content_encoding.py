"""Bodies that their publisher has compressed: unpacked up to a number of bytes, so that a small message cannot fill the memory."""

import zlib
from collections.abc import Callable, Mapping

from headrace.errors import Rejected
from headrace.zstd import load as load_zstd

MOST_ENCODINGS = 4  #: of one body; each is unpacked in full
WINDOW_LOG = 24  #: the largest window of zstd, as a power of two: it is memory that unpacking needs
#: What publishers also write there, and what compresses nothing: encodings of text.
PLAIN = frozenset({"", "identity", "none", "binary", "7bit", "8bit", "ascii", "us-ascii", "utf-8", "utf8"})
_GZIP, _ZLIB, _RAW = 31, 15, -15  # zlib's `wbits`


def decode(data: bytes, encodings: str, limit: int) -> bytes:
    """The body without its encodings, which are separated by commas, in the order in which they were applied.

    Raises Rejected if one is not known, if the data is damaged, or if more than `limit` bytes come out. Raises Misconfigured if zstd is not
    installed.
    """
    named = [name for one in encodings.split(",") if (name := one.strip().lower()) not in PLAIN]
    for name in named:
        if name not in _DECODERS:
            known = ", ".join(sorted(_DECODERS))
            raise Rejected(f"the content encoding {name[:50]!r} is not known; send it plain, or as one of {known}")
    if len(named) > MOST_ENCODINGS:
        raise Rejected(f"the body has {len(named)} content encodings; send one")
    for name in reversed(named):
        data = _DECODERS[name](data, limit)
    return data


def _gunzip(data: bytes, limit: int) -> bytes:
    made, rest = bytearray(), data
    while rest or not data:
        part, unused = _inflated(rest, _GZIP, limit - len(made))
        made += part
        rest = unused.lstrip(b"\0")  # as gunzip does, pass over padding
    return bytes(made)


def _inflate(data: bytes, limit: int) -> bytes:
    """What HTTP calls deflate has a header of zlib's; some send it without."""
    try:
        made, unused = _inflated(data, _ZLIB, limit)
    except _Damaged:
        made, unused = _inflated(data, _RAW, limit)
    if unused:
        raise _Damaged("there is more after its end")
    return made


def _inflated(data: bytes, wbits: int, limit: int) -> tuple[bytes, bytes]:
    """The content of one stream, and what comes after it."""
    stream = zlib.decompressobj(wbits)
    try:
        made = stream.decompress(data, limit + 1)  # one byte too many is enough to know
    except zlib.error as error:
        raise _Damaged(str(error)) from None
    _check(len(made), limit, whole=stream.eof)
    return made, stream.unused_data


def _unpack_zstd(data: bytes, limit: int) -> bytes:
    zstd = load_zstd("a body that zstd has compressed")
    made, rest = bytearray(), data
    while rest or not data:
        frame = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: WINDOW_LOG})
        try:
            made += frame.decompress(rest, limit + 1 - len(made))
        except zstd.ZstdError as error:
            raise _Damaged(str(error)) from None
        _check(len(made), limit, whole=frame.eof)
        rest = frame.unused_data
    return bytes(made)


def _check(size: int, limit: int, *, whole: bool) -> None:
    if size > limit:
        raise Rejected(f"the body has more than {limit:,} bytes when it is unpacked; send fewer documents in one")
    if not whole:
        raise _Damaged("it ends too early")


class _Damaged(Rejected):
    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the compressed body is damaged, or was not compressed as its content encoding says: {reason}"
        )


_DECODERS: Mapping[str, Callable[[bytes, int], bytes]] = {
    "deflate": _inflate,
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "zstd": _unpack_zstd,
}
