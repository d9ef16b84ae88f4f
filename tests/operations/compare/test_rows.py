"""The texts on which models are compared."""

import gzip
import json
from pathlib import Path

import pytest

from headrace.errors import Misconfigured
from headrace.operations.compare.rows import Rows, read


def written(folder: Path, *rows: object, name: str = "data.jsonl") -> list[Path]:
    path = folder / name
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return [path]


def of(data: list[Path], **mapping: str) -> list[tuple[str, str]]:
    found = read(data, mapping=mapping)
    return list(zip(found.texts, found.labels, strict=True))


def test_a_label_may_be_missing(tmp_path: Path) -> None:
    data = written(
        tmp_path, {"text": "a", "label": "x"}, {"text": "b"}, {"text": "c", "label": None}, {"text": "d", "label": ""}
    )
    assert of(data) == [("a", "x"), ("b", ""), ("c", ""), ("d", "")]
    assert read(data, mapping={}).labelled == 1


def test_labels_are_written_as_train_writes_them(tmp_path: Path) -> None:
    rows = [{"text": "a", "label": label} for label in (1, 1.0, "1.0", " 1 ", 0, True, "very  good", "NaN")]
    assert [label for _, label in of(written(tmp_path, *rows))] == ["1", "1", "1", "1", "0", "True", "very good", ""]


def test_labels_are_renamed_at_once_and_those_that_are_not_named_stay(tmp_path: Path) -> None:
    data = written(tmp_path, *({"text": "a", "label": label} for label in ("x", "y", "z")), {"text": "a"})
    assert [label for _, label in of(data, x="y", y="x")] == ["y", "x", "z", ""]


def test_what_the_map_names_and_no_row_has_is_told(tmp_path: Path) -> None:
    data = written(tmp_path, {"text": "a", "label": 1})
    assert read(data, mapping={"1": "one", "2": "two"}).unmapped == ("2",)


def test_texts_are_taken_as_they_are_and_each_time(tmp_path: Path) -> None:
    data = written(tmp_path, *({"text": text} for text in (" a ", "a", "a", "🙂👍🏽", "\u202eabc", "a\r\nb")))
    assert [text for text, _ in of(data)] == [" a ", "a", "a", "🙂👍🏽", "\u202eabc", "a\r\nb"]


@pytest.mark.parametrize("columns", ["text,label", "label,text", "id,text,label"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_tables_are_read_with_any_line_end_and_a_byte_order_mark(tmp_path: Path, columns: str, end: str) -> None:
    cells = {"text": '"a, b"', "label": "1", "id": "7"}
    path = tmp_path / "data.csv"
    lines = [columns, ",".join(cells[name] for name in columns.split(",")), ""]
    path.write_bytes(b"\xef\xbb\xbf" + end.join(lines).encode())
    assert of([path]) == [("a, b", "1")]


def test_a_table_needs_no_column_of_labels(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("text\na\n")
    assert of([path]) == [("a", "")]


def test_folders_and_compressed_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "data.jsonl.gz").write_bytes(gzip.compress(b'{"text": "a", "label": "x"}\n'))
    (tmp_path / "in" / "notes.txt").write_text("not data")
    assert of([tmp_path / "in"]) == [("a", "x")]


def test_malformed_rows_are_counted_the_first_are_told_and_the_others_are_used(tmp_path: Path) -> None:
    wrong = ["no json", "[1]", {"label": "x"}, {"text": " "}, {"text": 1}, {"text": "a", "label": ["x"]}]
    found = read(written(tmp_path, {"text": "a"}, *wrong, {"text": "b"}), mapping={})
    assert (found.texts, found.malformed, len(found.faults)) == (["a", "b"], 6, 5)
    assert "data.jsonl, line 2" in found.faults[0]
    assert "'text' is missing" in found.faults[2]


def test_half_of_a_surrogate_pair_is_malformed(tmp_path: Path) -> None:
    data = written(tmp_path, '{"text": "a\\ud83d"}', {"text": "b"})
    assert (of(data), read(data, mapping={}).malformed) == ([("b", "")], 1)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "no text was found in"),
        ('{"label": "x"}\n', "'text' is missing, empty or not a string"),
        ("\n\n", "needs 'text'"),
    ],
    ids=["empty", "no text", "blank lines"],
)
def test_data_without_any_text_is_an_error(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text(content)
    with pytest.raises(Misconfigured, match=reason):
        read([path], mapping={})


def test_a_sample_is_the_same_for_the_same_seed_and_in_the_order_of_the_data() -> None:
    rows = Rows([f"{n:03}" for n in range(200)], ["x"] * 200, malformed=3)
    some = rows.sampled(20, seed=1)
    assert len(some.texts) == len(some.labels) == 20
    assert list(some.texts) == sorted(some.texts)
    assert some == rows.sampled(20, seed=1) != rows.sampled(20, seed=2)
    assert some.malformed == 3


@pytest.mark.parametrize("most", [None, 2, 3, 1_000_000])
def test_a_sample_of_all_rows_is_the_rows(most: int | None) -> None:
    rows = Rows(["a", "b"], ["", "x"])
    assert rows.sampled(most, seed=0) is rows
