"""Extracts of pages, asked of the wikis' own APIs in batches, at most so many an hour (the extension TextExtracts)."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import httpx
import msgspec

from headrace.sources import http_client
from headrace.sources.back_off import LONGEST_SECONDS, Broken
from headrace.sources.wikimedia.changes import Change

TITLES = 20  #: of one request, at most: the API gives no more extracts at once
AN_HOUR = 500  #: requests, as many as a client without an account may send
BURST = 10  #: requests that may be sent at once after a time without any
ANSWER_SECONDS = 5.0  #: that a wiki may take to answer
REST_SECONDS = 60.0  #: without requests after one has failed, unless the wiki says how long
LOG = logging.getLogger("headrace.sources")

Key = tuple[str, str]  #: the API of a wiki, and the title of a page
Found = Mapping[Key, str]


class Extracts:
    """Asks for extracts. `api`: the address of the API of all wikis; if it is empty, each has its own. `hourly`: requests an hour, at most;
    0 for none at all. `clock` gives seconds."""

    def __init__(
        self, client: httpx.Client, *, api: str = "", hourly: int = AN_HOUR, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client, self._api, self._clock = client, api, clock
        self._a_second = hourly / 3600
        self._burst = float(min(BURST, hourly))
        self._left, self._counted_at = self._burst, clock()
        self._rests_until = float("-inf")
        self._told = ""

    def worth(self, changes: Sequence[Change], waited: float) -> bool:
        """Whether to ask now for the extracts of these changes, of which the first has waited for so many seconds: if nothing can be asked
        for, if a request would be full, or if requests have come to be sent at the pace that is allowed, which is the sooner the more of
        them have been saved up."""
        wikis = self._by_wiki(changes)
        if not wikis or not self._a_second or self._clock() < self._rests_until:
            return True
        if not self._may_ask():
            return False
        return waited * self._a_second >= 1 - self._left / self._burst or max(wikis.values()) >= TITLES

    def of(self, changes: Sequence[Change]) -> Found:
        """The extracts of the pages, as far as requests may be sent now and the wikis have some: those of wikis with many changes first."""
        found: dict[Key, str] = {}
        for api, titles in self._requests(changes):
            if self._clock() < self._rests_until or not self._may_ask():
                break
            self._left -= 1
            try:
                found |= {(api, title): text for title, text in self._ask(api, titles)}
                self._told = ""
            except Broken as broken:
                self._rest(broken)
        return found

    def key(self, change: Change) -> Key:
        """Under which the extract of this change is found."""
        return self._api or change.api, change.title

    def _by_wiki(self, changes: Sequence[Change]) -> Counter[str]:
        return Counter(api for api, _ in {self.key(one) for one in changes} if api)

    def _requests(self, changes: Sequence[Change]) -> Iterator[tuple[str, Sequence[str]]]:
        keys = tuple(dict.fromkeys(self.key(one) for one in changes))
        for api, _ in self._by_wiki(changes).most_common():
            titles = [title for other, title in keys if other == api]
            for begin in range(0, len(titles), TITLES):
                yield api, titles[begin : begin + TITLES]

    def _may_ask(self) -> bool:
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._counted_at) * self._a_second)
        self._counted_at = now
        return self._left >= 1

    def _rest(self, broken: Broken) -> None:
        seconds = REST_SECONDS if broken.retry_after is None else min(broken.retry_after, LONGEST_SECONDS)
        self._rests_until = self._clock() + seconds
        if str(broken) != self._told:
            LOG.warning(f"no extracts of pages for {seconds:,.0f} s, titles and comments instead: {broken}")
        self._told = str(broken)

    def _ask(self, api: str, titles: Sequence[str]) -> list[tuple[str, str]]:
        """The extracts of these pages of a wiki, by title. Raises Broken."""
        asked = {
            "action": "query",
            "prop": "extracts",
            "exintro": "1",
            "explaintext": "1",
            "exlimit": str(TITLES),
            "format": "json",
            "formatversion": "2",
            "maxlag": "5",
            "titles": "|".join(titles),
        }
        with http_client.telling():
            response = self._client.post(
                api, data=asked, timeout=ANSWER_SECONDS, headers={"Promise-Non-Write-API-Action": "true"}
            )
            http_client.check(response)
        return _extracts_in(response)


class _Page(msgspec.Struct):
    title: str = ""
    extract: str = ""


class _Query(msgspec.Struct):
    pages: list[_Page] = []


class _Answer(msgspec.Struct):
    query: _Query = msgspec.field(default_factory=_Query)
    error: Any = None


def _extracts_in(response: httpx.Response) -> list[tuple[str, str]]:
    try:
        answer = msgspec.json.decode(response.content, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Broken(http_client.kind_of(500), f"{response.url.host} does not answer as a wiki does: {error}") from None
    if isinstance(answer.error, dict):
        told = answer.error.get("info") or answer.error.get("code")
        raise Broken(
            http_client.kind_of(500),
            f"{response.url.host} says: {str(told)[: http_client.SAID]}",
            http_client.retry_after(response.headers),
        )
    return [(page.title, page.extract.strip()) for page in answer.query.pages if page.extract.strip()]
