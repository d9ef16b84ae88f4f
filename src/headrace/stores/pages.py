"""Page tokens: the number of the last row of a page, and nothing else."""

from headrace.errors import Rejected


def number(page: str) -> int:
    """The number below which the next page begins. Raises Rejected for what no store has given."""
    if not (page.isascii() and page.isdecimal() and len(page) < 19):
        raise Rejected(f"{page!r} is no page token; use the `next` of an answer as it was given")
    return int(page)
