"""How far the stream was read: until when nothing is missing, which posts came last, and what was paid."""

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from typing import Self

import msgspec

from headrace.sources import saved_cursors
from headrace.sources.twitter.budget import Budget

WINDOW = 1000  #: of the latest posts, which are kept in the cursor
REMEMBERED = 100_000  #: posts that this process does not tell again, at least, and twice as many at most


class Saved(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a cursor holds. `at`: all that was posted until then was told, in microseconds since the epoch by the clock of X; 0 if nothing
    was read. `ids`: the newest of the latest posts, and for each of the others how much smaller its number is than the one before it.
    `paid`: the posts that were charged for in the `month`; `spent`: no more may be read in it."""

    at: int = 0
    ids: list[int] = []
    month: str = ""
    paid: int = 0
    spent: bool = False

    @classmethod
    def read(cls, cursor: str | None) -> Self:
        """What was saved; that of the beginning if it can't be read."""
        return saved_cursors.read(cursor, cls)

    @property
    def numbers(self) -> Sequence[int]:
        """The numbers of the latest posts, in ascending order."""
        return [*accumulate(self.ids, lambda before, less: before - less)][::-1]


class Progress:
    """What was told and paid, from what a cursor says on. `posts`: the budget for a month; None for none."""

    def __init__(self, cursor: str | None, posts: int | None) -> None:
        saved = Saved.read(cursor)
        self.at, self.spent = saved.at, saved.spent
        self._latest: deque[int] = deque(saved.numbers, WINDOW)
        self._newer, self._older = set(self._latest), set[int]()
        self.budget = Budget(posts, saved.month, saved.paid, self._latest)

    def is_told(self, number: int) -> bool:
        """Whether this post was told before, as far as is remembered; it is from now on."""
        if number in self._newer or number in self._older:
            return True
        if len(self._newer) >= REMEMBERED:
            self._older, self._newer = self._newer, set()
        self._newer.add(number)
        self._latest.append(number)
        return False

    def write(self) -> str:
        """What was told, as a cursor."""
        latest = sorted(self._latest, reverse=True)
        ids = [*latest[:1], *(greater - less for greater, less in pairwise(latest))]
        return saved_cursors.write(Saved(self.at, ids, self.budget.month, self.budget.paid, self.spent))


def numbers_in(members: object) -> Iterable[int]:
    """The numbers of the posts that a message or a page has, those that it includes too."""
    if isinstance(members, dict):
        data, includes = members.get("data"), members.get("includes")
        included = includes.get("tweets") if isinstance(includes, dict) else None
        for some in (data if isinstance(data, list) else [data], included):
            for one in some if isinstance(some, list) else ():
                number = one.get("id") if isinstance(one, dict) else None
                if isinstance(number, str) and number.isdecimal() and number.isascii():
                    yield int(number[:20])
