"""Times, in the forms in which they come."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.timestamps import as_utc, is_utc


@pytest.mark.parametrize(
    ("value", "time"),
    [
        ("2018-10-10T20:19:24Z", "2018-10-10T20:19:24Z"),
        ("2018-10-10", "2018-10-10"),
        ("20181010", "2018-10-10"),
        ("2018-10-10t20:19:24z", "2018-10-10T20:19:24Z"),
        ("2018-10-10 20:19:24", "2018-10-10T20:19:24Z"),
        ("2018-10-10T20:19", "2018-10-10T20:19:00Z"),
        ("2018-10-10T22:19:24+02:00", "2018-10-10T20:19:24Z"),
        ("2018-10-10 22:19:24.5 +0200", "2018-10-10T20:19:24.500000Z"),
        ("2018-10-10T20:19:24.123456789Z", "2018-10-10T20:19:24.123456Z"),
        ("2018-10-10 20:19:24 UTC", "2018-10-10T20:19:24Z"),
        ("2018/10/10 20:19:24", "2018-10-10T20:19:24Z"),
        ("20181010T201924Z", "2018-10-10T20:19:24Z"),
        (" 2018-10-10T20:19:24Z\n", "2018-10-10T20:19:24Z"),
        ("Wed Oct 10 20:19:24 +0000 2018", "2018-10-10T20:19:24Z"),
        ("Wed Oct 10 22:19:24 +0200 2018", "2018-10-10T20:19:24Z"),
        ("Sat Feb 29 00:00:00 +0000 2020", "2020-02-29T00:00:00Z"),
        ("Wed, 10 Oct 2018 20:19:24 GMT", "2018-10-10T20:19:24Z"),
        ("10 Oct 2018 22:19 +0200", "2018-10-10T20:19:00Z"),
        ("Wed, 10 Oct 2018 15:19:24 EST", "2018-10-10T20:19:24Z"),
        ("Wed, 10 Oct 2018 20:19:24 -0000", "2018-10-10T20:19:24Z"),
        ("Wed, 10 Oct 2018 20:19:24 +0000 (UTC)", "2018-10-10T20:19:24Z"),
        ("Wed Oct 10 20:19:24 2018", "2018-10-10T20:19:24Z"),
        ("Wed Oct 10 20:19:24 UTC 2018", "2018-10-10T20:19:24Z"),
        (1539202764, "2018-10-10T20:19:24Z"),
        (1539202764.25, "2018-10-10T20:19:24.250000Z"),
        ("1539202764", "2018-10-10T20:19:24Z"),
        ("1539202764.000001", "2018-10-10T20:19:24.000001Z"),
        (1539202764123, "2018-10-10T20:19:24.123000Z"),
        ("1539202764123", "2018-10-10T20:19:24.123000Z"),
        (1539202764123456, "2018-10-10T20:19:24.123456Z"),
        (1539202764123456789, "2018-10-10T20:19:24.123457Z"),
        (20181010, "2018-10-10"),
        (20181010201924, "2018-10-10T20:19:24Z"),
        ("20181010201924", "2018-10-10T20:19:24Z"),
        (0, "1970-01-01T00:00:00Z"),
        (-86400, "1969-12-31T00:00:00Z"),
    ],
)
def test_a_time_is_read_in_every_usual_form(value: Any, time: str) -> None:
    assert as_utc(value) == time
    assert is_utc(time)


@pytest.mark.parametrize(
    "value",
    [
        *("", "yesterday", "now", "10/11/2018 20:19", "2018-13-01", "2018-02-31", "2018-02-31T00:00:00Z", "2018", "5"),
        *("Wed Foo 10 20:19:24 +0000 2018", "Wed Feb 31 20:19:24 +0000 2018", "Wed Oct 10 25:19:24 +0000 2018"),
        *(
            "0000-01-01",
            "12018-10-10",
            "2018-10-10T25:00:00Z",
            "0001-01-01T00:00:00+10:00",
            "Wed, 10 Oct 2018 20:19:24 CEST",
        ),
        *("Wed, 41 Oct 2018 20:19:24 GMT", "2018-10-10\x0020:19:24", "９９９９９９９９９", "1e400", "nan", "+", "--5"),
        *(2018, 1969.0, "20181310201924", 20181010251924),
        *(True, None, [], {}, float("nan"), float("inf"), 10**30, -(10**20), 1e300, b"2018-10-10"),
    ],
)
def test_what_is_no_time_is_none(value: Any) -> None:
    assert as_utc(value) is None


@given(st.datetimes(timezones=st.timezones() | st.just(UTC)))
def test_every_time_with_a_zone_is_the_same_in_utc(time: datetime) -> None:
    try:
        same = time.astimezone(UTC)
    except OverflowError:
        assert as_utc(time.isoformat()) is None
        return
    written = as_utc(time.isoformat())
    assert written is not None
    assert datetime.fromisoformat(written) == same
    assert as_utc(written) == written


@given(st.text(max_size=30) | st.integers() | st.floats())
def test_anything_is_a_time_or_none(value: Any) -> None:
    written = as_utc(value)
    assert written is None or as_utc(written) == written
