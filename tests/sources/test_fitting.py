"""Fields that no record of a file has are told before anything is read; a record that lacks one is malformed alone."""

import json
from pathlib import Path

import pytest

from headrace.documents import Document
from headrace.errors import Misconfigured
from headrace.fields import Fields
from headrace.file_options import FileOptions
from headrace.ports import Malformed
from headrace.sources.files import FileSource
from headrace.testing.sources import Item, items


def ingested(path: Path, data: bytes, kind: str = "", **named: str) -> list[Item]:
    path.write_bytes(data)
    return items(list(FileSource(path, options=FileOptions(kind), fields=Fields.parse(**named)).read()))


def test_a_field_that_no_record_has_is_told_with_those_that_are_there(tmp_path: Path) -> None:
    data = b'{"n": 1, "tweet": "a"}\n{"n": 2, "tweet": "b"}\n'
    with pytest.raises(Misconfigured, match=r"line 2 has no member 'twete'; it has 'n', 'tweet'; did you mean tweet\?"):
        ingested(tmp_path / "a.jsonl", data, text="twete")
    with pytest.raises(Misconfigured, match="no member 'number'; it has 'n', 'tweet'"):
        ingested(tmp_path / "a.jsonl", data, text="tweet", id="number")


def test_a_record_that_lacks_a_field_is_malformed_and_the_others_are_read(tmp_path: Path) -> None:
    found = ingested(tmp_path / "a.jsonl", b'{"other": 1}\n\n{"tweet": "a"}\n{"tweet": 5}\n', text="tweet")
    assert [type(item) for item in found] == [Malformed, Document, Malformed]
    assert [item.reason for item in found if isinstance(item, Malformed)] == [
        "the document has no member 'tweet'; it has 'other'",
        "'text' must be a string, not a number",
    ]


def test_a_field_may_begin_late_in_a_file(tmp_path: Path) -> None:
    lines = [*(json.dumps({"n": n}) for n in range(900)), '{"tweet": "late"}']
    found = ingested(tmp_path / "a.jsonl", "\n".join(lines).encode(), text="tweet")
    assert sum(isinstance(item, Document) for item in found) == 1


def test_nothing_is_told_of_a_file_without_records(tmp_path: Path) -> None:
    assert ingested(tmp_path / "a.jsonl", b"\n\n", text="tweet") == []


def test_a_table_needs_every_column_that_is_named(tmp_path: Path) -> None:
    data = "no,tweet,day,mood\n1,schön,2026-01-02,good\n2,,,\n3,b\n".encode()
    found = ingested(tmp_path / "a.csv", data, text="tweet", id="no", created_at="day", meta="mood")
    assert found[0] == Document("1", "schön", "files", "2026-01-02", {"mood": "good"})
    assert isinstance(found[1], Malformed)
    assert found[1].reason == "'text' is empty"
    assert found[2] == Document("3", "b", "files")
    with pytest.raises(Misconfigured, match="no column 'number'; the columns are 'no', 'tweet', 'day', 'mood'"):
        ingested(tmp_path / "a.csv", data, text="tweet", id="number")


def test_an_obvious_column_is_suggested_and_not_guessed(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"no column 'text'; .*; if the text is in 'Tweet', say so: --text Tweet"):
        ingested(tmp_path / "a.csv", b"id,Tweet\n1,a\n")
    with pytest.raises(Misconfigured, match=r"the columns are 'body', 'tweet'$"):
        ingested(tmp_path / "a.csv", b"body,tweet\n1,a\n")


def test_the_columns_of_a_foreign_table_may_have_our_names_for_something_else(tmp_path: Path) -> None:
    (found,) = ingested(tmp_path / "a.csv", b"tweet,meta,text\na,not JSON,b\n", text="tweet")
    assert isinstance(found, Document)
    assert (found.text, found.meta) == ("a", {"meta": "not JSON", "text": "b"})


def test_plain_text_has_no_members(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="plain text have no members"):
        ingested(tmp_path / "a.txt", b"one\ntwo\n", text="tweet")
