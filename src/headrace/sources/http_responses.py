"""Answers of HTTP servers in bounded memory: bodies that are decoded a piece at a time, and redirects whose bodies are not read."""

import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any

import httpx

from headrace.sources.back_off import Broken, Kind

ANSWER_BYTES = 64 << 20  #: of an answer that is read as a whole, decoded, unless a source has a limit of its own
ANSWER_SECONDS = 600.0  #: that such an answer may take to come
REDIRECTS = 20  #: that are followed
PIECE_BYTES = 256 << 10  #: that are decoded at a time
KEPT_BYTES = 64 << 10  #: of an answer that is too long
ACCEPTED = "gzip, deflate"  #: the encodings that are decoded
_ZLIB: Mapping[str, int] = {"gzip": 31, "x-gzip": 31, "deflate": 15}  # zlib's `wbits`
_DEFLATE = -15  # its `wbits` for what some servers send as "deflate", without zlib's header


class TooLong(Broken):
    """An answer has more bytes than it may; `data` is its beginning."""

    def __init__(self, most: int, data: bytes) -> None:
        limit = f"{most >> 20} MiB" if most >= 1 << 20 else f"{most:,} bytes"
        super().__init__(Kind.REFUSED, f"the answer is too long; the limit is {limit}")
        self.data = data


class BoundedClient(httpx.Client):
    """A client that asks as httpx does, except that a body never takes more than bounded memory, and no cookie outlives a request.

    An answer that is not streamed has up to ANSWER_BYTES. Raises TooLong for a longer one; Broken for one that takes longer than
    ANSWER_SECONDS, or that leads to an address that cannot be used; and the errors of httpx.
    """

    def send(self, request: httpx.Request, *, stream: bool = False, **options: Any) -> httpx.Response:
        """The answer, after redirects; its body is read unless `stream`."""
        follow = options.pop("follow_redirects", httpx.USE_CLIENT_DEFAULT)
        follows = follow if isinstance(follow, bool) else self.follow_redirects
        try:
            response = self._answer(request, follows, options)
        finally:
            self.cookies.clear()
        _decode_bounded(response, None if stream else ANSWER_BYTES)
        if not stream:
            with closing(response):
                response.read()
        return response

    def _answer(self, request: httpx.Request, follows: bool, options: Mapping[str, Any]) -> httpx.Response:
        history: list[httpx.Response] = []
        while True:
            try:
                response = super().send(request, stream=True, follow_redirects=False, **options)
            except (httpx.InvalidURL, UnicodeError, httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
                if not history:
                    raise
                raise _astray(error) from error
            except httpx.RemoteProtocolError as error:
                if isinstance(error.__cause__ or error.__context__, httpx.InvalidURL):  # of the header Location
                    raise _astray(error) from error
                raise
            response.history = list(history)
            if response.next_request is None or not follows:
                return response
            response.close()
            if len(history) >= REDIRECTS:
                raise httpx.TooManyRedirects(f"it leads on more than {REDIRECTS} times", request=request)
            history.append(response)
            request = response.next_request


def whole(response: httpx.Response, most: int = ANSWER_BYTES) -> bytes:
    """The body of an answer that is streamed, decoded. Raises TooLong if it has more than `most` bytes, Broken if it takes longer than
    ANSWER_SECONDS, and the errors of httpx."""
    return b"".join(_bounded(response.iter_bytes(), most))


def beginning(response: httpx.Response, most: int, seconds: float) -> bytes:
    """Up to `most` bytes of a body, as far as they come within about so many seconds. The answer is closed."""
    found, until = bytearray(), time.monotonic() + seconds
    with closing(response):
        for piece in response.iter_bytes():
            found += piece
            if len(found) >= most or time.monotonic() >= until:
                break
    return bytes(found[:most])


def _astray(error: Exception) -> Broken:
    return Broken(Kind.REFUSED, f"the server sends on to an address that cannot be used: {error}")


def _bounded(pieces: Iterable[bytes], most: int) -> Iterator[bytes]:
    """The pieces. Raises TooLong or Broken."""
    size, kept, until = 0, bytearray(), time.monotonic() + ANSWER_SECONDS
    for piece in pieces:
        size += len(piece)
        kept += piece[: KEPT_BYTES - len(kept)]
        if size > most:
            raise TooLong(most, bytes(kept))
        if time.monotonic() > until:
            raise Broken(Kind.NETWORK, f"the answer takes longer than {ANSWER_SECONDS:.0f} s")
        yield piece


def _decode_bounded(response: httpx.Response, most: int | None) -> None:
    """Let the body of an answer be decoded here, where httpx would decode whatever has come at once. Raises DecodingError."""
    coding = response.headers.get("Content-Encoding", "").lower()
    names = [name for part in coding.split(",") if (name := part.strip()) not in ("", "identity")]
    if unknown := [name for name in names if name not in _ZLIB]:
        response.close()
        raise httpx.DecodingError(f"it is encoded as {unknown[0][:40]!r}, which was not asked for")
    if len(names) > 2:
        response.close()
        raise httpx.DecodingError(f"it is encoded {len(names)} times")
    if coding:
        del response.headers["Content-Encoding"]
        response.headers.pop("Content-Length", None)
    assert isinstance(response.stream, httpx.SyncByteStream)
    response.stream = _Body(response.stream, names, most)


class _Body(httpx.SyncByteStream):
    """A body, decoded in pieces of up to PIECE_BYTES; it raises TooLong after `most` bytes if that is not None."""

    def __init__(self, coded: httpx.SyncByteStream, codings: list[str], most: int | None) -> None:
        self._coded, self._codings, self._most = coded, codings, most

    def __iter__(self) -> Iterator[bytes]:
        pieces: Iterable[bytes] = self._coded
        for name in reversed(self._codings):
            pieces = _decoded(pieces, _ZLIB[name])
        yield from pieces if self._most is None else _bounded(pieces, self._most)

    def close(self) -> None:
        self._coded.close()


def _decoded(pieces: Iterable[bytes], bits: int) -> Iterator[bytes]:
    """What was compressed, all its members; what follows them is left out. Raises DecodingError."""
    member: Any = None
    begins: Callable[[int], Any] = zlib.decompressobj
    for piece in pieces:
        while piece:
            if member is None:
                if bits == _ZLIB["deflate"] and not _has_header(piece):
                    bits = _DEFLATE
                member = begins(bits)
            try:
                made = member.decompress(piece, PIECE_BYTES)
            except zlib.error as error:
                raise httpx.DecodingError(str(error)) from error
            piece = member.unconsumed_tail
            if made:
                yield made
            if member.eof:
                piece, member = member.unused_data.lstrip(b"\0"), None
                if piece and not piece.startswith(b"\x1f"):
                    return
        while member is not None and (made := _held(member)):
            yield made


def _held(member: Any) -> bytes:
    """More of what a member has taken in already."""
    return bytes(member.decompress(b"", PIECE_BYTES)) if not member.eof else b""


def _has_header(piece: bytes) -> bool:
    """Whether compressed data begins with zlib's header (RFC 1950), as far as its first byte tells."""
    return piece[0] & 15 == 8 and piece[0] >> 4 < 8
