"""What is paid for: each post that X sends, once a day."""

from collections.abc import Iterable
from datetime import UTC, datetime

from headrace.clock import to_datetime, to_microseconds

REMEMBERED = 500_000  #: posts of a day; when there are more, those that come again are counted again


class Budget:
    """Counts the posts that X charges for in a calendar month (UTC), each once a day. `posts`: how many may be read; None for any number.

    `month` (such as 2026-11) and `paid` are what was counted before; `known` are posts that were counted last. Times are those of X, in
    microseconds since the epoch.
    """

    def __init__(self, posts: int | None, month: str, paid: int, known: Iterable[int] = ()) -> None:
        self._posts, self.month, self.paid = posts, month, paid
        self._day = ""
        self._today = set(known)

    def count(self, numbers: Iterable[int], now: int) -> int:
        """Count posts that have come; how many of them are charged for."""
        at = to_datetime(now)
        if (month := f"{at:%Y-%m}") != self.month:
            self.month, self.paid = month, 0
        if (day := f"{at:%Y-%m-%d}") != self._day:
            self._today = set() if self._day else self._today
            self._day = day
        before, new = len(self._today), set(numbers) - self._today
        if before + len(new) > REMEMBERED:
            self._today.clear()
        self._today |= new
        self.paid += len(new)
        return len(new)

    def left(self, now: int) -> int | None:
        """How many posts may be read until the end of the month; None for any number."""
        if self._posts is None:
            return None
        paid = self.paid if f"{to_datetime(now):%Y-%m}" == self.month else 0
        return max(0, self._posts - paid)

    def told(self, now: int) -> str:
        """That the budget is spent, and until when."""
        return f"the budget of {self._posts:,} posts is spent until {next_month(now):%Y-%m-%d} (UTC)"


def next_month(now: int) -> datetime:
    """When the next calendar month begins."""
    at = to_datetime(now)
    return datetime(at.year + at.month // 12, at.month % 12 + 1, 1, tzinfo=UTC)


def seconds_left(now: int) -> float:
    """Seconds until the next calendar month begins."""
    return (to_microseconds(next_month(now)) - now) / 1e6
