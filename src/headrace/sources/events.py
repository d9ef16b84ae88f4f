"""A connection that server-sent events come by."""

from collections.abc import Iterator, Mapping
from contextlib import closing

import httpx

from headrace.sources import http_client
from headrace.sources.back_off import Broken, Kind
from headrace.sources.event_stream import messages
from headrace.sources.stream import Message

ACCEPTED: Mapping[str, str] = {"Accept": "text/event-stream", "Cache-Control": "no-store"}  #: what a client asks for


class SseConnection:
    """Events of a response, from after the event with the id `last`, if it is not empty. Raises Broken.

    They are UTF-8, whatever the server says: the format has no other encoding.
    """

    def __init__(self, client: httpx.Client, address: str, last: str = "") -> None:
        headers = {b"Last-Event-ID": last.encode(errors="replace")} if last else {}
        self._last = last
        with http_client.telling():
            self._response = client.send(client.build_request("GET", address, headers=headers), stream=True)
            http_client.check(self._response)
        status = self._response.status_code
        kind = self._response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if status != http_client.OK or kind != "text/event-stream":
            self._response.close()
            told = f"but {kind or 'something unnamed'}" if status == http_client.OK else f"but answers {status}"
            raise Broken(Kind.REFUSED, f"the server sends no events, {told}; is the address right?")

    def __iter__(self) -> Iterator[Message]:
        with http_client.telling(), closing(self._response):
            yield from messages(self._response.iter_bytes(), self._last)

    def close(self) -> None:
        http_client.shut(self._response)

    def end(self) -> None:
        """Give the connection back, by the thread that reads it, or would read it. Calling it twice is harmless."""
        self._response.close()
