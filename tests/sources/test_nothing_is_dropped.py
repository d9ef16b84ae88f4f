"""Whatever the lines of a stream look like, each ends in a record: as a document, as malformed, or as blank."""

import re
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.sources.lines import Lines
from headrace.sources.records import Record, Records

LIMIT = 200
ENDS = [b"\n", b"\r\n", b"\r"]
#: Lines, of which each `@` becomes a number that no other line has.
LINES = [
    *(
        b'{"text": "@"}',
        b' {"text": "@"} ',
        b'{"text": "@"} {"text": "@"}',
        b'[{"text": "@"}]',
        b'"@"',
        b"@",
        b"null @",
    ),
    *(
        b'{"text": "@',
        b'"@"}',
        b'{"text":',
        b'"@",',
        b'"id": @}',
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b'[{"text": "@"},',
        b"@]",
    ),
    *(
        b"\xef\xbb\xbf@",
        b"\xff@",
        b"\0@",
        b"@\x1e",
        b'{"text": "\\ud800@"}',
        b'{"text": NaN, "n": @}',
        b'{"a":' * 30 + b"@",
    ),
    *(b"", b" ", b"\t", b"\x0b\x0c", b"\x1c", b"\xc2\xa0", b"\xe2\x80\xa8@", b" " * (LIMIT + 50) + b'{"text": "@"}'),
    *(b" " * (2 * LIMIT), b'{"text": "' + b"x" * LIMIT + b'@"}', b"@" + b"," * LIMIT, b"'@", b'"@""'),
]


def read(data: bytes, kind: str, cuts: list[int], way: str) -> list[Record]:
    pieces = iter([data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True) if a < b])
    lines, records = Lines(lambda _size: next(pieces, b""), LIMIT), Records("a file", LIMIT)
    head = b"{" if kind == "jsonl" else data[:64]
    if way == "blocks":
        return [record for block in records.blocks(lines, kind, head, live=True) for record in block]
    return list(records.read(lines, kind, head, live=True))


def numbered(lines: list[bytes], ends: list[bytes]) -> bytes:
    number = count(100_000)
    text = b"".join(line + end for line, end in zip(lines, ends, strict=True))
    return re.sub(b"@", lambda _found: b"%d" % next(number), text)


@st.composite
def streams(draw: st.DrawFn, header: bytes = b"") -> tuple[bytes, list[int]]:
    lines = draw(st.lists(st.sampled_from(LINES), max_size=12))
    ends = [draw(st.sampled_from(ENDS)) for _ in lines]
    data = header + numbered(lines, ends)
    if draw(st.booleans()):
        data = data.rstrip(b"\r\n")
    return data, sorted(draw(st.lists(st.integers(0, len(data)), max_size=4)))


@pytest.mark.parametrize("way", ["read", "blocks"])
@given(stream=streams())
def test_each_line_of_text_is_a_record(way: str, stream: tuple[bytes, list[int]]) -> None:
    data, cuts = stream
    found = read(data, "text", cuts, way)
    lines = data.splitlines()
    assert len(found) == len(lines)
    for line, record in zip(lines, found, strict=True):
        bare = line.removeprefix(b"\xef\xbb\xbf") if line is lines[0] else line
        assert bool(record.where) == bool(bare.strip() or len(bare) > LIMIT)


@pytest.mark.parametrize("way", ["read", "blocks"])
@given(stream=streams())
def test_whatever_stands_in_a_stream_of_json_is_in_a_record(way: str, stream: tuple[bytes, list[int]]) -> None:
    data, cuts = stream
    found = read(data, "jsonl", cuts, way)
    told = b" ".join(record.data for record in found)
    assert [number for number in re.findall(rb"1\d{5}", data) if number not in told] == []
    assert all(record.where for record in found if record.data)


@pytest.mark.parametrize("way", ["read", "blocks"])
@given(stream=streams(b"text,id\n"))
def test_whatever_stands_in_a_table_is_in_a_record(way: str, stream: tuple[bytes, list[int]]) -> None:
    data, cuts = stream
    told = b" ".join(record.data for record in read(data, "csv", cuts, way))
    short = [line for line in data.splitlines() if len(line) <= LIMIT]
    assert [number for line in short for number in re.findall(rb"1\d{5}", line) if number not in told] == []


def test_a_document_after_a_long_line_of_blanks_is_read() -> None:
    (record,) = read(b" " * (3 * LIMIT) + b'{"text": "hej"}\n', "jsonl", [], "read")
    assert record.members == {"text": "hej"}


def test_a_long_line_that_is_not_json_is_one_record_however_its_bytes_come() -> None:
    data = b"no json " * LIMIT + b'\n{"text": "hej"}\n'
    for cuts in ([], [LIMIT], [5, 300, 700, 900]):
        long, after = read(data, "jsonl", cuts, "read")
        assert "longer than 200 bytes" in long.fault
        assert after.members == {"text": "hej"}


def test_a_long_file_of_blanks_is_told() -> None:
    pieces = iter([b" " * (2 * LIMIT), b"text"])
    assert "longer than" in Records("a file", LIMIT).whole(Lines(lambda _size: next(pieces, b""), LIMIT)).fault
