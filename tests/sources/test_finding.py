"""The files that a path, a folder or a pattern stands for."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from headrace.errors import Misconfigured
from headrace.file_options import FileOptions
from headrace.sources.files import FileSource
from headrace.sources.finding import find

NAMES = [
    "b.jsonl",
    "a.csv.gz",
    "2026/01/x.TXT",
    "2026/02/x.json.bz2",
    "2026/readme.md",
    "2026/.hidden.csv",
    ".git/a.csv",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES:
        path = tmp_path / "logs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text\n")
    return tmp_path / "logs"


def found(path: Path | str, folder: Path, *, all_files: bool = False) -> Sequence[str]:
    return [os.path.relpath(one, folder) for one in find(str(path), all_files=all_files)]


def test_a_folder_stands_for_its_data_files_in_order(folder: Path) -> None:
    data = ["2026/01/x.TXT", "2026/02/x.json.bz2", "a.csv.gz", "b.jsonl"]
    assert found(folder, folder) == data
    assert found(f"{folder}/", folder) == data
    assert found(folder, folder, all_files=True) == sorted([*data, "2026/readme.md"])


def test_a_pattern_stands_for_the_files_that_match(folder: Path) -> None:
    assert found(f"{folder}/*.jsonl", folder) == ["b.jsonl"]
    assert found(f"{folder}/**/x.*", folder) == ["2026/01/x.TXT", "2026/02/x.json.bz2"]
    assert found(f"{folder}/2026/*", folder) == ["2026/01/x.TXT", "2026/02/x.json.bz2", "2026/readme.md"]
    assert found(f"{folder}/[ab].*", folder) == ["a.csv.gz", "b.jsonl"]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(folder: Path) -> None:
    (folder / "[ab].csv").write_text("text\n")
    assert found(f"{folder}/[ab].csv", folder) == ["[ab].csv"]


def test_a_file_that_does_not_exist_is_left_for_the_reading_to_tell(folder: Path) -> None:
    assert found(folder / "missing.csv", folder) == ["missing.csv"]


def test_a_pattern_or_folder_without_files_is_misconfigured(folder: Path) -> None:
    with pytest.raises(Misconfigured, match=r"no file matches .*/\*\.parquet; check the pattern, and quote it"):
        find(f"{folder}/*.parquet")
    (folder / "empty").mkdir()
    with pytest.raises(Misconfigured, match=r"there are no data files in .*/empty; known are \.jsonl"):
        find(str(folder / "empty"))


def test_each_file_of_a_folder_is_a_source_with_a_name_of_its_own(folder: Path) -> None:
    each = FileSource.from_url(f"files:{folder}?format=text").each()
    assert [one.name for one in each] == [f"files:{path}" for path in find(str(folder), all_files=True)]
    (batch,) = each[0].read()
    assert [item.text for item in batch.items] == ["text"]  # type: ignore[union-attr]
    alone = FileSource(folder / "b.jsonl", options=FileOptions("text"))
    assert list(alone.each()) == [alone]
