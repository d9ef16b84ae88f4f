"""Requests that wait for their results. All of them share one loop that polls the store."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from headrace.documents import Document, content_hash
from headrace.errors import HeadraceError
from headrace.log import logger
from headrace.ports import Store
from headrace.web.lookup import DeadLetterInfo, FullResult, StoredOutcome, outcomes_of
from headrace.web.pool import Pool

POLL_SECONDS = 0.03  #: between two polls while results are coming in
SLOWEST_POLL_SECONDS = 0.25  #: between two polls after a while without new results
LOG = logger("headrace.web")
REMEMBERED_IDS = 100_000  #: how many ids are remembered as published


class RecentIds:
    """The ids that this process has published recently; the oldest are forgotten first. For one thread."""

    def __init__(self, most: int = REMEMBERED_IDS) -> None:
        self._most = most
        self._ids: OrderedDict[str, None] = OrderedDict()

    def add(self, ids: Iterable[str]) -> None:
        """Remember these ids as the newest."""
        for identity in ids:
            self._ids[identity] = None
            self._ids.move_to_end(identity)
        while len(self._ids) > self._most:
            self._ids.popitem(last=False)

    def discard(self, identity: str) -> None:
        """Forget an id, known or not."""
        self._ids.pop(identity, None)

    def __contains__(self, identity: str) -> bool:
        return identity in self._ids


@dataclass(eq=False)
class PendingRequest:
    """A request that waits: the documents whose fate is not known yet, and what became of the others, by their contents."""

    missing: dict[str, Document]
    there: dict[str, FullResult | DeadLetterInfo]
    done: "asyncio.Future[None]"


class ResultPoller:
    """Polls the store for all requests that wait, and only while there are any. For one event loop."""

    def __init__(self, store: Store, asking: Pool) -> None:
        self._store, self._asking = store, asking
        self._pending: set[PendingRequest] = set()
        self._poller: asyncio.Task[None] | None = None
        self._closed = False

    async def wait_for(self, documents: Sequence[Document], seconds: float) -> list[FullResult | DeadLetterInfo] | None:
        """What became of these documents, in order; None if that is not known in time, or if the server stops first."""
        if self._closed:
            return None
        contents = [content_hash(document.id, document.text) for document in documents]
        missing = dict(zip(contents, documents, strict=True))
        request = PendingRequest(missing, {}, asyncio.get_running_loop().create_future())
        self._pending.add(request)
        if self._poller is None or self._poller.done():
            self._poller = asyncio.create_task(self._poll())
        try:
            await asyncio.wait_for(request.done, seconds)
        except TimeoutError:
            return None
        finally:
            self._pending.discard(request)
        return [request.there[content] for content in contents]

    def close(self) -> None:
        """End all waiting, now and later: `wait_for` gives None."""
        self._closed = True
        for request in self._pending:
            if not request.done.done():
                request.done.set_exception(TimeoutError())

    async def _poll(self) -> None:
        pause = POLL_SECONDS
        while self._pending:
            await asyncio.sleep(pause)
            missing = {content: one for request in self._pending for content, one in request.missing.items()}
            try:
                outcomes = await self._asking.run(partial(outcomes_of, self._store, missing))
            except HeadraceError:
                pause = SLOWEST_POLL_SECONDS  # the documents are queued; the store may come back in time
                continue
            except Exception:
                LOG.exception("looking for results failed; it is tried again")
                pause = SLOWEST_POLL_SECONDS
                continue
            moved = [_settle(request, outcomes) for request in self._pending]
            pause = POLL_SECONDS if any(moved) else min(1.5 * pause, SLOWEST_POLL_SECONDS)


def _settle(request: PendingRequest, outcomes: dict[str, StoredOutcome]) -> bool:
    """Note what became of the documents of a request; whether anything is new."""
    found = {
        content: item
        for content, document in request.missing.items()
        if content in outcomes and (item := _fate(document, outcomes[content])) is not None
    }
    request.there |= found
    for content in found:
        del request.missing[content]
    if not request.missing and not request.done.done():
        request.done.set_result(None)
    return bool(found)


def _fate(document: Document, known: StoredOutcome) -> FullResult | DeadLetterInfo | None:
    """What became of this very document: an earlier burial does not count."""
    since = document.published_at or 0
    letters = tuple(letter for letter in known.letters if (letter.published_at or 0) >= since)
    whole = any(not letter.model for letter in letters)
    return StoredOutcome(None if whole else known.result, letters).shown()
