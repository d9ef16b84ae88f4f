"""Requests that wait until their documents are there: all of them share one poller of the store."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import anyio.to_thread

from headrace.documents import Document, content_hash
from headrace.errors import HeadraceError
from headrace.ports import Store
from headrace.web.lookup import Dead, Found, Trace, trace

POLL_SECONDS = 0.03
SLOWEST_POLL_SECONDS = 0.25
QUEUED = 100_000


class Queued:
    """The ids that this process has published of late, the oldest forgotten first; for one thread."""

    def __init__(self, most: int = QUEUED) -> None:
        self._most = most
        self._ids: OrderedDict[str, None] = OrderedDict()

    def add(self, ids: Iterable[str]) -> None:
        """Remember these as the newest."""
        for identity in ids:
            self._ids[identity] = None
            self._ids.move_to_end(identity)
        while len(self._ids) > self._most:
            self._ids.popitem(last=False)

    def discard(self, identity: str) -> None:
        """Forget one, known or not."""
        self._ids.pop(identity, None)

    def __contains__(self, identity: str) -> bool:
        return identity in self._ids


@dataclass(eq=False)
class Wait:
    """The documents of one request that aren't there yet, and those that are, by id."""

    missing: dict[str, Document]
    there: dict[str, Found | Dead]
    done: "asyncio.Future[None]"


class Waiters:
    """Those who wait for documents; for one event loop. Asks the store only while somebody waits."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waits: set[Wait] = set()
        self._poller: asyncio.Task[None] | None = None
        self._closed = False

    async def wait_for(self, documents: Sequence[Document], seconds: float) -> list[Found | Dead] | None:
        """What became of these documents, in their order; None where that isn't known in time, or the server stops."""
        if self._closed:
            return None
        wait = Wait({one.id: one for one in documents}, {}, asyncio.get_running_loop().create_future())
        self._waits.add(wait)
        if self._poller is None or self._poller.done():
            self._poller = asyncio.create_task(self._poll())
        try:
            await asyncio.wait_for(wait.done, seconds)
        except TimeoutError:
            return None
        finally:
            self._waits.discard(wait)
        return [wait.there[one.id] for one in documents]

    def close(self) -> None:
        """Nobody waits any longer."""
        self._closed = True
        for wait in self._waits:
            if not wait.done.done():
                wait.done.set_exception(TimeoutError())

    async def _poll(self) -> None:
        pause = POLL_SECONDS
        while self._waits:
            await asyncio.sleep(pause)
            ids = list({identity for wait in self._waits for identity in wait.missing})
            try:
                traces = await anyio.to_thread.run_sync(trace, self._store, ids)
            except HeadraceError:
                pause = SLOWEST_POLL_SECONDS  # the documents are queued; the store may be back before the time is up
                continue
            moved = [_settle(wait, traces) for wait in self._waits]
            pause = POLL_SECONDS if any(moved) else min(1.5 * pause, SLOWEST_POLL_SECONDS)


def _settle(wait: Wait, traces: dict[str, Trace]) -> bool:
    """Whether anything new is there."""
    found = {
        identity: item
        for identity, document in wait.missing.items()
        if identity in traces and (item := _fate(document, traces[identity])) is not None
    }
    wait.there |= found
    for identity in found:
        del wait.missing[identity]
    if not wait.missing and not wait.done.done():
        wait.done.set_result(None)
    return bool(found)


def _fate(document: Document, known: Trace) -> Found | Dead | None:
    """What became of this very document: another text under its id, or what was buried before, doesn't count."""
    since = document.published_at or 0
    letters = tuple(letter for letter in known.letters if (letter.published_at or 0) >= since)
    if letters:
        content = content_hash(document.id, document.text)
        letters = tuple(letter for letter in letters if letter.content == content)
    whole = any(not letter.model for letter in letters)
    result = None if known.result is None or known.result.text != document.text or whole else known.result
    return Trace(result, letters).told()
