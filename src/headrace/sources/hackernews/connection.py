"""The API of Hacker News (Firebase, version 0), asked again and again: new items in the order of their ids, and items that have changed."""

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import Any

import httpx
import msgspec

from headrace.sources import http_client
from headrace.sources.hackernews.place import Place
from headrace.sources.stream import Broken, Kind, Message

AT_ONCE = 6  #: requests
CHUNK = 60  #: items of a message
TRIES = 12  #: requests for an item that is not given out, before it is passed over
MOST_PENDING = 500  #: items that are not given out yet; no new ones are asked for meanwhile
CHANGES = 6  #: each so many rounds it is asked what has changed


class Part(msgspec.Struct, frozen=True):
    """Items that came: new ones, or such that may have changed. `missing`: ids that were passed over."""

    items: list[Any] = []
    missing: list[int] = []
    changed: bool = False


class Connection:
    """Goes on after a place, one round each `every` seconds. The first request is made at once.

    Each message is a Part. Raises Broken.
    """

    def __init__(self, client: httpx.Client, address: str, place: Place, every: float) -> None:
        self._client, self._address, self._every = client, address, every
        self._last, self._pending = place.last, dict(place.pending)
        self._ended = threading.Event()
        self._newest = self._max_item()

    def __iter__(self) -> Iterator[Message]:
        for number in count():
            yield from self._again()
            yield from self._new()
            if number % CHANGES == 0:
                yield from self._changed()
            if self._ended.wait(self._every):
                return
            self._newest = self._max_item()

    def close(self) -> None:
        self._ended.set()

    def _new(self) -> Iterator[Message]:
        """The items up to the newest."""
        if self._last < 0:
            self._last = self._newest
            yield self._message(Part())  # so that this is where it goes on, whatever happens
        while self._last < self._newest and len(self._pending) < MOST_PENDING and not self._ended.is_set():
            numbers = range(self._last + 1, min(self._last + CHUNK, self._newest) + 1)
            items = self._items(numbers)
            self._pending |= {number: 1 for number in numbers if items[number] is None}
            self._last = numbers[-1]
            yield self._message(Part([items[number] for number in numbers if items[number] is not None]))

    def _again(self) -> Iterator[Message]:
        """Items that were not given out before, and now are, or are passed over."""
        for chunk in _chunks(sorted(self._pending)):
            items = self._items(chunk)
            found = [items[number] for number in chunk if items[number] is not None]
            tries = {number: self._pending[number] + 1 for number in chunk if items[number] is None}
            missing = [number for number in tries if tries[number] >= TRIES]
            self._pending |= tries
            for number in chunk:
                if number in missing or number not in tries:
                    del self._pending[number]
            if found or missing:
                yield self._message(Part(found, missing))

    def _changed(self) -> Iterator[Message]:
        """The items before the last that have changed lately."""
        told = self._get("updates.json")
        listed = told.get("items") if isinstance(told, dict) else None
        if not isinstance(listed, list):
            raise Broken(Kind.SERVER, "the server does not say what has changed")
        numbers = {one for one in listed if isinstance(one, int) and 0 < one <= self._last}
        for chunk in _chunks(sorted(numbers - self._pending.keys())):
            items = self._items(chunk)
            yield self._message(Part([item for number in chunk if (item := items[number]) is not None], changed=True))

    def _message(self, part: Part) -> Message:
        place = Place(self._last, tuple(sorted(self._pending.items())))
        return Message(msgspec.json.encode(part), place.write())

    def _max_item(self) -> int:
        found = self._get("maxitem.json")
        if not isinstance(found, int) or isinstance(found, bool):
            raise Broken(Kind.SERVER, "the server does not say which item is the newest; is it one of Hacker News?")
        return found

    def _items(self, numbers: Iterable[int]) -> dict[int, Any]:
        """Items by their ids, None for what is not given out; asked for by several threads. Raises Broken."""
        waiting, found, errors = deque(numbers), dict[int, Any](), list[BaseException]()

        def ask() -> None:
            while waiting and not errors and not self._ended.is_set():
                try:
                    number = waiting.popleft()
                except IndexError:
                    return
                try:
                    found[number] = self._get(f"item/{number}.json")
                except BaseException as error:
                    errors.append(error)

        threads = [
            threading.Thread(target=ask, name="hackernews", daemon=True) for _ in range(min(AT_ONCE, len(waiting)))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]
        if self._ended.is_set():
            raise Broken(Kind.ENDED, "the source was closed")
        return found

    def _get(self, path: str) -> Any:
        with http_client.telling():
            response = self._client.get(f"{self._address}/{path}")
            http_client.check(response)
        try:
            return msgspec.json.decode(response.content)
        except msgspec.DecodeError as error:
            raise Broken(Kind.SERVER, f"the server's answer for {path} is no JSON: {error}") from error


def _chunks(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    return (numbers[begin : begin + CHUNK] for begin in range(0, len(numbers), CHUNK))
