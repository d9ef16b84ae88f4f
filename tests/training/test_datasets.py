"""Labelled files: what is read, what is refused with its line, and which part is held out."""

import gzip
import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.errors import Misconfigured
from headrace.training.datasets import Row, check, read
from headrace.training.holdout import split


def lines(*rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def triples(dataset):
    return [tuple(row) for row in dataset.rows]


def test_json_lines_are_read_with_their_file_as_source(tmp_path):
    path = tmp_path / "posts.jsonl"
    path.write_text(
        lines({"text": " Hej då ", "label": "sv"}, {"text": "hello", "label": "en", "source": "forum", "rating": 3})
    )
    data = read([path])
    assert triples(data) == [("Hej då", "sv", "posts"), ("hello", "en", "forum")]
    assert [(one.name, one.rows) for one in data.origins] == [("posts", 2)]
    assert data.labels == ("en", "sv")
    assert (data.malformed, data.repeated, data.contradicted) == (0, 0, 0)


def test_compressed_files_folders_and_tables_are_read(tmp_path):
    folder = tmp_path / "data" / "deep"
    folder.mkdir(parents=True)
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(lines({"text": "a", "label": 1}).encode()))
    (folder / "b.csv").write_text('label,text\nx,"b, with\na break"\n', encoding="utf-8-sig")
    (folder / "c.tsv.gz").write_bytes(gzip.compress(b"text\tlabel\nc\ty\n"))
    (folder / "notes.md").write_text("not data")
    assert triples(read([tmp_path / "data"])) == [("a", "1", "a"), ("b, with\na break", "x", "b"), ("c", "y", "c")]


def test_members_and_columns_may_have_other_names(tmp_path):
    (tmp_path / "a.csv").write_text("tweet,mood\nso nice,good\n")
    assert triples(read([tmp_path / "a.csv"], text="tweet", label="mood")) == [("so nice", "good", "a")]


def test_repeats_are_left_out_and_contradictions_counted(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(lines(*({"text": "no", "label": label} for label in ("en", "es", "en", "es", "it"))))
    data = read([path, path])
    assert [row.label for row in data.rows] == ["en", "es", "it"]
    assert (data.repeated, data.contradicted) == (2, 2)


def test_rows_that_cannot_be_used_are_counted_with_their_lines(tmp_path):
    path = tmp_path / "a.jsonl"
    bad = [
        b"{",
        b"[]",
        b'{"text": "x"}',
        b'{"text": 3, "label": "x"}',
        b'{"text": " ", "label": "x"}',
        b'{"text": "x", "label": null}',
        b'{"text": "\xff", "label": "x"}',
        b'{"text": "x", "label": ["a"]}',
    ]
    path.write_bytes(b"\n\n".join([*bad, b'{"text": "fine", "label": true}']))
    data = read([path])
    assert triples(data) == [("fine", "True", "a")]
    assert data.malformed == len(bad)
    assert data.faults[0].startswith("a.jsonl, line 1: not JSON")
    assert data.faults[2] == "a.jsonl, line 5: 'label' is missing, empty, or neither string nor number"
    assert len(data.faults) == 5


def test_a_table_with_bytes_that_are_no_utf8_loses_that_row_only(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"text,label\nfine,x\n\xff\xfe,x\nshort\n")
    data = read([tmp_path / "a.csv"])
    assert triples(data) == [("fine", "x", "a")]
    assert data.malformed == 2


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.jsonl", b"", "no labelled text was found"),
        ("a.jsonl", b"{}\n", "line 1: 'text' is missing"),
        ("a.csv", b"", "is empty; its first line should name columns"),
        ("a.csv", b"text,class\nx,y\n", "no column 'label'; its first line names 'text', 'class'"),
        ("a.jsonl.gz", b"no gzip", "is damaged"),
        ("a.jsonl.gz", gzip.compress(b'{"text": "x", "label": "y"}', mtime=0)[:-6], "is damaged"),
        ("a.txt", b"x", "give .jsonl"),
    ],
)
def test_data_that_cannot_be_used_is_named(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Misconfigured, match=words) as refusal:
        read([tmp_path / name])
    assert str(tmp_path) in str(refusal.value)


def test_a_missing_file_and_an_empty_folder_are_named(tmp_path):
    with pytest.raises(Misconfigured, match="no such file"):
        read([tmp_path / "gone.jsonl"])
    with pytest.raises(Misconfigured, match="no data files"):
        read([tmp_path])


def test_a_classifier_needs_two_labels_with_two_texts_each():
    with pytest.raises(Misconfigured, match="every row has the label 'x'"):
        check([Row("a", "x", ""), Row("b", "x", "")])
    with pytest.raises(Misconfigured, match="only one text to learn from: 'y'"):
        check([Row("a", "x", ""), Row("b", "x", ""), Row("c", "y", "")])
    with pytest.raises(Misconfigured):
        check([])
    check([Row(text, label, "") for text in "ab" for label in "xy"])


def rows_of(sizes, source="s"):
    return [Row(f"{label} text {number}", label, source) for label, size in sizes.items() for number in range(size)]


def test_of_every_label_the_same_share_is_held_out():
    train, test = split(rows_of({"a": 1000, "b": 100, "c": 10, "d": 3, "e": 2}), 0.1)
    assert Counter(row.label for row in test) == {"a": 100, "b": 10, "c": 1, "d": 1}
    assert Counter(row.label for row in train) == {"a": 900, "b": 90, "c": 9, "d": 2, "e": 2}


def test_another_seed_holds_out_others_and_the_same_seed_the_same():
    rows = rows_of({"a": 200, "b": 200})
    assert split(rows, seed=1)[1] == split(rows, seed=1)[1] != split(rows, seed=2)[1]
    assert set(split(rows[::-1], seed=1)[1]) == set(split(rows, seed=1)[1])


words = st.text(alphabet="aAbBß \t", min_size=1, max_size=4)


@given(st.lists(st.tuples(words, st.sampled_from("xyz")), min_size=8), st.floats(0.05, 0.6))
def test_no_text_is_on_both_sides_whatever_its_case_and_blanks(pairs, test_size):
    rows = [Row(text, label, "s") for text, label in dict.fromkeys(pairs)]
    try:
        train, test = split(rows, test_size)
    except Misconfigured:
        return
    sides = [{" ".join(row.text.casefold().split()) for row in side} for side in (train, test)]
    assert sides[0].isdisjoint(sides[1])
    assert sorted(train + test) == sorted(rows)


def test_by_source_whole_sources_are_held_out_and_their_texts_with_them():
    rows = [row for number in range(10) for row in rows_of({"a": 20, "b": 20}, f"source {number}")]
    rows = [row._replace(text=f"{row.text} {row.source}") for row in rows] + [Row("a text 0 source 3", "a", "source 4")]
    train, test = split(rows, 0.3, by="source")
    held = {row.source for row in test if row.text.endswith(row.source)}
    assert len(held) == 3
    assert {row.source for row in train}.isdisjoint(held)
    assert {row.text for row in train}.isdisjoint(row.text for row in test)


def test_a_source_that_alone_has_a_label_is_never_held_out():
    rows = rows_of({"a": 50}, "one") + rows_of({"b": 50}, "two")
    with pytest.raises(Misconfigured, match="no source can be held out whole"):
        split(rows, 0.5, by="source")


@pytest.mark.parametrize("share", [0, 1, -0.1, 2])
def test_the_part_held_out_lies_between_nothing_and_all(share):
    with pytest.raises(Misconfigured, match="between 0 and 1"):
        split(rows_of({"a": 10}), share)


def test_too_few_rows_to_hold_any_out_are_told():
    with pytest.raises(Misconfigured, match="too few to hold out"):
        split(rows_of({"a": 2, "b": 2}))
