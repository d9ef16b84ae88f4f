"""Requests that wait for their results. One thread watches the store for all of them, and only while there are any."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from headrace.documents import Document, Result, content_hash
from headrace.errors import HeadraceError
from headrace.log import logger
from headrace.ports import Watch
from headrace.web.lookup import DeadLetterInfo, FullResult, StoredOutcome, outcomes_of

LOOK_SECONDS = 0.01  #: after which requests that have just begun to wait are looked up, though nothing was written
RETRY_SECONDS = 0.25  #: until a store that can't be reached is asked again
IDLE_SECONDS = 5.0  #: after which the connection to the store is closed if nobody waits
PART_BYTES, PART_DOCUMENTS = (
    8 << 20,
    1000,
)  #: of documents that are looked up at once: about the most bytes, and the most

LOG = logger("headrace.web")

#: What a client gets of a document: a result without dead letters is as it is stored.
Fate = FullResult | Result | DeadLetterInfo


@dataclass(slots=True, eq=False)
class PendingRequest:
    """A request that waits: the documents whose fate is not known yet, and what became of the others, by their contents.

    Both belong to the watching thread until the request is done. `over`: whether it waits no longer.
    """

    missing: dict[str, Document]
    done: "asyncio.Future[bool]"
    there: dict[str, Fate] = field(default_factory=dict)
    over: bool = False


class ResultWatcher:
    """Tells all requests that wait what became of their documents. `open_watch` gives a watch of the store. For one event loop."""

    def __init__(self, open_watch: Callable[[], Watch], *, idle: float = IDLE_SECONDS) -> None:
        self._open, self._idle = open_watch, idle
        self._watch: Watch | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: set[PendingRequest] = set()
        self._begun = threading.Condition()
        self._new: list[PendingRequest] = []
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    async def wait_for(self, documents: Sequence[Document], seconds: float) -> list[Fate] | None:
        """What became of these documents, in order; None if that is not known in time, or if the server stops first."""
        if self._closing.is_set():
            return None
        self._loop = loop = self._loop or asyncio.get_running_loop()
        contents = [content_hash(document.id, document.text) for document in documents]
        request = PendingRequest(dict(zip(contents, documents, strict=True)), loop.create_future())
        late = loop.call_later(seconds, _end, request, False)
        self._waiting.add(request)
        try:
            self._hand_over(request)
            return [request.there[content] for content in contents] if await request.done else None
        finally:
            late.cancel()
            request.over = True
            self._waiting.discard(request)

    def alive(self) -> bool:
        """Whether it watches, or will when somebody waits."""
        return self._thread is None or self._thread.is_alive() or self._closing.is_set()

    def close(self) -> None:
        """End all waiting, now and later: `wait_for` gives None."""
        for request in self._waiting:
            _end(request, False)
        with self._begun:
            self._closing.set()
            self._begun.notify()

    def _hand_over(self, request: PendingRequest) -> None:
        with self._begun:
            if self._thread is None or not self._thread.is_alive():
                thread = threading.Thread(target=self._run, name="results", daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:  # the system has no more threads
                    LOG.warning(f"waiting for results: {error}; a request is told that its documents are queued")
                    _end(request, False)
                    return
                self._thread = thread
            self._new.append(request)
            self._begun.notify()

    def _run(self) -> None:
        pending = Pending()
        missed = False
        while not self._closing.is_set():
            new = self._take(waiting=bool(pending))
            if not new and not pending:
                self._disconnect()
                continue
            pending.add(new)
            try:
                self._watch = self._watch or self._open()
                everything = self._watch.wait(LOOK_SECONDS) or missed
                missed = True
                if everything or new:
                    self._look(self._watch, pending, None if everything else new)
                missed = False
            except Exception as error:
                missed = True
                if not isinstance(error, HeadraceError):  # the documents are queued; a store may come back in time
                    LOG.exception("looking for results failed; it is tried again")
                    self._disconnect()
                self._closing.wait(RETRY_SECONDS)
            pending.forget_those_that_are_over()
        self._disconnect()

    def _take(self, *, waiting: bool) -> list[PendingRequest]:
        """The requests that have begun to wait. If no others are `waiting`, it waits for one; none after a while without any."""
        with self._begun:
            if not waiting:
                idle = None if self._watch is None else self._idle
                self._begun.wait_for(lambda: self._new or self._closing.is_set(), idle)
            new, self._new = self._new, []
            return new

    def _look(self, watch: Watch, pending: "Pending", new: Sequence[PendingRequest] | None) -> None:
        """Look for the documents of all requests, or only for those of the ones given, and answer those that have all of theirs."""
        for documents in _parts(pending.documents(new)):
            finished = pending.settle(outcomes_of(watch, documents))
            if finished and self._loop is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(_end_all, finished)

    def _disconnect(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.close()


class Pending:
    """The requests that wait, by the contents of their documents. For the watching thread."""

    def __init__(self) -> None:
        self._requests: dict[str, list[PendingRequest]] = {}

    def __bool__(self) -> bool:
        return bool(self._requests)

    def add(self, requests: Sequence[PendingRequest]) -> None:
        """Add requests."""
        for request in requests:
            for content in request.missing:
                self._requests.setdefault(content, []).append(request)

    def documents(self, requests: Sequence[PendingRequest] | None) -> dict[str, Document]:
        """The documents that are missing, by their contents: of all, or of these requests."""
        if requests is None:
            return {content: those[0].missing[content] for content, those in self._requests.items()}
        return {content: document for request in requests for content, document in request.missing.items()}

    def settle(self, outcomes: Mapping[str, StoredOutcome]) -> list[PendingRequest]:
        """Note what became of documents; the requests that have all of theirs by now."""
        finished: list[PendingRequest] = []
        for content, known in outcomes.items():
            left: list[PendingRequest] = []
            for request in self._requests.get(content, ()):
                fate = _fate(request.missing[content], known)
                if fate is None:
                    left.append(request)
                    continue
                request.there[content] = fate
                del request.missing[content]
                if not request.missing:
                    finished.append(request)
            self._keep(content, left)
        return finished

    def forget_those_that_are_over(self) -> None:
        """Forget the requests that wait no longer."""
        for content, requests in list(self._requests.items()):
            if any(request.over for request in requests):
                self._keep(content, [request for request in requests if not request.over])

    def _keep(self, content: str, requests: list[PendingRequest]) -> None:
        if requests:
            self._requests[content] = requests
        else:
            self._requests.pop(content, None)


def _parts(documents: Mapping[str, Document]) -> Iterator[dict[str, Document]]:
    """Documents in parts that are not too large to be looked up at once."""
    some: dict[str, Document] = {}
    size = 0
    for content, document in documents.items():
        if some and (size + len(document.text) > PART_BYTES or len(some) >= PART_DOCUMENTS):
            yield some
            some, size = {}, 0
        some[content] = document
        size += len(document.text)
    if some:
        yield some


def _end_all(requests: Sequence[PendingRequest]) -> None:
    for request in requests:
        _end(request, True)


def _end(request: PendingRequest, found: bool) -> None:
    """Whether all documents of a request were `found`; on the event loop, which may have ended its waiting before."""
    if not request.done.done():
        request.done.set_result(found)


def _fate(document: Document, known: StoredOutcome) -> Fate | None:
    """What became of this very document: an earlier burial does not count."""
    since = document.published_at or 0
    letters = tuple(letter for letter in known.letters if (letter.published_at or 0) >= since)
    if not letters:
        return known.result
    whole = any(not letter.model for letter in letters)
    return StoredOutcome(None if whole else known.result, letters).shown()
