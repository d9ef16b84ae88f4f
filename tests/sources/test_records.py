"""The formats of records, and how the right one is found."""

import pytest

from headrace.errors import Misconfigured
from headrace.sources.lines import Lines
from headrace.sources.records import FORMATS, Record, Records, format_of


def records(data: bytes, kind: str, limit: int = 1000) -> list[Record]:
    chunks = iter([data, b""])
    return list(Records("a file", limit).read(Lines(lambda _size: next(chunks), limit), kind, data[:10]))


@pytest.mark.parametrize(
    ("path", "head", "kind"),
    [
        ("a.jsonl", b"text", "jsonl"),
        ("folder.csv/a.NDJSON.gz", b"", "jsonl"),
        ("a.csv", b"{", "csv"),
        ("a.tsv.gz", b"", "tsv"),
        ("a.txt", b"{", "text"),
        ("a", b"\xef\xbb\xbf \n{", "jsonl"),
        ("a.log", b"[1]", "text"),
        ("-", b"", "text"),
    ],
)
def test_the_name_decides_about_the_format_and_else_the_first_byte(path: str, head: bytes, kind: str) -> None:
    assert format_of(path, head) == kind
    assert kind in FORMATS


def test_a_record_says_where_it_stands_and_a_blank_line_does_not() -> None:
    assert [one.where for one in records(b"one\n \ntwo", "text")] == ["a file, line 1", "", "a file, line 3"]
    assert [one.where for one in records(b"text\none\n\ntwo", "csv")] == ["a file, line 2", "", "a file, line 4"]


@pytest.mark.parametrize("kind", FORMATS)
def test_utf_16_is_misconfigured_with_how_to_convert_it(kind: str) -> None:
    with pytest.raises(Misconfigured, match=r"reading a file: it is UTF-16; .*iconv -f UTF-16"):
        records("text\none".encode("utf-16"), kind)
