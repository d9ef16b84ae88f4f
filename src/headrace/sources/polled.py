"""An address that is asked again and again as a source: any list of JSON over HTTP."""

import hashlib
import threading
from collections.abc import Iterator, Sequence
from typing import Self

import msgspec

from headrace.documents import DOCUMENT_BYTES, Document
from headrace.fields import USUAL, Fields
from headrace.ports import Batch, Malformed
from headrace.sources import http_client, saved_cursors
from headrace.sources.messages import documents_in
from headrace.sources.polling import Polling, Seen, kept, seconds_in
from headrace.sources.stream import follow, shown

SOURCE = "http"  #: the source of documents that name none
EVERY = 60.0  #: seconds from one request to the next


class PolledSource:
    """The documents at an address, which is asked again every so many seconds. A document that was told is not told again, as long as it is
    among the last that are remembered."""

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
        whole, every = seconds_in(url)
        inner = whole.partition(":")[2]
        if inner.startswith("//"):
            whole = f"http:{whole}"
        found = http_client.address(whole, "http", plain="http", secure="https")
        return cls(found, every=every or EVERY, limit=limit, fields=fields)

    @property
    def name(self) -> str:
        """`http:` and the address, without secrets."""
        return f"http:{shown(self._address)}"

    def read(self, after: str | None = None) -> Iterator[Batch]:
        cursor = Seen.read(after).write()
        with http_client.client({"Accept": "application/json, */*;q=0.5"}) as client:

            def connect(cursor: str) -> Polling:
                return Polling(
                    client, self._address, Seen.read(cursor), self._closed, every=lambda _headers, _data: self._every
                )

            if restarted := saved_cursors.restarted(after, Seen):
                yield Batch((), cursor, restarted)
            for part in follow(connect, cursor, self._closed, name=self.name, silent=float("inf")):
                for message in part.messages:
                    if self._closed.is_set():
                        return
                    seen = Seen.read(cursor)
                    items, told = self._new(message.data, seen.told)
                    cursor = msgspec.structs.replace(Seen.read(message.cursor), told=told).write()
                    yield Batch(items, cursor)
                if part.waiting or part.connected:
                    yield Batch((), cursor, waiting=part.waiting)

    def close(self) -> None:
        self._closed.set()

    def _new(self, data: bytes, told: Sequence[str]) -> tuple[list[Document | Malformed], tuple[str, ...]]:
        """The documents of an answer that were not told before, and what was told now, the newest last."""
        found = documents_in(data, self.name, fields=self._fields, source=SOURCE, limit=self._limit)
        hashes = [hashlib.blake2b(_identity(item), digest_size=8).hexdigest() for item in found]
        known = frozenset(told)
        items = [item for item, key in zip(found, hashes, strict=True) if key not in known]
        again = frozenset(hashes)
        all_told = dict.fromkeys((*(key for key in told if key not in again), *hashes))
        return items, kept([*all_told], len(hashes))


def _identity(item: Document | Malformed) -> bytes:
    return item.data if isinstance(item, Malformed) else f"{item.id}\0{item.text}".encode()
