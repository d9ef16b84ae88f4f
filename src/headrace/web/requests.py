"""The content of requests: read and decompressed no further than a limit, and parsed off the event loop if it is large."""

import asyncio
import zlib
from collections.abc import AsyncIterator

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request

from headrace import documents
from headrace.web.pool import on_thread
from headrace.web.responses import Refused

PAYLOADS = 4  #: how many payloads of the largest size all requests together may hold
LEAST_MEMORY = 16 << 20  #: bytes that they may hold in any case
PAYLOAD = "headrace.payload"  #: the scope's key of what a request holds
PIECE = 16 << 10  #: bytes that are decompressed before other requests get their turn
LARGE = 128 << 10  #: bytes of content from which it is parsed in a thread: a few milliseconds of work


class PayloadMemory:
    """The bytes of payloads that all requests hold, as much as so many of the largest. Nothing is held for a request that is answered."""

    def __init__(self, request_bytes: int, payloads: int = PAYLOADS) -> None:
        self._free = max(payloads * request_bytes, LEAST_MEMORY)

    def take(self, size: int) -> None:
        """Hold so many bytes more. Raises Refused (503) if all requests together hold too many; nothing is held then."""
        if size > self._free:
            raise Refused(503, "the server is receiving too much at once; send this again in a moment", again=True)
        self._free -= size

    def give_back(self, size: int) -> None:
        """Hold so many bytes less."""
        self._free += size


class Payload:
    """What one request holds of the memory."""

    def __init__(self, memory: PayloadMemory) -> None:
        self._memory = memory
        self._size = 0

    def grow_to(self, size: int) -> None:
        """Hold this many bytes in all. Raises Refused as `PayloadMemory.take`."""
        self._memory.take(size - self._size)
        self._size = size

    def release(self) -> None:
        """Hold nothing any more."""
        self._memory.give_back(self._size)
        self._size = 0


async def read_json(request: Request, limit: int) -> tuple[object, int]:
    """The JSON value of a request, and its size in bytes after decompression.

    Raises Refused if there are more than `limit` bytes (413, without reading the rest), or if the request does not say that it is JSON or
    its encoding is not gzip (415), and Rejected if the content is not JSON. No form of another site can say that it is JSON.
    """
    check_json(request.headers)
    body = await read(request, limit)
    if len(body) > LARGE:
        return await on_thread(lambda: documents.parse(body)), len(body)
    return documents.parse(body), len(body)


async def read(request: Request, limit: int) -> bytes:
    """The content of a request, decompressed; it counts as held until the request is answered.

    Raises Refused as `read_json` does, but for the type, and with 503 if all requests together hold too much.
    """
    payload: Payload = request.scope[PAYLOAD]
    _check_length(request.headers, limit)
    chunks = request.stream()
    try:
        return await (_unpack(chunks, limit, payload) if _is_gzip(request.headers) else _join(chunks, limit, payload))
    except ClientDisconnect:
        raise _cut_off() from None


async def read_sent(request: Request, limit: int, payload: Payload) -> bytes:
    """The content of a request as it was sent, which `payload` holds. Raises Refused as `read` does."""
    _check_length(request.headers, limit)
    _is_gzip(request.headers)
    try:
        return await _join(request.stream(), limit, payload)
    except ClientDisconnect:
        raise _cut_off() from None


async def unpack(request: Request, sent: bytes, limit: int) -> bytes:
    """What `read_sent` has read, decompressed; it counts as held until the request is answered. Raises Refused as `read` does."""
    payload: Payload = request.scope[PAYLOAD]
    if _is_gzip(request.headers):
        return await _unpack(_pieces(sent), limit, payload)
    payload.grow_to(len(sent))
    return sent


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), PIECE):
        yield content[start : start + PIECE]
        await asyncio.sleep(0)


def _is_gzip(headers: Headers) -> bool:
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip"):
        raise Refused(415, f"the content encoding {encoding!r} is not supported; send gzip, or no encoding")
    return encoding == "gzip"


def _check_length(headers: Headers, limit: int) -> None:
    declared = headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > limit:
        raise _too_large(limit)


def _cut_off() -> Refused:
    return Refused(400, "the connection ended before the request was complete; send it again")


def check_json(headers: Headers) -> None:
    """Raise Refused (415) unless the headers say that the content is JSON."""
    kind, _, parameters = headers.get("content-type", "").lower().partition(";")
    if kind.strip() != "application/json":
        raise Refused(415, "send JSON, with the header 'Content-Type: application/json'")
    if "charset" in parameters and "utf-8" not in parameters:
        raise Refused(415, "JSON is UTF-8; send it as UTF-8, and leave the charset out")


async def _join(chunks: AsyncIterator[bytes], limit: int, payload: Payload) -> bytes:
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
        payload.grow_to(len(body))
    return bytes(body)


async def _unpack(chunks: AsyncIterator[bytes], limit: int, payload: Payload) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    body = bytearray()
    try:
        async for chunk in chunks:
            if unpacker.eof and chunk:
                raise _more_after_end()
            # One byte more than the limit is enough to know, so a gzip bomb is never decompressed.
            body += unpacker.decompress(chunk, limit + 1 - len(body))
            if len(body) > limit:
                raise _too_large(limit)
            payload.grow_to(len(body))
            if unpacker.unused_data:
                raise _more_after_end()
    except zlib.error as error:
        raise Refused(400, f"the content is not gzip data ({error}); send it again, or uncompressed") from None
    if not unpacker.eof:
        raise Refused(400, "the gzip data ends too early; send it again, or uncompressed")
    return bytes(body)


def _too_large(limit: int) -> Refused:
    return Refused(413, f"the request is larger than {limit:,} bytes (setting request_bytes); send less at a time")


def _more_after_end() -> Refused:
    return Refused(400, "there is data after the end of the gzip stream; send a single stream")
