"""Rows of tables: whatever a CSV writer writes is read, and a stray quote costs its own row and no other."""

import csv
import io
from collections.abc import Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from headrace.sources.dialects import Dialect
from headrace.sources.lines import Lines
from headrace.sources.tables import Row, Rows


def rows(data: bytes, delimiter: str = ",", limit: int = 10_000) -> list[Row]:
    chunks = iter([data[start : start + 7000] for start in range(0, len(data), 7000)] + [b""])
    return list(Rows(Lines(lambda _size: next(chunks), limit), Dialect(delimiter), limit))


def read(data: bytes, delimiter: str = ",", limit: int = 10_000) -> list[Sequence[str] | int]:
    """The cells of each row that is not blank, or the number of its line if it is malformed."""
    found = [row for row in rows(data, delimiter, limit) if row.cells or row.fault]
    return [row.line if row.fault else list(row.cells) for row in found]


def written_row(row: list[str], delimiter: str) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow(row)
    return text.getvalue()


cells = st.text(st.sampled_from('ab ,"\t\n5ä'), max_size=8)
table = st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), max_size=8))


@given(table, st.sampled_from(["\n", "\r\n", "\r"]), st.sampled_from([",", "\t"]))
def test_what_a_csv_writer_writes_is_read_as_it_was(written: list[list[str]], end: str, delimiter: str) -> None:
    header = [f"column {number}" for number in range(len(written[0]) if written else 1)]
    rows_written = [written_row(row, delimiter) for row in [header, *written]]
    inner = [line for row in rows_written for line in row.splitlines()[1:]]
    # Lines of a field that look like rows are told as a stray quote: the tests below.
    assume(len(header) == 1 or not any(line.count(delimiter) + 1 == len(header) for line in inner))
    data = "".join(rows_written).replace("\n", end).encode()
    assert read(data, delimiter) == [header, *written]


def test_a_field_in_quotes_may_have_many_lines_and_separators() -> None:
    story = "\n".join(f'Line {number}, with a comma, and a quote ""x""' for number in range(900))
    assert read(f'id,text\n1,"{story}"\n2,b\n'.encode(), limit=100_000) == [
        ["id", "text"],
        ["1", story.replace('""', '"')],
        ["2", "b"],
    ]


@pytest.mark.parametrize("line", ["x" * 300_000, "some words, and more\n" * 20_000])
def test_a_field_in_quotes_may_be_as_long_as_a_document(line: str) -> None:
    assert read(f'id,text\n1,"{line}"\n2,b\n'.encode(), limit=1 << 20) == [["id", "text"], ["1", line], ["2", "b"]]


def test_quotes_within_a_field_that_does_not_begin_with_one_are_literal() -> None:
    assert read(b'id,text\n1,5" disk\n2,a "b" c\n3, "d"\n') == [
        ["id", "text"],
        ["1", '5" disk'],
        ["2", 'a "b" c'],
        ["3", ' "d"'],
    ]


@pytest.mark.parametrize("delimiter", [",", "\t"])
@pytest.mark.parametrize(
    "closing",
    [
        "",  # it never ends
        '5000,fine "x"\n',
        '5000,"fine"\n',
        '5000,ends with a quote"\n',
        '5000,"a ""b"" c"\n',
    ],
)
def test_a_stray_quote_is_told_with_its_line_and_every_other_row_is_read(delimiter: str, closing: str) -> None:
    lines = [f"{number},text {number}\n" for number in range(3000)]
    lines[700] = '700,"broken\n'
    data = "".join(["id,text\n", *lines, closing]).replace(",", delimiter).encode()
    found = read(data, delimiter)
    assert [one for one in found if isinstance(one, int)] == [702]
    assert [one[0] for one in found if not isinstance(one, int)][1:3000] == [str(n) for n in range(3000) if n != 700]
    assert len(found) == 3001 + bool(closing)


@pytest.mark.parametrize("between", [2, 3, 10, 500])
@pytest.mark.parametrize("row", ["{},some words,pos\n", "some words {},,x\n"])
def test_rows_between_two_stray_quotes_are_not_taken_for_a_field(between: int, row: str) -> None:
    middle = "".join(row.format(number) for number in range(between))
    found = read(f'id,text,label\n1,"a,x\n{middle}9,b",y\n10,c,z\n'.encode())
    assert found[1] == 2
    assert len(found) == 4 + between


def test_a_table_of_one_column_tells_a_stray_quote_that_ends_a_thousand_lines_later() -> None:
    lines = [f"text {number}\n" for number in range(1500)]
    found = read(("text\n" + '"broken\n' + "".join(lines) + 'the end"\n').encode(), limit=100_000)
    assert found[1] == 2
    assert len(found) == 1503


def test_the_dead_lines_keep_their_bytes_and_say_why() -> None:
    found = [row for row in rows(b'text,x\n"open,1\n"a" b,2\nfine,3\n\xff,4\n') if row.fault]
    assert [row.data for row in found] == [b'"open,1', b'"a" b,2', b"\xff,4"]
    assert "opens a field, and text follows the quote that would close it in line 3" in found[0].fault
    assert "text follows the quote that closes a field" in found[1].fault
    assert "byte 1 is 0xff" in found[2].fault


def test_many_stray_quotes_are_many_rows() -> None:
    assert read(b"id,text\n" + b'1,"a\n' * 400) == [["id", "text"], *range(2, 402)]


def test_a_field_without_end_is_looked_for_within_a_bound() -> None:
    taken = 0

    def endless(_size: int) -> bytes:
        nonlocal taken
        taken += 1
        return b'id,text\n1,"never\n' if taken == 1 else b"2,b\n" * 1000

    found = Rows(Lines(endless, 1000), Dialect(), 1000)
    assert next(found).cells
    assert "opens a field" in next(found).fault
    assert list(next(found).cells) == ["2", "b"]
    assert taken < 5


def test_lines_end_in_any_way_and_mixed() -> None:
    assert read(b"id,text\r1,a\n2,b\r\n3,c\r\r4,d") == [["id", "text"], ["1", "a"], ["2", "b"], ["3", "c"], ["4", "d"]]
