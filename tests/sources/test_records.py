"""The formats of records, and how the right one is found."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.errors import Misconfigured
from headrace.fields import USUAL, Fields
from headrace.sources.lines import Lines
from headrace.sources.records import FORMATS, Record, Records, format_of


def records(data: bytes, kind: str, limit: int = 1000, fields: Fields = USUAL) -> list[Record]:
    chunks = iter([data, b""])
    return list(Records("a file", limit, fields).read(Lines(lambda _size: next(chunks), limit), kind, data[:64]))


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
        ("a", b'[\n {"text"', "jsonl"),
        ("a.json", b"[", "jsonl"),
        ("-", b"", "text"),
    ],
)
def test_the_name_decides_about_the_format_and_else_the_first_byte(path: str, head: bytes, kind: str) -> None:
    assert format_of(path, head) == kind
    assert kind in FORMATS


def test_a_record_says_where_it_stands_and_a_blank_line_does_not() -> None:
    assert [one.where for one in records(b"one\n \ntwo", "text")] == ["a file, line 1", "", "a file, line 3"]
    assert [one.where for one in records(b"text\none\n\ntwo", "csv")] == ["a file, line 2", "", "a file, line 4"]


def test_what_is_wrong_with_a_header_is_told_once() -> None:
    for header, reason in (
        (b"id:text", "the columns are 'id:text'; if these are several columns, separate them by commas, semicolons"),
        (b'id,"text', "the header, line 1, cannot be read: a quote opens a field that is never closed"),
        (b"text,id,text", "there are 2 columns 'text'; rename all but one"),
        (b"text,\xff", "the header, line 1, cannot be read: the line is not valid UTF-8: byte 6 is 0xff"),
    ):
        with pytest.raises(Misconfigured, match=re.escape(reason)):
            records(header + b"\n1,2\n", "csv")


def test_a_column_whose_name_holds_a_comma_is_named_in_quotes() -> None:
    (record,) = records(b'"last, first","x,y"\nAda,1\n', "csv", fields=Fields.parse(text='"last, first"'))
    assert record.members == {"last, first": "Ada", "x,y": "1"}


def test_columns_without_a_name_of_their_own_are_told_apart() -> None:
    (record,) = records(b" text ,likes,likes,,likes\na,1,2,3,4\n", "csv")
    assert record.members == {"text": "a", "likes": "1", "likes.1": "2", "column 4": "3", "likes.2": "4"}


def test_no_column_is_lost_to_one_that_is_called_like_its_number() -> None:
    (record,) = records(b"text,x,x,x.1\na,1,2,3\n", "csv")
    assert record.members == {"text": "a", "x": "1", "x.2": "2", "x.1": "3"}
    (named,) = records(b"x,x\na,b\n", "csv", fields=Fields.parse(text="x.1"))
    assert named.members == {"x": "a", "x.1": "b"}


def test_rows_may_be_shorter_than_the_header_or_end_in_empty_cells() -> None:
    assert [one.members for one in records(b"text,a,b\nx\ny,,,,\n", "csv")] == [{"text": "x"}, {"text": "y"}]


LINE = st.sampled_from([
    b'{"text": "one"}', b'{"id": 1, "text": "two", "text": "again"}', b"", b" \t", b"{", b"}", b"[", b"]", b'{"text":', b'"three"}',
    b'{"text": "a"} {"text": "b"}', b"\xff", b'"scalar"', b"[1]", b'{"text": NaN}', b'{"text": "\\ud800"}', b'{"text": "%s"}' % (b"x" * 90),
    b"\xef\xbb\xbf{}", b'{"a": 1e999}', b'[{"text": "c"},',
])  # fmt: skip


@given(
    st.lists(LINE, max_size=12), st.sampled_from([b"\n", b"\r\n", b"\r"]), st.integers(1, 200), st.sampled_from(FORMATS)
)
def test_records_in_blocks_are_those_that_come_one_by_one(
    given_: list[bytes], end: bytes, piece: int, kind: str
) -> None:
    header = {"csv": b"text,id", "tsv": b"text\tid"}.get(kind, b'{"text": "first", "id": 1}')
    data = end.join([header, *given_])
    pieces = [data[at : at + piece] for at in range(0, len(data), piece)]

    def read(block: bool) -> list[Record]:
        left = iter([*pieces, b""])
        lines, reader = Lines(lambda _size: next(left), 80), Records("a file", 80)
        if block:
            return [record for some in reader.blocks(lines, kind, data[:64]) for record in some]
        return list(reader.read(lines, kind, data[:64], live=kind != "jsonl"))

    assert read(block=True) == read(block=False)


def test_a_block_has_what_was_read_already() -> None:
    chunks = iter([b'{"text": "a"}\n{"text": "b"}\n{"te', b'xt": "c"}\n', b""])
    blocks = Records("a file", 80).blocks(Lines(lambda _size: next(chunks), 80), "jsonl", b"{")
    assert [[record.members for record in block] for block in blocks if block] == [
        [{"text": "a"}, {"text": "b"}],
        [{"text": "c"}],
    ]
