"""Server-sent events as a source: any stream of JSON over HTTP (WHATWG HTML, section 9.2)."""

import threading
from collections.abc import Iterator
from typing import Self

from headrace.documents import DOCUMENT_BYTES
from headrace.fields import USUAL, Fields
from headrace.ports import Batch
from headrace.sources import http_client
from headrace.sources.events import ACCEPTED, SseConnection
from headrace.sources.live import Live
from headrace.sources.stream import shown

SOURCE = "sse"  #: the source of documents that name none


class SseSource:
    """The events at an address, each with the JSON of one document or several.

    A server that numbers its events is asked for those after the last one. Of any other, a gap is told when the connection was lost.
    """

    endless = True
    pausable = False  # the server may have no memory, or a short one

    def __init__(self, address: str, *, limit: int = DOCUMENT_BYTES, fields: Fields = USUAL) -> None:
        self._address, self._limit, self._fields = address, limit, fields
        self._closed = threading.Event()

    @classmethod
    def from_url(cls, url: str, *, limit: int = DOCUMENT_BYTES, fields: Fields = USUAL) -> Self:
        """The stream of `sse:https://host/path` or `sse://host/path?tls=no`. Raises Misconfigured if there is no host."""
        return cls(http_client.address(url, "sse", plain="http", secure="https"), limit=limit, fields=fields)

    @property
    def name(self) -> str:
        """`sse:` and the address, without secrets."""
        return f"sse:{shown(self._address)}"

    def read(self, after: str | None = None) -> Iterator[Batch]:
        with http_client.client(ACCEPTED) as client:
            live = Live(
                self.name,
                SOURCE,
                lambda last: SseConnection(client, self._address, last),
                self._limit,
                self._fields,
            )
            yield from live.read(after, self._closed)

    def close(self) -> None:
        self._closed.set()
