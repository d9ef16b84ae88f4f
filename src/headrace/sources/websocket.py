"""A web socket as a source: any stream of JSON over RFC 6455."""

import threading
from collections.abc import Iterator
from typing import Self

from headrace.documents import DOCUMENT_BYTES
from headrace.fields import USUAL, Fields
from headrace.ports import Batch
from headrace.sources.http_client import address
from headrace.sources.live import Live
from headrace.sources.sockets import SocketConnection
from headrace.sources.stream import shown

SOURCE = "ws"  #: the source of documents that name none


class WebsocketSource:
    """The messages of a web socket, each with the JSON of one document or several.

    A web socket has no memory: after each break a gap is told.
    """

    endless = True
    pausable = False

    def __init__(self, address: str, *, limit: int = DOCUMENT_BYTES, fields: Fields = USUAL) -> None:
        self._address, self._limit, self._fields = address, limit, fields
        self._closed = threading.Event()

    @classmethod
    def from_url(cls, url: str, *, limit: int = DOCUMENT_BYTES, fields: Fields = USUAL) -> Self:
        """The stream of `wss://host/path`, `ws:wss://host/path`, or `ws://host/path?tls=no`; only the last one is without TLS. Raises
        Misconfigured if there is no host."""
        return cls(address(url, "ws", plain="ws", secure="wss"), limit=limit, fields=fields)

    @property
    def name(self) -> str:
        """`ws:` and the address, without secrets."""
        return f"ws:{shown(self._address)}"

    def read(self, after: str | None = None) -> Iterator[Batch]:
        live = Live(self.name, SOURCE, lambda _last: SocketConnection(self._address), self._limit, self._fields)
        yield from live.read(after, self._closed)

    def close(self) -> None:
        self._closed.set()
