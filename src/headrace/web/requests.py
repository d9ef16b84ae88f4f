"""Request bodies: read no further than the limit, unpacked no further, and parsed off the event loop where they are large."""

import zlib
from collections.abc import AsyncIterator

import anyio.to_thread
from starlette.requests import ClientDisconnect, Request

from headrace import documents
from headrace.web.responses import Refused

# What takes longer than a few milliseconds to parse is parsed in a thread.
LARGE = 128 << 10


async def read_json(request: Request, limit: int) -> tuple[object, int]:
    """The JSON value of a request, and its size in bytes when unpacked.

    Raises Refused for more than `limit` bytes (413, told before the rest is read) or an encoding other than gzip (415), and
    Rejected for what is no JSON.
    """
    body = await read(request, limit)
    if len(body) > LARGE:
        return await anyio.to_thread.run_sync(documents.parse, body), len(body)
    return documents.parse(body), len(body)


async def read(request: Request, limit: int) -> bytes:
    """The bytes of a request, unpacked; see `read_json`."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip"):
        raise Refused(415, f"the content encoding {encoding!r} is not understood; send gzip, or the body as it is")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > limit:
        raise _too_large(limit)
    chunks = request.stream()
    try:
        return await (_unpack(chunks, limit) if encoding == "gzip" else _join(chunks, limit))
    except ClientDisconnect:
        raise Refused(400, "the connection ended before the request was whole; send it again") from None


async def _join(chunks: AsyncIterator[bytes], limit: int) -> bytes:
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


async def _unpack(chunks: AsyncIterator[bytes], limit: int) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    body = bytearray()
    try:
        async for chunk in chunks:
            if unpacker.eof and chunk:
                raise _more_after_end()
            # One byte more than the limit is enough to know; a bomb is never unpacked.
            body += unpacker.decompress(chunk, limit + 1 - len(body))
            if len(body) > limit:
                raise _too_large(limit)
            if unpacker.unused_data:
                raise _more_after_end()
    except zlib.error as error:
        raise Refused(400, f"the body is no gzip data ({error}); send it again, or unpacked") from None
    if not unpacker.eof:
        raise Refused(400, "the gzip data ends too early; send it again, or unpacked")
    return bytes(body)


def _too_large(limit: int) -> Refused:
    return Refused(413, f"the request is larger than {limit:,} bytes (setting request_bytes); send less at a time")


def _more_after_end() -> Refused:
    return Refused(400, "something follows the end of the gzip data; send one gzip stream")
