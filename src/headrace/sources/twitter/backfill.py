"""What came while there was no connection, by recent search: a query for each rule of the stream."""

import logging
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

from headrace.clock import to_datetime
from headrace.ports import Gap
from headrace.sources.back_off import BackOff, Broken, Kind, Pause
from headrace.sources.x_api.api import Api
from headrace.sources.x_api.problems import Refused, as_mapping
from headrace.sources.x_api.rules import Rule

LOG = logging.getLogger("headrace.sources")
MARGIN = 30_000_000  #: microseconds before a break of which posts are searched too: the stream delivers late, and in no order
SETTLE_SECONDS = 13.0  #: after the reconnection before the search: it knows nothing of the last ten seconds
REACH = (
    7 * 86_400_000_000 - 300_000_000
)  #: microseconds that a recent search goes back: seven days, without what passes meanwhile
PAGE, LEAST = 100, 10  #: posts of a page, at most and at least
_SHOWN = 60  # characters of a rule in a message
_QUOTED = re.compile(r'"[^"]*"')
_OF_STREAMS = re.compile(
    r"(?<![\w:])(sample|bio|bio_name|bio_location|embedding):"
)  # operators that search doesn't have
T = TypeVar("T")


class Break(NamedTuple):
    """From when to when nothing came, in microseconds since the epoch by the clock of X."""

    start: int
    end: int

    @property
    def written(self) -> str:
        """The times, for people."""
        return f"from {shown(self.start)} to {shown(self.end)} UTC"


class Found(NamedTuple):
    """What a step has brought: pages of posts, as X gives them, and what can't be found."""

    pages: Sequence[Mapping[str, Any]] = ()
    gaps: Sequence[Gap] = ()


class Backfill:
    """Fills breaks, one after the other. `parameters` are what is asked for of each post; `left` tells how many posts may be read.

    `pauses`: how long to wait before asking again; `settle`: seconds after a reconnection before which nothing is searched.
    """

    def __init__(
        self,
        api: Api,
        parameters: Mapping[str, str],
        left: Callable[[], int | None],
        *,
        name: str,
        pauses: Mapping[Kind, Pause],
        settle: float = SETTLE_SECONDS,
    ) -> None:
        self._api, self._parameters, self._left, self._name = api, parameters, left, name
        self._pauses, self._settle = pauses, settle
        self._breaks: deque[tuple[Break, float]] = deque()  # each with the time from which it can be filled, monotonic
        self._next = 0.0  # when X allows the next request, monotonic
        self._work = self._steps()

    def add(self, found: Break) -> None:
        """Fill this break too, after those that came before it."""
        self._breaks.append((found, time.monotonic() + self._settle))

    @property
    def since(self) -> int | None:
        """When the first break began that is not filled; None if all are."""
        return self._breaks[0][0].start if self._breaks else None

    def give_up(self) -> None:
        """Forget all breaks."""
        self._breaks.clear()
        self._work = self._steps()

    def step(self) -> Found | None:
        """Do what can be done without waiting; None if nothing was found."""
        return next(self._work)

    def _steps(self) -> Iterator[Found | None]:
        while True:
            if not self._breaks:
                yield None
                continue
            found, ready = self._breaks[0]
            try:
                yield from _until(ready)
                yield from self._fill(found)
            except Refused as refused:
                yield Found(gaps=[self._gap(found, f"a search for them is refused: {refused}")])
            self._breaks.popleft()
            yield Found()

    def _fill(self, found: Break) -> Iterator[Found | None]:
        oldest = self._api.time.now() - REACH
        if found.start < oldest:
            lost = Break(found.start, min(oldest, found.end))
            yield Found(gaps=[self._gap(lost, "they are older than the 7 days that a search of X goes back")])
        if found.end <= oldest:
            return
        span = Break(max(found.start - MARGIN, oldest), found.end)
        rules = yield from self._asked(self._api.rules)
        for rule in rules:
            yield from self._search(rule, span, found)

    def _search(self, rule: Rule, span: Break, found: Break) -> Iterator[Found | None]:
        """The pages of what matches a rule, the newest first."""
        shown_rule = repr(rule.tag or rule.value[:_SHOWN])
        if operator := _OF_STREAMS.search(_QUOTED.sub('""', rule.value)):
            told = f"those of the rule {shown_rule} can't be searched for: search has no {operator[1]}:"
            yield Found(gaps=[self._gap(found, told)])
            return
        token, seen = "", set[str]()
        while True:
            seen.add(token)
            try:
                page = yield from self._asked(partial(self._api.search, self._query(rule, span, token)))
            except Refused as refused:
                if refused.status != 400:
                    raise
                told = f"X refuses to search for those of the rule {shown_rule}: {refused}"
                yield Found(gaps=[self._gap(found, told)])
                return
            if page.get("data") or page.get("errors"):
                yield Found([{**page, "matching_rules": [{"id": rule.id, "tag": rule.tag}]}])
            token = str(as_mapping(page.get("meta")).get("next_token") or "")
            if not token:
                return
            if token in seen:
                told = f"X gives the same page of those of the rule {shown_rule} again and again"
                yield Found(gaps=[self._gap(found, told)])
                return

    def _query(self, rule: Rule, span: Break, token: str) -> Mapping[str, str]:
        left = self._left()
        most = PAGE if left is None else min(PAGE, max(LEAST, left))
        times = {"start_time": _stamp(span.start), "end_time": _stamp(span.end + 1_000_000)}
        more = {"next_token": token} if token else {}
        return {"query": rule.value, "max_results": str(most), **times, **more, **self._parameters}

    def _asked(self, call: Callable[[], T]) -> Generator[None, None, T]:
        """What X answers, in the end. Raises Refused if it refuses for another reason than that the account may read no more."""
        back_off, told = BackOff(self._pauses), False
        while True:
            yield from _until(self._next)
            asked = _Asked(lambda: (call(), self._api.rest))
            while not asked.done.is_set():
                yield None
            try:
                answer, rest = asked.answer()
            except Broken as broken:
                if isinstance(broken, Refused) and not broken.by_budget:
                    raise
                self._next = time.monotonic() + back_off.seconds(broken)
                if not told:
                    told = True
                    LOG.warning(f"{self._name}: searching for what was missed, and trying again: {broken}")
            else:
                self._next = time.monotonic() + rest
                return answer

    def _gap(self, found: Break, why: str) -> Gap:
        return Gap(f"{self._name} was not connected {found.written}, and what was posted then may be missing: {why}")


class _Asked(Generic[T]):
    """A call that is made in a thread of its own."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call, self.done = call, threading.Event()
        self._answers: list[T] = []
        self._error: BaseException | None = None
        threading.Thread(target=self._run, name="search", daemon=True).start()

    def answer(self) -> T:
        """What the call gave, or raised."""
        if self._error is not None:
            raise self._error
        return self._answers[0]

    def _run(self) -> None:
        try:
            self._answers.append(self._call())
        except BaseException as error:
            self._error = error
        self.done.set()


def _until(monotonic: float) -> Generator[None, None, None]:
    """Yield until this time has come."""
    while time.monotonic() < monotonic:
        yield None


def shown(at: int) -> str:
    """A time for people."""
    return f"{to_datetime(at):%Y-%m-%d %H:%M:%S}"


def _stamp(at: int) -> str:
    return f"{to_datetime(at):%Y-%m-%dT%H:%M:%SZ}"
