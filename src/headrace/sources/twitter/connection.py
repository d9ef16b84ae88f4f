"""An open filtered stream: its lines, and what shows that it has ended."""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing

from headrace.framing import KEPT_BYTES
from headrace.sources import http_client
from headrace.sources.stream import Message
from headrace.sources.twitter.source import MESSAGE_BYTES
from headrace.sources.x_api.api import Api
from headrace.sources.x_api.problems import of_stream

TOO_LONG = "too long"  #: the event of a message of which only the beginning was kept
_SUSPICIOUS = (b"problems", b"isconnect")  # one of these is in whatever ends a stream


class StreamConnection:
    """The messages of the filtered stream from now on; the cursor of each is when it came, in microseconds, by the clock of X.

    `opened` and `alive` are when the connection was made, and when something came last, be it a blank line. Raises Broken.
    """

    def __init__(self, api: Api, parameters: Mapping[str, str]) -> None:
        self._time = api.time
        self._response = api.stream(parameters)
        self.opened = self.alive = self._time.now()

    def __iter__(self) -> Iterator[Message]:
        with http_client.telling(), closing(self._response):
            for message in self._messages():
                if any(word in message.data for word in _SUSPICIOUS) and (broken := _ending(message.data)):
                    raise broken
                yield message

    def close(self) -> None:
        http_client.shut(self._response)

    def _messages(self) -> Iterator[Message]:
        """The lines that are not blank. What was begun when the connection broke is left out: it is read again."""
        held, size = [b""], 0
        for chunk in self._response.iter_bytes():
            self.alive = self._time.now()
            *lines, rest = chunk.split(b"\n")
            for line in lines:
                if message := self._message(b"".join((*held, line)), size + len(line)):
                    yield message
                held, size = [], 0
            size += len(rest)
            held.append(rest if size <= MESSAGE_BYTES else rest[:KEPT_BYTES] if not held else b"")
        last = b"".join(held).strip()
        if size <= MESSAGE_BYTES and last.endswith(b"}") and _is_whole(last):
            yield Message(last, str(self.alive))

    def _message(self, line: bytes, size: int) -> Message | None:
        line = line.strip()
        if not line:
            return None
        if size > MESSAGE_BYTES:
            return Message(line[:KEPT_BYTES], str(self.alive), TOO_LONG)
        return Message(line, str(self.alive))


def _ending(data: bytes) -> Exception | None:
    """Why the stream has ended, if this message says so."""
    try:
        return of_stream(json.loads(data))
    except (ValueError, RecursionError):
        return None


def _is_whole(data: bytes) -> bool:
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True
