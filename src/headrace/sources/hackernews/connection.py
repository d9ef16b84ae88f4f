"""The API of Hacker News (Firebase, version 0), asked again and again: new items in the order of their ids, and items that have changed."""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any, TypeGuard

import httpx
import msgspec

from headrace.documents import parse
from headrace.errors import Rejected
from headrace.framing import KEPT_BYTES
from headrace.sources import http_client
from headrace.sources.back_off import LONGEST_SECONDS, Broken, Kind
from headrace.sources.hackernews.place import GREATEST, Place
from headrace.sources.http_responses import TooLong, whole
from headrace.sources.stream import Message

AT_ONCE = 6  #: requests
ITEM_BYTES, ANSWER_BYTES = 4 << 20, 16 << 20  #: of an item, and of another answer
MOST_BEHIND = 10_000  #: items that the newest one may be before the last that was read: answers may be old by a little
CHUNK = 60  #: items of a message
TRIES = 12  #: requests for an item that is not given out, or as something else than JSON, before it is passed over
MOST_PENDING = 500  #: items that are not given out yet; no new ones are asked for meanwhile
CHANGES = 6  #: each so many rounds it is asked what has changed


class Answer(msgspec.Struct, frozen=True):
    """What the server gives out as the item with this id, and why that is not JSON; empty if it is."""

    number: int
    data: bytes
    fault: str = ""


class Part(msgspec.Struct, frozen=True):
    """Items that came: new ones, or such that may have changed. `missing`: ids that were passed over."""

    items: list[Answer] = []
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
            if self._ended.wait(min(self._every, LONGEST_SECONDS)):
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
            self._pending |= {number: 1 for number in numbers if not _is_sound(items[number])}
            self._last = numbers[-1]
            yield self._message(Part([item for item in items.values() if _is_sound(item)]))

    def _again(self) -> Iterator[Message]:
        """Items that were not given out before, and now are, or are passed over."""
        for chunk in _chunks(sorted(self._pending)):
            found, missing = list[Answer](), list[int]()
            for number, item in self._items(chunk).items():
                self._pending[number] += 1
                waits = self._pending[number] < TRIES
                if item is not None and (not item.fault or not waits):
                    found.append(item)
                elif waits:
                    continue
                else:
                    missing.append(number)
                del self._pending[number]
            if found or missing:
                yield self._message(Part(found, missing))

    def _changed(self) -> Iterator[Message]:
        """The items before the last that have changed lately."""
        told = self._parsed("updates.json")
        listed = told.get("items") if isinstance(told, dict) else None
        if not isinstance(listed, list):
            raise Broken(Kind.SERVER, "the server does not say what has changed")
        numbers = {one for one in listed if _is_number(one) and 0 < one <= self._last}
        for chunk in _chunks(sorted(numbers - self._pending.keys())):
            items = self._items(chunk)
            yield self._message(Part([item for item in items.values() if _is_sound(item)], changed=True))

    def _message(self, part: Part) -> Message:
        place = Place(self._last, tuple(sorted(self._pending.items())))
        return Message(msgspec.json.encode(part), place.write())

    def _max_item(self) -> int:
        found = self._parsed("maxitem.json")
        if not _is_number(found) or not 0 <= found <= GREATEST:
            raise Broken(Kind.SERVER, "the server does not say which item is the newest; is it one of Hacker News?")
        if found < self._last - MOST_BEHIND:
            raise Broken(
                Kind.SERVER, f"the server's newest item is {found}, but {self._last} was read; is it another server?"
            )
        return int(found)

    def _items(self, numbers: Sequence[int]) -> dict[int, Answer | None]:
        """Items by their ids, in this order, None for what is not given out; asked for by several threads. Raises Broken."""
        waiting, found, errors = deque(numbers), dict[int, Answer | None](), list[BaseException]()

        def ask() -> None:
            while waiting and not errors and not self._ended.is_set():
                try:
                    number = waiting.popleft()
                except IndexError:
                    return
                try:
                    found[number] = self._item(number)
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
        return {number: found[number] for number in numbers}

    def _item(self, number: int) -> Answer | None:
        """An item, None if it is not given out. Raises Broken."""
        try:
            data = self._get(f"item/{number}.json", ITEM_BYTES)
            return None if parse(data, lenient=True) is None else Answer(number, data)
        except TooLong as error:
            return Answer(number, error.data, str(error))
        except Rejected as error:
            return Answer(number, data[:KEPT_BYTES], str(error))

    def _parsed(self, path: str) -> Any:
        try:
            return parse(self._get(path, ANSWER_BYTES))
        except Rejected as error:
            raise Broken(Kind.SERVER, f"the server's answer for {path} is not JSON: {error}") from error

    def _get(self, path: str, most: int) -> bytes:
        with http_client.telling(), self._client.stream("GET", f"{self._address}/{path}") as response:
            http_client.check(response)
            return whole(response, most)


def _is_sound(item: Answer | None) -> TypeGuard[Answer]:
    """Whether an item is given out, and is JSON."""
    return item is not None and not item.fault


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _chunks(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    return (numbers[begin : begin + CHUNK] for begin in range(0, len(numbers), CHUNK))
