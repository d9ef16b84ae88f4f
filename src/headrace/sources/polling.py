"""An address that is asked again and again: what the sources of lists and of feeds share."""

import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Self

import httpx
import msgspec

from headrace.errors import Misconfigured
from headrace.masking import mask_url
from headrace.sources import http_client
from headrace.sources.stream import LONGEST_SECONDS, Broken, Kind, Message

REMEMBERED = 2000  #: documents of the last answers that are not told again
MOST_BYTES = 64 << 20  #: of an answer, unless a source has a limit of its own
GONE = 410
_PERMANENT = (301, 308)
LOG = logging.getLogger("headrace.sources")

#: The seconds to wait after an answer, by its headers and what it holds, which is empty if nothing has changed.
Every = Callable[[Mapping[str, str], bytes], float]


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    """What to ask for next, and what was told: the validators of the last answer (RFC 9110, section 8.8), what identifies the last
    documents, the newest last, and the address to which the one that is asked has moved for ever."""

    etag: str = ""
    modified: str = ""
    told: tuple[str, ...] = ()
    moved: str = ""

    @classmethod
    def read(cls, cursor: str | None) -> Self:
        """What was saved as a cursor; nothing if it cannot be read."""
        try:
            return msgspec.json.decode(cursor or "{}", type=cls)
        except msgspec.DecodeError:
            return cls()

    def write(self) -> str:
        """What to save as a cursor."""
        return msgspec.json.encode(self).decode()


def kept(told: Sequence[str], now: int) -> tuple[str, ...]:
    """What is remembered of all that was told: the last, as many as the last answer had (`now`), or REMEMBERED if that is more."""
    return tuple(told[-max(REMEMBERED, now) :])


def seconds_in(url: str) -> tuple[str, float | None]:
    """A URL without its fragment `#every=60`, and the seconds in it; None if it has none. Raises Misconfigured for any other fragment."""
    whole, _, fragment = url.partition("#")
    every = re.fullmatch(r"(?:every=(\d+(?:\.\d+)?))?", fragment)
    if every is None or (every[1] and float(every[1]) <= 0):
        raise Misconfigured(f"#{fragment} at the end of {mask_url(whole)!r} is not known; write #every=60 for a minute")
    return whole, float(every[1]) if every[1] else None


class Polling:
    """Asks an address again and again; each answer that has changed is a message, whose event is its content type.

    `is_whole` says whether an answer holds all that it should; if not, it is sent again when it is asked for the next time, changed or not.
    Raises Misconfigured once the server says that what was there is gone for ever.
    """

    def __init__(
        self,
        client: httpx.Client,
        address: str,
        seen: Seen,
        closed: threading.Event,
        *,
        every: Every,
        most_bytes: int = MOST_BYTES,
        is_whole: Callable[[bytes], bool] = lambda _data: True,
    ) -> None:
        self._client, self._address, self._seen, self._closed = client, address, seen, closed
        self._every, self._most_bytes, self._is_whole = every, most_bytes, is_whole
        self._pause: float | None = None
        self._ended = threading.Event()
        self._first = self._ask()

    def __iter__(self) -> Iterator[Message]:
        answer = self._first
        while True:
            if answer is not None:
                yield answer
            if self._ended.wait(min(self._pause or 0.0, LONGEST_SECONDS)) or self._closed.is_set():
                return
            answer = self._ask()

    def close(self) -> None:
        self._ended.set()

    def _ask(self) -> Message | None:
        """The answer, or None if nothing has changed. Raises Broken."""
        validators = {"If-None-Match": self._seen.etag, "If-Modified-Since": self._seen.modified}
        headers = {name.encode(): value.encode("latin-1", "replace") for name, value in validators.items() if value}
        with http_client.telling(), self._client.stream("GET", self._address, headers=headers) as response:
            if response.status_code == GONE:
                raise Misconfigured(f"{mask_url(self._address)} has ended: the server answers 410 Gone; leave it out")
            http_client.check(response)
            data = b"" if response.status_code == 304 else self._whole(response)
        if data or self._pause is None:
            self._pause = self._every(response.headers, data)
        if response.status_code == 304:
            return None
        whole = self._is_whole(data)
        etag, modified = (response.headers.get(name, "") if whole else "" for name in ("ETag", "Last-Modified"))
        self._seen = Seen(etag, modified, moved=self._moved(response))
        return Message(data, self._seen.write(), response.headers.get("Content-Type", ""))

    def _whole(self, response: httpx.Response) -> bytes:
        """What an answer holds. Raises Broken if that is too much."""
        pieces, size = list[bytes](), 0
        for piece in response.iter_bytes():
            pieces.append(piece)
            size += len(piece)
            if size > self._most_bytes:
                raise Broken(Kind.REFUSED, f"the answer is too long; the limit is {self._most_bytes >> 20} MiB")
        return b"".join(pieces)

    def _moved(self, response: httpx.Response) -> str:
        """Where the address has moved for ever, which is told once; empty if it has not."""
        moved = str(response.url) if response.history and _is_permanent(response.history) else ""
        if moved and moved != self._seen.moved:
            LOG.warning(f"{mask_url(self._address)} has moved for ever to {mask_url(moved)}; give that address instead")
        return moved


def _is_permanent(history: Sequence[httpx.Response]) -> bool:
    return all(response.status_code in _PERMANENT for response in history)
