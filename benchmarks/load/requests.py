"""The bytes of requests, put together beforehand so far as possible."""

import json
import random
from collections.abc import Callable, Sequence

from load.plan import Stream

#: The bytes of a request, and the numbers of its documents.
Request = tuple[bytes, Sequence[int]]


def maker(stream: Stream, host: str, texts: Sequence[str]) -> Callable[[], Request]:
    """A function that makes the next request of a stream. Each document has its own random id, of 16 hexadecimal digits."""
    quoted = [json.dumps(text, ensure_ascii=False).encode() for text in texts]
    if stream.call == "documents":
        return _lists(stream, host, quoted) if stream.batch else _documents(stream, host, quoted)
    if stream.call == "predict":
        ready = [_post(stream.path, host, b'{"text":' + text + b"}") for text in quoted]
        return lambda: (random.choice(ready), ())
    get = f"GET {stream.path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    return lambda: (get, ())


def identity(number: int) -> str:
    """The id of the document with this number."""
    return f"{number:016x}"


def _documents(stream: Stream, host: str, quoted: Sequence[bytes]) -> Callable[[], Request]:
    ready = [_post(stream.path, host, _document(0, text)).split(b"0" * 16) for text in quoted]

    def request() -> Request:
        number = random.getrandbits(64)
        head, tail = random.choice(ready)
        return head + b"%016x" % number + tail, (number,)

    return request


def _lists(stream: Stream, host: str, quoted: Sequence[bytes]) -> Callable[[], Request]:
    def request() -> Request:
        numbers = [random.getrandbits(64) for _ in range(stream.batch)]
        members = [_document(number, random.choice(quoted)) for number in numbers]
        return _post(stream.path, host, b"[" + b",".join(members) + b"]"), numbers

    return request


def _document(number: int, quoted: bytes) -> bytes:
    return b'{"id":"%016x","text":%b}' % (number, quoted)


def _post(path: str, host: str, payload: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {len(payload)}\r\n\r\n"
    return head.encode() + payload
