"""What is written on Bluesky's network, by Jetstream: the adapter of `bluesky:`."""

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Self

from headrace.documents import DOCUMENT_BYTES
from headrace.errors import Misconfigured
from headrace.masking import forms, hide
from headrace.ports import Batch
from headrace.sources import http_client, saved_cursors
from headrace.sources.bluesky.archive import KEY, Archive
from headrace.sources.bluesky.blocks import Blocks
from headrace.sources.bluesky.connection import Host, JetstreamConnection
from headrace.sources.bluesky.dictionary import Dictionary
from headrace.sources.bluesky.place import Place
from headrace.sources.bluesky.reading import Reading
from headrace.sources.bluesky.wanted import USUAL, Wanted
from headrace.sources.platform_url import PlatformUrl
from headrace.sources.positions import begun_anew
from headrace.sources.stream import SILENT_SECONDS, follow

HOST = "https://jetstream.us-east.bsky.network"
NETWORK = ".bsky.network"  #: ends the names of the hosts whose archive needs a key
LIKE = "bluesky:, or bluesky://jetstream.us-west.bsky.network?languages=en,de"
OPTIONS: Sequence[str] = ("authors", "collections", "languages", "replay", "wire")
WIRES: Sequence[str] = ("v1", "v2")
QUIET_SECONDS = 3600.0  #: without a message of some authors, after which an open stream is told to be silent


class BlueskySource:
    """The records of the network, their edits and deletions, and the accounts that are gone.

    `address` is that of a host, which speaks version 1 of the wire if `old`. With `replay`, its archive is read first, with `key` if it
    needs one. What a host no longer has is told as a gap. After `silent` seconds without a message, an open stream is
    told to be silent.
    """

    endless = True
    pausable = True  # for as long as a host remembers its events

    def __init__(
        self,
        wanted: Wanted = USUAL,
        *,
        address: str = HOST,
        old: bool = False,
        replay: bool = False,
        key: str = "",
        limit: int = DOCUMENT_BYTES,
        silent: float | None = None,
    ) -> None:
        self._wanted, self._address, self._old, self._key, self._limit = wanted, address, old, key, limit
        self._blocks = Blocks(wanted) if replay else None
        self._silent = silent or (QUIET_SECONDS if wanted.authors else SILENT_SECONDS)
        self._closed = threading.Event()

    @classmethod
    def from_url(cls, url: str, *, limit: int = DOCUMENT_BYTES, token: Callable[[], str] = str) -> Self:
        """The stream of `bluesky:`, or of another host by `bluesky://host`, which is without TLS if the option `tls` is `no`.

        `token` reads the key, and is called for `replay` alone. Raises Misconfigured for any other URL, for what is not a collection,
        author or language, and for `replay` without a key.
        """
        parts = PlatformUrl.read(url, OPTIONS, LIKE)
        if parts.path:
            raise Misconfigured(f"a bluesky: URL has no path, and this has {parts.path!r}; write {LIKE}")
        wire = parts.options.get("wire", "v2")
        if wire not in WIRES:
            raise Misconfigured(f"the option wire of bluesky: is {wire!r}; write wire=v2 or wire=v1")
        replay = parts.options.get("replay") == "" or parts.switch("replay", default=False)
        address, old = parts.address or HOST, wire == "v1"
        if replay and old:
            raise Misconfigured("version 1 of Jetstream has no archive; leave out replay or wire=v1")
        key = token() if replay else ""
        if replay and not key and address.endswith(NETWORK):
            raise Misconfigured(
                f"the archive of {address} needs a key: set {KEY}, or {KEY}_FILE to the path of a file that has it. You get one at"
                " https://bsky.network/account; what is read of the archive is metered. Without replay no key is needed"
            )
        if not re.fullmatch(r"[!-~]*", key):
            raise Misconfigured(f"the key in {KEY} has characters that no key has; copy it again")
        return cls(Wanted.read(parts), address=address, old=old, replay=replay, key=key, limit=limit)

    @property
    def name(self) -> str:
        """`bluesky:` and what is read. It is the same for all hosts, so that another host goes on where one has stopped."""
        options = {**self._wanted.name, **({"replay": "yes"} if self._blocks else {})}
        return "bluesky:" + ("?" if options else "") + "&".join(f"{name}={value}" for name, value in options.items())

    def read(self, after: str | None = None) -> Iterator[Batch]:
        place = Place.read(after, self._address.partition("://")[2])
        shown = f"bluesky://{place.host}"
        if self._blocks is None:
            yield from begun_anew(after, shown, Place)
        elif restarted := saved_cursors.restarted(after, Place):
            yield Batch((), place.write(), restarted)
        reading = Reading(shown, self._wanted, place, self._limit, old=self._old, blocks=self._blocks)
        with ExitStack() as opened:
            host = self._host(opened)

            def connect(_cursor: str) -> JetstreamConnection:
                return JetstreamConnection(host, reading.place)

            try:
                for part in follow(connect, "", self._closed, name=shown, silent=self._silent):
                    moved = reading.connected() if part.connected else False
                    items = reading.take(part.messages)
                    if moved or part.messages or part.waiting:
                        yield Batch(items, reading.place.write(), waiting=hide(part.waiting, forms(self._key)))
            except Misconfigured as error:
                raise Misconfigured(hide(str(error), forms(self._key))) from None

    def close(self) -> None:
        self._closed.set()

    def _host(self, opened: ExitStack) -> Host:
        """How to connect; the key is sent to the archive alone."""
        dictionary = Dictionary(opened.enter_context(http_client.client()), self._address)
        host = Host(self._address, self._wanted, self._old, dictionary)
        if self._blocks is not None:
            authorization = {"Authorization": f"Bearer {self._key}"} if self._key else {}
            asking = opened.enter_context(http_client.client(authorization))
            host.archive = Archive(asking, self._address, self._wanted, self._blocks)
        return host
