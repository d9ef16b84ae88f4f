"""What the workers of one parent tell it."""

import os
from pathlib import Path

import pytest

from headrace.documents import microseconds
from headrace.ports import FORGET_SECONDS, WorkerStatus
from headrace.worker import status_files


def status(state: str = "working", seen_at: int | None = None) -> WorkerStatus:
    seen_at = microseconds() if seen_at is None else seen_at
    return WorkerStatus("host:1", 5, seen_at, state, ("language@aaaaaa",), {"stored": 3}, b"\x00\xff")


def test_what_was_written_last_is_read_as_it_was(tmp_path: Path) -> None:
    write = status_files.writer(tmp_path)
    write(status("starting"))
    last = status()
    write(last)
    (read,) = status_files.read(tmp_path)
    assert (read.name, read.started_at, read.seen_at, read.state) == ("host:1", 5, last.seen_at, "working")
    assert (list(read.models), read.counts, read.metrics) == (["language@aaaaaa"], {"stored": 3}, b"\x00\xff")
    assert len(status_files.read(tmp_path)) == 1


@pytest.mark.parametrize("gone", [status("stopped"), status(seen_at=microseconds() - FORGET_SECONDS * 1_000_000 - 1)])
def test_the_last_word_of_a_worker_that_is_gone_is_read_once(gone: WorkerStatus, tmp_path: Path) -> None:
    status_files.writer(tmp_path)(gone)
    assert [one.state for one in status_files.read(tmp_path)] == [gone.state]
    assert status_files.read(tmp_path) == []
    assert not list(tmp_path.iterdir())


def test_what_is_no_status_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / f"1{status_files.SUFFIX}").write_bytes(b"nonsense")
    status_files.writer(tmp_path)(status())
    assert len(status_files.read(tmp_path)) == 1


def test_a_folder_that_is_gone_stops_nobody(tmp_path: Path) -> None:
    status_files.writer(tmp_path / "gone")(status())
    assert status_files.read(tmp_path / "gone") == []


def test_each_process_has_a_file_of_its_own(tmp_path: Path) -> None:
    status_files.writer(tmp_path)(status())
    assert [path.name for path in tmp_path.iterdir()] == [f"{os.getpid()}{status_files.SUFFIX}"]
