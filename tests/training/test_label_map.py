"""Other names for the labels of data."""

import pytest

from headrace.errors import Misconfigured
from headrace.training.label_map import parse


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1=positive,0=negative", {"1": "positive", "0": "negative"}),
        (" 1 = positive , 0 = negative ", {"1": "positive", "0": "negative"}),
        ("a=b,b=a", {"a": "b", "b": "a"}),
        ("very good=positive,good=positive", {"very good": "positive", "good": "positive"}),
        ("1.0=2.50", {"1": "2.5"}),
        ("e\u0301=\u00e9", {"\u00e9": "\u00e9"}),
        ("-1=negative", {"-1": "negative"}),
    ],
)
def test_a_map_renames_labels(written: str, meant: dict[str, str]) -> None:
    assert parse(written) == meant


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "has a part that can't be read, ''"),
        ("positive", "can't be read, 'positive'; write OLD=NEW"),
        ("1=positive,", "can't be read, ''"),
        ("=positive", "can't be read, '=positive'"),
        ("1= ", "can't be read, '1='"),
        ("1=a=b", "can't be read, '1=a=b'"),
        ("NaN=a", "can't be read, 'NaN=a'"),
        ("1=a;2=b", "can't be read, '1=a;2=b'"),
        ("1=a,1=b", "names '1' twice"),
        ("1=a,1.0=a", "names '1' twice"),
    ],
)
def test_a_map_that_makes_no_sense_is_told(written: str, reason: str) -> None:
    with pytest.raises(Misconfigured, match=reason):
        parse(written)
