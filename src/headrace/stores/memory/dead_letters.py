"""The dead letters of the store in memory, by their numbers."""

from bisect import bisect_left
from collections.abc import Collection, Iterator

import msgspec

from headrace.belonging import keys_of_letter
from headrace.clock import microseconds
from headrace.documents import DeadLetter
from headrace.ports import DeadQuery


class DeadLetters:
    """Of each content and model there is one. Numbers rise, and none is given twice. The store locks."""

    def __init__(self) -> None:
        self._by_number: dict[int, DeadLetter] = {}
        self._numbers: dict[tuple[str, str], int] = {}
        self._next = 1

    def __bool__(self) -> bool:
        return bool(self._by_number)

    def bury(self, letter: DeadLetter) -> None:
        """Give a dead letter the next number; it replaces the one of the same content and model."""
        key, number = (letter.content, letter.model), self._next
        self.clear({key})
        self._next += 1
        self._numbers[key] = number
        self._by_number[number] = msgspec.structs.replace(letter, burial=number, buried_at=microseconds())

    def clear(self, keys: Collection[tuple[str, str]]) -> None:
        """Drop those of these contents and models; there may be none."""
        self.drop([self._numbers[key] for key in keys if key in self._numbers])

    def drop(self, burials: Collection[int]) -> None:
        """Drop those of these numbers; there may be none."""
        for number in burials:
            letter = self._by_number.pop(number, None)
            if letter is not None:
                del self._numbers[letter.content, letter.model]

    def erase(self, keys: Collection[str]) -> None:
        """Drop those that are erased by one of these keys."""
        some = frozenset(keys)
        self.drop([letter.burial for letter in self._by_number.values() if not some.isdisjoint(keys_of_letter(letter))])

    def find(self, query: DeadQuery, below: int | None = None) -> Iterator[DeadLetter]:
        """Those of a query with numbers below the one given, newest first."""
        ids, contents = set(query.ids), set(query.contents)
        known = self._by_number
        numbers = sorted(set(query.burials) & known.keys()) if query.burials else list(known)
        for number in reversed(numbers[: None if below is None else bisect_left(numbers, below)]):
            letter = known[number]
            if (
                (not ids or letter.id in ids)
                and (not contents or letter.content in contents)
                and (not query.source or letter.source == query.source)
                and (not query.model or letter.model == query.model)
            ):
                yield letter
