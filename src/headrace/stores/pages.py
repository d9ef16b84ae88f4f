"""Pages of rows that have ascending numbers: the token of a page is the number of the last row of the page before it."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from headrace.errors import Rejected

Row = TypeVar("Row")


def below(page: str | None) -> int | None:
    """The number below which a page begins; None for the first page. Raises Rejected for a token that no store has given."""
    if page is None:
        return None
    if not (page.isascii() and page.isdecimal() and len(page) < 19):
        raise Rejected(f"{page!r} is not a page token; use the `next` of an answer as it was given")
    return int(page)


def cut(rows: Sequence[Row], limit: int, number: Callable[[Row], int]) -> tuple[Sequence[Row], str | None]:
    """The first `limit` rows, and the token of the page after them; None if there are no more rows."""
    return rows[:limit], str(number(rows[limit - 1])) if len(rows) > limit else None
