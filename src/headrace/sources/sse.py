"""Server-sent events as a source: any stream of JSON over HTTP (WHATWG HTML, section 9.2)."""

import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Self

import httpx
from httpx_sse import EventSource, SSEError

from headrace.documents import DOCUMENT_BYTES
from headrace.fields import USUAL, Fields
from headrace.masking import mask_url
from headrace.ports import Batch
from headrace.sources import http_client
from headrace.sources.live import Live
from headrace.sources.stream import Broken, Kind, Message

SOURCE = "sse"  #: the source of documents that name none


class SseSource:
    """The events at an address, each with the JSON of one document or several.

    A server that numbers its events is asked for those after the last one. Of any other, a gap is told when the connection was lost.
    """

    endless = True

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
        return f"sse:{mask_url(self._address)}"

    def read(self, after: str | None = None) -> Iterator[Batch]:
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        with http_client.client(headers) as client:
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


class SseConnection:
    """Events of a response, from after the event with the id `last`, if it is not empty. Raises Broken, or Misconfigured."""

    def __init__(self, client: httpx.Client, address: str, last: str = "") -> None:
        headers = {"Last-Event-ID": last} if last else {}
        with http_client.telling():
            self._response = client.send(client.build_request("GET", address, headers=headers), stream=True)
            http_client.check(self._response)
        kind = self._response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind != "text/event-stream":
            self._response.close()
            raise Broken(
                Kind.REFUSED, f"the server sends no events, but {kind or 'something unnamed'}; is the address right?"
            )

    def __iter__(self) -> Iterator[Message]:
        with http_client.telling(), closing(self._response):
            try:
                for event in EventSource(self._response).iter_sse():
                    if event.data:
                        yield Message(event.data.encode(errors="surrogatepass"), event.id, event.event)
            except SSEError as error:
                raise Broken(Kind.SERVER, str(error)) from error

    def close(self) -> None:
        http_client.shut(self._response)
