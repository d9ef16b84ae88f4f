"""A connection to a host of Jetstream: first what its archive has, if that is wanted, then what is streamed."""

import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlencode

import msgspec

from headrace.errors import Rejected
from headrace.sources.back_off import Broken, Kind
from headrace.sources.bluesky import events
from headrace.sources.bluesky.archive import XRPC, Archive
from headrace.sources.bluesky.dictionary import Dictionary
from headrace.sources.bluesky.place import SMALLEST_TIME, Place
from headrace.sources.bluesky.wanted import Wanted
from headrace.sources.http_client import SAID
from headrace.sources.sockets import MESSAGE_BYTES, Answered, SocketConnection, TooLong
from headrace.sources.stream import Message

SUBPROTOCOL = "xrpc.v1.json"
ATTEMPTS = 5  #: to connect after what a server asks for
_FLOOR = re.compile(r"floor ([0-9]{1,18})\b")
_FAILED = re.compile(rb'"\$type"\s*:\s*"error"')
_BEGINNING = 256  # bytes of a message that tell what it is
# Events of our own. An event of the server has no name.
BLOCK = "block"  #: of the archive; its place is the cursor of the message
DAMAGED = "damaged"  #: a block that can't be read: why, and its place
THROUGH = "through"  #: the number up to which the archive was read
TOO_OLD = "too old"  #: the number from which on the host still has events
TOO_LONG = "too long"  #: a message was too long to be received
RENUMBERED = "renumbered"  #: the host has begun to count anew
GARBLED = "garbled"  #: a message that can't be decompressed


class _Error(msgspec.Struct):
    error: str = ""
    message: str = ""


@dataclass
class Host:
    """How to connect to one host. `old`: by version 1 of the wire. `archive` is None if only what is streamed is read."""

    address: str
    wanted: Wanted
    old: bool
    dictionary: Dictionary
    archive: Archive | None = None
    capped: bool = False  #: whether messages are left out that would be too long, because one was

    def open(self, cursor: int | None) -> SocketConnection:
        """A web socket that begins at a cursor; now, if it is None. Raises Broken."""
        return SocketConnection(
            f"ws{self.address.removeprefix('http')}{self._path(cursor)}",
            subprotocols=() if self.old else (SUBPROTOCOL,),
            compressed=False,
        )

    def _path(self, cursor: int | None) -> str:
        wanted, old = self.wanted, self.old
        pairs: list[tuple[str, object]] = [] if old else [("kinds", kind) for kind in events.KINDS]
        pairs += [("wantedCollections" if old else "collections", one) for one in sorted(wanted.collections)]
        pairs += [("wantedDids" if old else "dids", one) for one in sorted(wanted.authors)]
        if cursor is not None:
            pairs.append(("cursor", cursor))
        if self.capped:
            pairs.append(("maxMessageSizeBytes", MESSAGE_BYTES))
        if not old and (number := self.dictionary.number):
            pairs.append(("zstdDictionary", number))
        return f"{'/subscribe' if old else f'{XRPC}subscribeEvents'}?{urlencode(pairs)}"


class JetstreamConnection:
    """What comes after a place. Raises Broken, or Misconfigured."""

    def __init__(self, host: Host, place: Place) -> None:
        self._host, self._place = host, place
        self._closed = threading.Event()
        self._notes: list[Message] = []  # what is told before anything else
        self._socket: SocketConnection | None = None
        self._asked = place.asked
        self._page = host.archive.page(place.seq) if host.archive and not place.live else None
        if self._page is None:
            self._connect()

    def __iter__(self) -> Iterator[Message]:
        while self._page is not None:
            yield from self._archived()
            if self._closed.is_set():
                return
        yield from self._notes
        assert self._socket is not None
        first = self._asked is not None and self._asked < SMALLEST_TIME
        try:
            for message in self._socket:
                told = self._read(message)
                if first and told.event == "" and (seq := _number(told.data, old=self._host.old)):
                    first = False
                    if self._asked is not None and seq < self._asked:
                        yield Message(b"", event=RENUMBERED)
                        raise Broken(Kind.ENDED, "the host has begun to count its events anew")
                yield told
        except TooLong as error:
            if self._host.capped:  # the host sends it all the same, and would each time
                raise Broken(Kind.SERVER, str(error)) from error
            self._host.capped = True
            yield Message(b"", event=TOO_LONG)
            raise

    def close(self) -> None:
        self._closed.set()
        if self._socket is not None:
            self._socket.close()

    def _archived(self) -> Iterator[Message]:
        """What a page of the archive has; then there is another page, or a connection."""
        archive, page = self._host.archive, self._page
        assert archive is not None
        assert page is not None
        for block in archive.each(page):
            if self._closed.is_set():
                return
            told = (
                Message(block.damaged.encode(), block.where, DAMAGED)
                if block.damaged
                else Message(block.data, block.where, BLOCK)
            )
            yield told
        through = page.planned_through_seq
        yield Message(str(through).encode(), event=THROUGH)
        if through < page.sealed_tip_seq:
            self._page = archive.page(through)
        else:
            self._page, self._asked = None, through
            self._connect()

    def _connect(self) -> None:
        """Open the web socket. What is too old for it is read from the archive, or noted as missing."""
        for _ in range(ATTEMPTS):
            try:
                self._socket = self._host.open(self._asked)
            except Answered as answered:
                self._answer(answered)
                if self._page is not None:
                    return
                continue
            if self._closed.is_set():
                self._socket.close()
            return
        raise Broken(Kind.SERVER, "the server refuses each cursor or dictionary that it asks for")

    def _answer(self, answered: Answered) -> None:
        """Do what the server asks for instead of a connection. Raises Broken if that is nothing to be done at once."""
        said = _Error()
        with suppress(msgspec.DecodeError, UnicodeDecodeError):
            said = msgspec.json.decode(answered.body, type=_Error)
        if said.error == "UnknownZstdDictionary":
            self._host.dictionary.renew()
        elif said.error == "CursorTooOld":
            self._fill(said.message)
        else:
            told = said.message or " ".join(answered.body.decode(errors="replace").split())
            hint = (
                "; add wire=v1 if this host speaks version 1 only"
                if answered.status == 404 and not self._host.old
                else ""
            )
            reason = f"{answered}{f': {told[:SAID]}' if told else ''}{hint}"
            raise Broken(answered.kind, reason, answered.retry_after) from answered

    def _fill(self, said: str) -> None:
        """Go on with the archive if it has what the stream no longer has; else with what the stream has, and note what is missing."""
        asked = self._asked or 0
        page = self._host.archive.page(asked) if self._host.archive else None
        if page is not None and page.planned_through_seq > asked:
            self._page = page
            return
        found = _FLOOR.search(said)
        floor = int(found[1]) if found and int(found[1]) > asked else 0
        self._asked = floor or SMALLEST_TIME
        self._notes = [Message(str(floor).encode() if floor else b"", event=TOO_OLD)]

    def _read(self, message: Message) -> Message:
        """A message as it was before it was compressed. Raises Broken if it is the server's last word."""
        data = self._host.dictionary.decompress(message.data)
        if data is None:
            return Message(message.data, event=GARBLED)
        if not self._host.old and _FAILED.search(data, 0, _BEGINNING):
            with suppress(Rejected):
                if isinstance(failure := events.read(data), events.Failure):
                    told = (
                        f"the server ends the stream: {failure.error}{': ' if failure.message else ''}{failure.message}"
                    )
                    raise Broken(Kind.ENDED if failure.error == "ConsumerTooSlow" else Kind.SERVER, told)
        return Message(data)


def _number(data: bytes, *, old: bool) -> int:
    """The number of an event; 0 if it has none."""
    with suppress(Rejected):
        event = events.read_old(data) if old else events.read(data)
        return event.seq if isinstance(event, events.Event) else 0
    return 0
