"""An address that is asked again and again: what the sources of lists and of feeds share."""

import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Self
from urllib.parse import urlsplit, urlunsplit

import httpx
import msgspec

from headrace.errors import Misconfigured
from headrace.masking import mask_url
from headrace.sources import http_client, saved_cursors
from headrace.sources.back_off import LONGEST_SECONDS, Broken, Kind
from headrace.sources.http_responses import ANSWER_BYTES, whole
from headrace.sources.stream import Message

REMEMBERED = 2000  #: documents of the last answers that are not told again
WHOLE, NOT_MODIFIED, GONE = (200, 203, 204), 304, 410
_PERMANENT = (301, 308)
LOG = logging.getLogger("headrace.sources")

#: The seconds to wait after an answer, by its headers and what it holds, which is empty if nothing has changed.
Every = Callable[[Mapping[str, str], bytes], float]


class Seen(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What to ask for next, and what was told: the validators of the last answer (RFC 9110, section 8.8), what identifies the last
    documents, the newest last, and the address to which the one that is asked has moved for ever."""

    etag: str = ""
    modified: str = ""
    told: tuple[str, ...] = ()
    moved: str = ""

    @classmethod
    def read(cls, cursor: str | None) -> Self:
        """What was saved as a cursor; nothing if it cannot be read."""
        return saved_cursors.read(cursor, cls)

    def write(self) -> str:
        """What to save as a cursor."""
        return saved_cursors.write(self)


def public(address: str) -> str:
    """An address as documents and cursors may have it: without its account, and without a query that may be secret."""
    parts = urlsplit(address)
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    return bare if mask_url(bare) == bare else bare.partition("?")[0]


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
        most_bytes: int = ANSWER_BYTES,
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
            self._check_wanted(response, asked=bool(headers))
            data = b"" if response.status_code == NOT_MODIFIED else whole(response, self._most_bytes)
        if data or self._pause is None:
            self._pause = self._every(response.headers, data)
        if response.status_code == NOT_MODIFIED:
            return None
        complete = self._is_whole(data)
        etag, modified = (response.headers.get(name, "") if complete else "" for name in ("ETag", "Last-Modified"))
        self._seen = Seen(etag, modified, moved=self._moved(response))
        return Message(data, self._seen.write(), response.headers.get("Content-Type", ""))

    def _check_wanted(self, response: httpx.Response, *, asked: bool) -> None:
        """Raises Broken unless the answer holds what is at the address, or says that this has not changed, if that was `asked`."""
        status = response.status_code
        if status not in WHOLE and not (status == NOT_MODIFIED and asked):
            raise Broken(Kind.SERVER, f"the server answers {status} {response.reason_phrase}, which was not asked for")

    def _moved(self, response: httpx.Response) -> str:
        """Where the address has moved for ever, which is told once; empty if it has not."""
        if not response.history or not _is_permanent(response.history):
            return ""
        address = str(response.url)
        if (moved := public(address)) != public(self._seen.moved):
            LOG.warning(
                f"give the new address of {mask_url(self._address)}, which has moved for ever to {mask_url(address)}"
            )
        return moved


def _is_permanent(history: Sequence[httpx.Response]) -> bool:
    return all(response.status_code in _PERMANENT for response in history)
