"""An address that is asked again and again as a source: any list of JSON over HTTP."""

import hashlib
import re
import threading
from collections.abc import Iterator, Sequence
from typing import Self

import httpx
import msgspec

from headrace.documents import DOCUMENT_BYTES, Document
from headrace.errors import Misconfigured
from headrace.fields import USUAL, Fields
from headrace.masking import mask_url
from headrace.ports import Batch, Malformed
from headrace.sources import http_client
from headrace.sources.messages import documents_in
from headrace.sources.stream import Message, follow

SOURCE = "http"  #: the source of documents that name none
EVERY = 60.0  #: seconds from one request to the next
REMEMBERED = 2000  #: documents of the last answers that are not told again


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    """What to ask for next, and what was told: the validators of the last answer (RFC 9110, section 8.8), and short hashes of the last
    documents, the newest last."""

    etag: str = ""
    modified: str = ""
    told: tuple[str, ...] = ()

    @classmethod
    def read(cls, cursor: str | None) -> Self:
        """What was saved as a cursor; nothing if it cannot be read."""
        try:
            return msgspec.json.decode(cursor or "{}", type=cls)
        except msgspec.DecodeError:
            return cls()


class PolledSource:
    """The documents at an address, which is asked again every so many seconds. A document that was told is not told again, as long as it is
    among the last REMEMBERED."""

    endless = True

    def __init__(
        self, address: str, *, every: float = EVERY, limit: int = DOCUMENT_BYTES, fields: Fields = USUAL
    ) -> None:
        self._address, self._every, self._limit, self._fields = address, every, limit, fields
        self._closed = threading.Event()

    @classmethod
    def from_url(cls, url: str, *, limit: int = DOCUMENT_BYTES, fields: Fields = USUAL) -> Self:
        """The list at `https://host/path`, `http://host/path` or `http:https://host/path`; `#every=60` at its end are seconds.

        Raises Misconfigured if there is no host, or for any other fragment.
        """
        whole, _, fragment = url.partition("#")
        every = re.fullmatch(r"(?:every=(\d+(?:\.\d+)?))?", fragment)
        if every is None or (every[1] and float(every[1]) <= 0):
            raise Misconfigured(
                f"#{fragment} at the end of {mask_url(whole)!r} is not known; write #every=60 for a minute"
            )
        inner = whole.partition(":")[2]
        if inner.startswith("//"):
            whole = f"http:{whole}"
        found = http_client.address(whole, "http", plain="http", secure="https")
        return cls(found, every=float(every[1] or EVERY), limit=limit, fields=fields)

    @property
    def name(self) -> str:
        """`http:` and the address, without secrets."""
        return f"http:{mask_url(self._address)}"

    def read(self, after: str | None = None) -> Iterator[Batch]:
        with http_client.client({"Accept": "application/json, */*;q=0.5"}) as client:

            def connect(cursor: str) -> Polling:
                return Polling(client, self._address, self._every, Seen.read(cursor), self._closed)

            cursor = after or ""
            for part in follow(connect, cursor, self._closed, name=self.name, silent=float("inf")):
                for message in part.messages:
                    seen = Seen.read(cursor)
                    items, told = self._new(message.data, seen.told)
                    cursor = _write(msgspec.structs.replace(Seen.read(message.cursor), told=told))
                    yield Batch(items, cursor)
                if part.waiting:
                    yield Batch((), cursor, waiting=part.waiting)

    def close(self) -> None:
        self._closed.set()

    def _new(self, data: bytes, told: Sequence[str]) -> tuple[list[Document | Malformed], tuple[str, ...]]:
        """The documents of an answer that were not told before, and what was told now, the newest last."""
        found = documents_in(data, self.name, fields=self._fields, source=SOURCE, limit=self._limit)
        hashes = [hashlib.blake2b(_identity(item), digest_size=8).hexdigest() for item in found]
        known = frozenset(told)
        items = [item for item, key in zip(found, hashes, strict=True) if key not in known]
        kept = dict.fromkeys((*(key for key in told if key not in set(hashes)), *hashes))
        return items, tuple(kept)[-max(REMEMBERED, len(hashes)) :]


class Polling:
    """Asks an address again and again; each answer that has changed is a message."""

    def __init__(self, client: httpx.Client, address: str, every: float, seen: Seen, closed: threading.Event) -> None:
        self._client, self._address, self._every, self._seen = client, address, every, seen
        self._closed, self._ended = closed, threading.Event()
        self._first = self._ask()

    def __iter__(self) -> Iterator[Message]:
        answer = self._first
        while True:
            if answer is not None:
                yield answer
            if self._ended.wait(self._every) or self._closed.is_set():
                return
            answer = self._ask()

    def close(self) -> None:
        self._ended.set()

    def _ask(self) -> Message | None:
        """The answer, or None if nothing has changed. Raises Broken."""
        validators = {"If-None-Match": self._seen.etag, "If-Modified-Since": self._seen.modified}
        headers = {name: value for name, value in validators.items() if value}
        with http_client.telling():
            response = self._client.get(self._address, headers=headers)
            http_client.check(response)
        if response.status_code == 304:
            return None
        self._seen = Seen(response.headers.get("ETag", ""), response.headers.get("Last-Modified", ""))
        return Message(response.content, _write(self._seen))


def _identity(item: Document | Malformed) -> bytes:
    return item.data if isinstance(item, Malformed) else f"{item.id}\0{item.text}".encode()


def _write(seen: Seen) -> str:
    return msgspec.json.encode(seen).decode()
