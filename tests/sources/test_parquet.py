"""Parquet files: their rows are records, read a part at a time."""

import sys
import tracemalloc
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace.documents import Document
from headrace.errors import Misconfigured
from headrace.fields import Fields
from headrace.file_options import FileOptions
from headrace.ports import Batch, Malformed
from headrace.sources.files import FileSource


def write(path: Path, columns: dict[str, Any], rows: int | None = None) -> Path:
    pq.write_table(pa.table(columns), path, row_group_size=rows)
    return path


def read(path: Path, **named: str) -> list[Document | Malformed]:
    source = FileSource(path, fields=Fields.parse(**named))
    return [item for batch in source.read() for item in batch.items]  # type: ignore[misc]


def test_rows_are_documents_of_any_shape(tmp_path: Path) -> None:
    columns = {
        "no": [7, 8],
        "tweet": ["schön", None],
        "at": [datetime(2026, 1, 31, 12, tzinfo=UTC), None],
        "day": [date(2026, 1, 31), None],
        "price": [Decimal("1.50"), None],
        "score": [float("nan"), 0.5],
        "raw": [b"bytes", None],
        "user": [{"name": "anna", "tags": ["a"]}, None],
    }
    first, second = read(write(tmp_path / "a.parquet", columns), text="tweet", id="no", created_at="at")
    meta = {
        "day": "2026-01-31",
        "price": "1.50",
        "raw": "bytes",
        "score": None,
        "user": {"name": "anna", "tags": ["a"]},
    }
    assert first == Document("7", "schön", "files", "2026-01-31T12:00:00Z", meta)
    assert isinstance(second, Malformed)
    assert second.where == f"{tmp_path}/a.parquet, row 2"


def test_no_column_of_a_repeated_name_is_lost_and_one_that_is_needed_is_refused(tmp_path: Path) -> None:
    table = pa.table([["a"], ["b"], ["c"], ["d"]], names=["tweet", "x", "x", "x.1"])
    pq.write_table(table, tmp_path / "a.parquet")
    (document,) = read(tmp_path / "a.parquet", text="tweet")
    assert isinstance(document, Document)
    assert document.meta == {"x": "b", "x.2": "c", "x.1": "d"}
    (named,) = read(tmp_path / "a.parquet", text="x.2")
    assert isinstance(named, Document)
    assert named.text == "c"
    with pytest.raises(Misconfigured, match="there are 2 columns 'x'; rename all but one"):
        read(tmp_path / "a.parquet", text="tweet", meta="x")
    pq.write_table(pa.table([["a"], ["b"]], names=["text", "text"]), tmp_path / "b.parquet")
    with pytest.raises(Misconfigured, match=r"b.parquet: there are 2 columns 'text'; rename all but one"):
        read(tmp_path / "b.parquet")


def test_documents_in_columns_of_the_usual_names_are_read(tmp_path: Path) -> None:
    columns = {"id": ["1", "2"], "text": ["a", "b"], "meta": ['{"x": 1}', "no JSON"], "likes": [3, 4]}
    first, second = read(write(tmp_path / "a.PARQUET", columns))
    assert first == Document("1", "a", "files", None, {"likes": 3, "x": 1})
    assert isinstance(second, Malformed)
    assert "not JSON" in second.reason


def test_a_pointer_names_a_field_of_a_column(tmp_path: Path) -> None:
    (found,) = read(write(tmp_path / "a.parquet", {"post": [{"body": "a"}], "n": [1]}), text="/post/body")
    assert found == Document(found.id, "a", "files", None, {"n": 1, "post": {}})  # type: ignore[union-attr]


def test_a_column_that_is_missing_is_told_with_those_that_are_there(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", {"id": [1], "tweet": ["a"]})
    with pytest.raises(Misconfigured, match=r"no column 'text'; the columns are 'id', 'tweet'; .* --text tweet"):
        read(path)
    with pytest.raises(Misconfigured, match="no column 'label'"):
        list(FileSource(path, fields=Fields.parse(text="tweet"), others=["label"]).records())


def test_reading_goes_on_at_any_row_and_notices_another_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", {"text": [f"text {number}" for number in range(3000)]}, rows=700)
    batches: list[Batch] = list(FileSource(path, batch=900).read())
    texts = [item.text for batch in batches for item in batch.items if isinstance(item, Document)]
    assert texts == [f"text {number}" for number in range(3000)]
    rest = [item.text for batch in FileSource(path).read(batches[1].cursor) for item in batch.items]  # type: ignore[union-attr]
    assert rest == texts[1800:]
    write(path, {"text": ["another"] * 3000})
    assert next(FileSource(path).read(batches[1].cursor)).restarted
    assert [len(block) for block in FileSource(path).blocks()] == [1000, 1000, 1000]


def test_a_file_is_read_in_bounded_memory(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", {"text": [f"{number} {'x' * 500}" for number in range(60_000)]}, rows=5000)
    tracemalloc.start()
    number = sum(len(batch.items) for batch in FileSource(path).read())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert number == 60_000
    assert peak < 10_000_000


@pytest.mark.parametrize("damage", ["cut", "text", "empty", "inside"])
def test_what_is_no_parquet_file_is_told(tmp_path: Path, damage: str) -> None:
    path = write(tmp_path / "a.parquet", {"text": [f"text {number} {'x' * 50}" for number in range(5000)]}, rows=1000)
    data = path.read_bytes()
    inside = data[: len(data) // 2] + bytes(200) + data[len(data) // 2 + 200 :]
    path.write_bytes({"cut": data[:-10], "text": b"text\na\n", "empty": b"", "inside": inside}[damage])
    found: list[object] = []
    try:
        found += [item for batch in FileSource(path).read() for item in batch.items]
    except Misconfigured as error:
        assert f"reading {path}: the Parquet file is damaged or cut short" in str(error)  # noqa: PT017
    else:
        pytest.fail("it was read to its end")


def test_a_format_that_is_given_wins_over_the_name(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", {"text": ["a"]}).rename(tmp_path / "part-0")
    (batch,) = FileSource(tmp_path / "part-0", options=FileOptions("parquet")).read()
    assert len(batch.items) == 1


def test_a_missing_library_is_told_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.parquet", {"text": ["a"]})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(Misconfigured, match=r"a Parquet file needs pyarrow: pip install 'headrace\[parquet\]'"):
        read(path)


def test_nanoseconds_are_cut_to_microseconds(tmp_path: Path) -> None:
    at = pa.array([1_700_000_000_123_456_789], pa.timestamp("ns", "UTC"))
    (found,) = read(write(tmp_path / "a.parquet", {"text": ["a"], "created_at": at}))
    assert isinstance(found, Document)
    assert found.created_at == "2023-11-14T22:13:20.123456Z"
