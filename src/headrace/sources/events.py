"""Server-sent events as messages (WHATWG HTML, section 9.2)."""

from collections.abc import Iterator, Mapping
from contextlib import closing

import httpx
from httpx_sse import EventSource, SSEError

from headrace.sources import http_client
from headrace.sources.stream import Broken, Kind, Message

ACCEPTED: Mapping[str, str] = {"Accept": "text/event-stream", "Cache-Control": "no-store"}  #: what a client asks for


class SseConnection:
    """Events of a response, from after the event with the id `last`, if it is not empty. Raises Broken, or Misconfigured."""

    def __init__(self, client: httpx.Client, address: str, last: str = "") -> None:
        headers = {b"Last-Event-ID": last.strip(" \t").encode(errors="replace")} if last else {}
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

    def end(self) -> None:
        """Give the connection back, by the thread that reads it, or would read it. Calling it twice is harmless."""
        self._response.close()
