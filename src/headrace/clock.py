"""Times: microseconds since the epoch where documents are moved and stored, datetimes in UTC where people and programs read them."""

import time
from datetime import UTC, datetime, timedelta

HOUR = 3_600_000_000  # in microseconds
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST, _LAST = ((at.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND for at in (datetime.min, datetime.max))


def microseconds() -> int:
    """The time now, in microseconds since the epoch."""
    return time.time_ns() // 1000


def to_datetime(at: int) -> datetime:
    """A time in microseconds since the epoch as a datetime in UTC; a time outside of the years 1 to 9999 as the nearest within."""
    return _EPOCH + timedelta(0, 0, at if _FIRST <= at <= _LAST else min(max(at, _FIRST), _LAST))


def to_microseconds(at: datetime) -> int:
    """An aware datetime as microseconds since the epoch. Raises TypeError for one without a time zone."""
    return (at - _EPOCH) // _MICROSECOND
