"""Files and folders that are put in place by an atomic rename, interrupted at every step."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from headrace import durable


class Interrupted(Exception):
    pass


@pytest.fixture
def record(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str]]]:
    """The steps that reach the disk, in order, each with the name of what it touches."""
    steps: list[tuple[str, str]] = []
    names: dict[int, str] = {}
    fsync, replace, rename, opening = os.fsync, os.replace, os.rename, os.open

    def noted_open(path, *arguments, **options):
        descriptor = opening(path, *arguments, **options)
        names[descriptor] = Path(path).name
        return descriptor

    def noted_fsync(descriptor: int) -> None:
        steps.append(("fsync", names[descriptor]))
        fsync(descriptor)

    def noted(step: str, real: Callable[..., None]) -> Callable[..., None]:
        def call(source, target, **options):
            steps.append((step, Path(target).name))
            real(source, target, **options)

        return call

    monkeypatch.setattr(os, "open", noted_open)
    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted("replace", replace))
    monkeypatch.setattr(os, "rename", noted("rename", rename))
    yield steps
    monkeypatch.undo()


def test_a_file_is_flushed_before_it_is_put_in_place_and_its_folder_after(tmp_path, record) -> None:
    durable.write(tmp_path / "file", b"new")
    (first, draft), *rest = record
    assert (first, draft[:7], draft[-5:]) == ("fsync", durable.DRAFT, "-file")
    assert rest == [("replace", "file"), ("fsync", tmp_path.name)]
    assert (tmp_path / "file").read_bytes() == b"new"


def test_a_folder_is_flushed_with_its_files_before_it_is_put_in_place_and_its_parent_after(tmp_path, record) -> None:
    draft = tmp_path / "draft"
    draft.mkdir()
    for name in ("a", "b"):
        (draft / name).write_text(name)
    durable.place(draft, tmp_path / "final")
    assert sorted(record[:2]) == [("fsync", "a"), ("fsync", "b")]
    assert record[2:] == [("fsync", "draft"), ("rename", "final"), ("fsync", tmp_path.name)]
    assert {path.name for path in (tmp_path / "final").iterdir()} == {"a", "b"}


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_whatever_step_is_interrupted_the_old_file_stands_or_the_new_one_whole(tmp_path, monkeypatch, step) -> None:
    path, old, new = tmp_path / "file", b"old" * 100, b"new" * 1000
    path.write_bytes(old)
    real = getattr(os, step)
    for limit in range(4):
        done = iter(range(limit))

        def stop(*arguments, done=done, **options):
            if next(done, None) is None:
                raise Interrupted
            return real(*arguments, **options)

        with monkeypatch.context() as patch:
            patch.setattr(os, step, stop)
            try:
                durable.write(path, new)
            except Interrupted:
                assert path.read_bytes() in (old, new)
                assert [entry.name for entry in tmp_path.iterdir()] == ["file"], "a draft was left behind"
                continue
        break
    else:
        pytest.fail(f"{step} was called more often than this test expects")
    assert limit, f"{step} was never called"
    assert path.read_bytes() == new


def test_a_block_that_raises_leaves_the_old_file_and_no_draft(tmp_path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with contextlib.suppress(Interrupted), durable.replacing(path) as draft:
        draft.write_bytes(b"half")
        raise Interrupted
    assert [(entry.name, entry.read_bytes()) for entry in tmp_path.iterdir()] == [("file", b"old")]


def test_two_writers_at_once_leave_the_whole_file_of_the_last(tmp_path) -> None:
    path = tmp_path / "file"
    with durable.replacing(path) as first, first.open("wb") as slow:
        slow.write(b"first half, ")
        durable.write(path, b"whole")
        assert path.read_bytes() == b"whole"
        slow.write(b"second half")
    assert path.read_bytes() == b"first half, second half"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_gets_the_permissions_that_the_user_gives_new_files(tmp_path) -> None:
    before = os.umask(0o027)
    try:
        durable.write(tmp_path / "file", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


def test_a_folder_is_not_put_over_one_that_holds_files(tmp_path) -> None:
    for name in ("draft", "final"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    with pytest.raises(OSError, match=r"not empty|exists"):
        durable.place(tmp_path / "draft", tmp_path / "final")
    assert (tmp_path / "final" / "file").read_text() == "final"


def test_sweeping_removes_drafts_of_both_kinds_and_nothing_else(tmp_path) -> None:
    (tmp_path / "kept").write_text("")
    (tmp_path / f"{durable.DRAFT}1234-file").write_text("")
    (tmp_path / f"{durable.DRAFT}version").mkdir()
    (tmp_path / f"{durable.DRAFT}version" / "file").write_text("")
    durable.sweep(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["kept"]
