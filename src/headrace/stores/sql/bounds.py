"""Between which numbers the documents of a span of time lie: there is no index by time."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select, union_all

from headrace.clock import to_microseconds
from headrace.ports import ResultQuery
from headrace.stores.sql.schema import spans
from headrace.stores.sql.tallies import SECOND, WIDTHS

LARGEST = (1 << 63) - 1
LATEST = (
    1 << 31
) // 1440 * 86_400 * SECOND - 1  # of the last day whose minutes have numbers of 32 bits, in the year 6053


def bounds(connection: Connection, query: ResultQuery, below: int | None) -> tuple[int | None, int | None]:
    """Between which numbers all documents lie that were stored since and until, and before a page; None for no bound.

    A few of the documents between them were stored at other times: within the same minute, or by another clock.
    """
    first = None
    last = None if below is None else below - 1
    if query.since is not None:
        minute, hour, day = _starts(to_microseconds(query.since))
        chosen = spans.c.start.between(minute, 60 * hour + 59), spans.c.start.between(hour + 1, 24 * day + 23)
        found = _of_spans(connection, func.min(spans.c.first), *chosen, spans.c.start > day)
        first = min(found, default=LARGEST)
    if query.until is not None:
        minute, hour, day = _starts(to_microseconds(query.until) - 1)
        chosen = spans.c.start.between(60 * hour, minute), spans.c.start.between(24 * day, hour - 1)
        found = _of_spans(connection, func.max(spans.c.last), *chosen, spans.c.start < day)
        last = min(max(found, default=-1), LARGEST if last is None else last)
    return first, last


def _starts(at: int) -> list[int]:
    """The numbers of the minute, the hour and the day that hold a time."""
    return [min(at, LATEST) // (width * SECOND) for width in WIDTHS]


def _of_spans(connection: Connection, extreme: Any, *chosen: ColumnElement[bool]) -> list[int]:
    """The extreme over these minutes, these hours and these days, where there are any."""
    parts = zip(WIDTHS, chosen, strict=True)
    statement = union_all(*(select(extreme).where(spans.c.seconds == width, those) for width, those in parts))
    return [row[0] for row in connection.execute(statement) if row[0] is not None]
