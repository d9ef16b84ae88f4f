"""Labelled files: what is read from them, and what is refused with its line."""

import gzip
import json

import pytest

from headrace.errors import Misconfigured
from headrace.fields import Field, Fields
from headrace.training.datasets import Row, check, read


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
    assert triples(read([tmp_path / "a.csv"], fields=Fields.parse(text="tweet"), label=Field("mood"))) == [
        ("so nice", "good", "a")
    ]


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
        b"[5]",
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
    assert data.faults[0].startswith(f"{path}, line 1: the document is not JSON")
    assert data.faults[2] == f"{path}, line 5: 'label' is missing, empty, or neither string nor number"
    assert len(data.faults) == 5


def test_a_table_loses_only_the_rows_that_are_not_utf8(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"text,label\nfine,x\n\xff\xfe,x\nshort\n")
    data = read([tmp_path / "a.csv"])
    assert triples(data) == [("fine", "x", "a")]
    assert data.malformed == 2


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.jsonl", b"", "no labelled text was found"),
        ("a.jsonl", b"{}\n", "line 1: 'text' is missing"),
        ("a.csv", b"", "there is no column 'text'; it is empty"),
        ("a.csv", b"text,class\nx,y\n", "there is no column 'label'; the columns are 'text', 'class'"),
        ("a.jsonl.gz", b"no gzip", "is damaged"),
        ("a.jsonl.gz", gzip.compress(b'{"text": "x", "label": "y"}', mtime=0)[:-6], "is damaged"),
        (
            "a.csv.gz",
            gzip.compress(b"text,label\n" + bytes(range(32, 127)) * 90, mtime=0)[:60] + b"\xff" * 40,
            "is damaged",
        ),
        ("a.txt", b"x", "give .jsonl"),
    ],
)
def test_data_that_can_not_be_used_is_refused_by_name(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Misconfigured, match=words) as refusal:
        read([tmp_path / name])
    assert str(tmp_path) in str(refusal.value)


def test_a_stray_quote_costs_its_own_row_alone(tmp_path):
    (tmp_path / "a.csv").write_text('text,label\n"a,x\nb,x\nc,y\n5" d,y\n"two\nlines",y\n')
    data = read([tmp_path / "a.csv"])
    assert [row.text for row in data.rows] == ["b", "c", '5" d', "two\nlines"]
    assert data.malformed == 1
    assert data.faults[0].startswith(f"{tmp_path}/a.csv, line 2: a quote opens a field")


def test_lists_and_padded_gzip_files_are_read(tmp_path):
    rows = json.dumps([{"text": "a", "label": "x"}, {"text": "b", "label": "y", "score": float("nan")}], indent=1)
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(rows.encode()) + bytes(512))
    assert [row.text for row in read([tmp_path / "a.json.gz"]).rows] == ["a", "b"]


def test_a_missing_file_and_an_empty_folder_are_refused_by_name(tmp_path):
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
