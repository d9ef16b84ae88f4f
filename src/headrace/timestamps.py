"""Times as people and programs write them, read as RFC 3339 in UTC."""

import math
import re
from datetime import UTC, datetime, timedelta
from fractions import Fraction

_CANONICAL = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d{1,6})?Z)?", re.ASCII)
_DATE = re.compile(r"(?:19|20)\d{6}|\d{4}-\d\d-\d\d|\d{4}-?W\d\d-?\d", re.ASCII)
_ISO = re.compile(
    r"(\d{4}[-/]?\d\d[-/]?\d\d|\d{4}-?W\d\d-?\d)[Tt _](\d\d[\d:.,]*?)\s*([Zz]|UTC|GMT|[+-]\d\d(?::?\d\d){,2})?",
    re.ASCII,
)
_DIGITS = re.compile(r"((?:19|20)\d{6})(\d{6})", re.ASCII)  # year, month, day; hour, minute, second
_NUMBER = re.compile(r"[+-]?\d{9,20}(?:\.\d{1,20})?", re.ASCII)
_TIME_AND_ZONE = re.compile(r"\d\d?:\d\d(?::\d\d)?\s+(?:\d{4}\s+)?([A-Za-z]+)", re.ASCII)
_ZONES = ("UT", "UTC", "GMT", "Z", "EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT")
#: How Twitter writes a time, of which recordings have millions: `Wed Oct 10 20:19:24 +0000 2018`.
_TWITTER = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d\d) (\d\d:\d\d:\d\d) \+0000 (\d{4})", re.ASCII)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: The size of a number since the epoch says its unit: seconds, milliseconds, microseconds or nanoseconds.
_UNITS = ((10**11, 1), (10**14, 10**3), (10**17, 10**6), (10**20, 10**9))


def as_utc(value: object) -> str | None:
    """A time as RFC 3339 in UTC (`2026-01-31T12:00:00Z`), and a date as a date (`2026-01-31`); None if it cannot be read.

    It reads ISO 8601 and RFC 3339, dates of e-mails (RFC 2822), of Twitter and of C, and seconds, milliseconds, microseconds or nanoseconds
    since the epoch, as a number, or as text of nine digits and more. Digits that begin with 19 or 20 are a date if they are eight
    (`20260131`), and a date and a time if they are fourteen (`20260131120000`). A number of four digits is a year, which is not a time. A
    time without a zone is in UTC. What this returns is read as itself.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int) and (_DATE.fullmatch(str(value)[:9]) or _DIGITS.fullmatch(str(value)[:15])):
        value = str(value)
    if isinstance(value, int | float):
        if 1000 <= value < 10000:
            return None  # a year, rather than a time within three hours of the epoch
        return _since_epoch(Fraction(value)) if math.isfinite(value) else None
    if not isinstance(value, str):
        return None
    text = value.strip()
    if is_utc(text):
        return text
    try:
        if (found := _TWITTER.fullmatch(text)) and found[1] in _MONTHS:
            return _written(
                datetime.fromisoformat(f"{found[4]}-{_MONTHS.index(found[1]) + 1:02}-{found[2]}T{found[3]}Z")
            )
        if _DATE.fullmatch(text):
            return datetime.fromisoformat(text).date().isoformat()
        if found := _DIGITS.fullmatch(text):
            return _written(datetime.fromisoformat(f"{found[1]}T{found[2]}Z"))
        if _NUMBER.fullmatch(text):
            return _since_epoch(Fraction(text))
        found = _ISO.fullmatch(text)
        return _written(_iso(found) if found else _of_mail(text))
    except (ValueError, OverflowError, TypeError):
        return None


def is_utc(text: str) -> bool:
    """Whether a text is a time or date as `as_utc` returns it."""
    if _CANONICAL.fullmatch(text) is None:
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _since_epoch(number: Fraction) -> str | None:
    unit = next((unit for bound, unit in _UNITS if abs(number) < bound), None)
    if unit is None:
        return None
    try:
        return _written(_EPOCH + timedelta(microseconds=round(number * 1_000_000 / unit)))
    except OverflowError:
        return None


def _iso(found: re.Match[str]) -> datetime:
    zone = found[3] or "Z"
    zone = "Z" if zone.upper() in ("Z", "UTC", "GMT") else zone
    return datetime.fromisoformat(f"{found[1].replace('/', '-')}T{found[2]}{zone}")


def _of_mail(text: str) -> datetime:
    """A date as e-mails, Twitter or C write it. Raises ValueError for any other."""
    from email.utils import parsedate_tz  # loads much, and is rarely needed

    parsed = parsedate_tz(text)
    zone = _TIME_AND_ZONE.search(text)
    if parsed is None or (zone is not None and zone[1].upper() not in _ZONES):
        raise ValueError("no date")
    return datetime(*parsed[:6], tzinfo=UTC) - timedelta(seconds=parsed[9] or 0)


def _written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
