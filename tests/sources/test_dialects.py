"""What separates the cells of a table, found out from its header and first rows."""

import csv
import io
import random
from pathlib import Path

import pytest

from headrace.documents import Document
from headrace.errors import Misconfigured
from headrace.fields import Fields
from headrace.sources.dialects import Dialect, sniff
from headrace.sources.files import FileSource
from headrace.testing.sources import items

ROWS = [
    ["id", "text", "score"],
    ["1", "a, b; c | d\te", "0,5"],
    ["2", 'she said "hi"; really', "1,25"],
    ["3", "two\nlines, here", ""],
]


def written(rows: list[list[str]], delimiter: str, quoting: int = csv.QUOTE_MINIMAL) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, quoting=quoting).writerows(rows)
    return text.getvalue().encode()


def ingested(path: Path, data: bytes, **named: str) -> list[Document]:
    path.write_bytes(data)
    found = items(list(FileSource(path, fields=Fields.parse(**named)).read()))
    return [item for item in found if isinstance(item, Document)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_tables_are_read_whatever_separates_their_cells(
    tmp_path: Path, delimiter: str, quoting: int, mark: bytes
) -> None:
    found = ingested(tmp_path / "a.csv", mark + written(ROWS, delimiter, quoting))
    assert [one.text for one in found] == [row[1] for row in ROWS[1:]]
    assert [one.meta.get("score", "") for one in found] == [row[2] for row in ROWS[1:]]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_columns_that_are_named_decide_against_what_occurs_more_often(tmp_path: Path, delimiter: str) -> None:
    rows = [["no", "tweet"], *(["1", "so, so, so; and so, a | b"] for _ in range(50))]
    (first, *_) = ingested(tmp_path / "a.csv", written(rows, delimiter, csv.QUOTE_ALL), text="tweet", id="no")
    assert first.text == rows[1][1]


def test_the_columns_are_named_as_they_are_if_the_one_that_is_needed_is_missing(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"no column 'text'; the columns are 'id', 'tweet', 'score'; if the text"):
        ingested(tmp_path / "a.csv", b"id;tweet;score\n1;a, b;0,5\n2;c;1,5\n")


@pytest.mark.parametrize("data", [b"text\n", b"text", b"text\none; two; three\nfour; five\n", b"text\n\none | two"])
def test_a_table_of_one_column_has_commas(data: bytes) -> None:
    assert sniff(data, ["text"]) == Dialect(",")


@pytest.mark.parametrize("data", [b"", b"\n", b"\xff\xfe", b'"', b"id,text", b'a,"text', b"\0"])
def test_what_says_nothing_has_commas_and_double_quotes(data: bytes) -> None:
    assert sniff(data, ["text"]) == Dialect(",", '"')


def test_a_spreadsheets_own_word_counts_and_is_no_row(tmp_path: Path) -> None:
    source = ingested(tmp_path / "a.csv", b'sep=;\r\n"text";n\r\n"a, b";1\r\n')
    assert [(one.text, one.meta) for one in source] == [("a, b", {"n": "1"})]
    (tmp_path / "b.csv").write_bytes(b"sep=;\ntext;n\na;1;2\n")
    (wrong,) = items(list(FileSource(tmp_path / "b.csv").read()))
    assert wrong.where.endswith("b.csv, line 3")  # type: ignore[union-attr]


def test_single_quotes_quote_if_they_quote_the_header(tmp_path: Path) -> None:
    found = ingested(tmp_path / "a.csv", b"'id';'text'\n'1';'a; \"b\" isn''t'\n'2';'c\nd'\n")
    assert [one.text for one in found] == ['a; "b" isn\'t', "c\nd"]
    assert [one.text for one in ingested(tmp_path / "b.csv", b"id,text\n1,'a'\n")] == ["'a'"]


def test_a_header_that_is_longer_than_what_is_waited_for_is_seen_whole(tmp_path: Path) -> None:
    names = [f"column number {number}" for number in range(600)]
    found = ingested(tmp_path / "a.csv", ";".join([*names, "text"]).encode() + b"\n" + b"1,5;" * 600 + b"a\n")
    assert [one.text for one in found] == ["a"]


def test_the_separator_of_any_table_is_found() -> None:
    draw = random.Random(7)
    for _ in range(200):
        width, delimiter = draw.randint(2, 6), draw.choice(",;\t|")
        header = ["text", *(f"c{number}" for number in range(1, width))]
        draw.shuffle(header)
        rows = [["".join(draw.choices("ab ,;|\t0.5ä\"'", k=draw.randint(1, 12))) for _ in header] for _ in range(20)]
        data = written([header, *rows], delimiter, draw.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
        assert sniff(data, ["text"]).delimiter == delimiter, data
