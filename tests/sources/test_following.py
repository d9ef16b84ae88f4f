"""Following a file that is written to: what comes, what is rotated away, and what is lost."""

import gzip
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import PATIENCE

from headrace.documents import Document
from headrace.errors import Misconfigured
from headrace.file_options import FileOptions
from headrace.ports import Batch, Gap
from headrace.sources.files import FileSource

FOLLOW = FileOptions(follow=True)


class Log:
    """A file that is written to, and a reading of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.cursor: str | None = None
        self.source = FileSource(path, options=FOLLOW)
        self._reading: Iterator[Batch] = self.source.read()

    def write(self, *texts: str) -> None:
        with self.path.open("a") as file:
            file.write("".join(f'{{"text": "{text}"}}\n' for text in texts))

    def rename(self, number: int = 1) -> Path:
        return self.path.rename(self.path.with_name(f"{self.path.name}.{number}"))

    def read(self, *texts: str) -> None:
        """Read until these have come; nothing else may come. "!" is a gap."""
        found: list[str] = []
        while len(found) < len(texts):
            batch = next(self._reading)
            self.cursor = batch.cursor
            found += [item.text if isinstance(item, Document) else "!" for item in batch.items]
            assert all(isinstance(item, Document | Gap) for item in batch.items)
        assert found == list(texts)

    def resume(self) -> None:
        """Go on from the cursor, as after a crash."""
        self._reading.close()  # type: ignore[attr-defined]
        self.source = FileSource(self.path, options=FOLLOW)
        self._reading = self.source.read(self.cursor)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    log = Log(tmp_path / "app.jsonl")
    yield log
    log.source.close()


def test_what_is_written_is_read_when_it_comes(log: Log) -> None:
    log.write("a", "b")
    log.read("a", "b")
    log.write("c")
    log.read("c")
    assert log.source.endless
    assert log.source.name == f"files:{log.path}"


def test_a_line_is_read_when_it_is_whole(log: Log) -> None:
    log.write("a")
    log.read("a")
    with log.path.open("a") as file:
        file.write('{"text": ')
        file.flush()
        threading.Timer(0.3, lambda: (file.write('"b"}\n'), file.flush())).start()
        log.read("b")


def test_a_file_that_was_renamed_is_read_to_its_end_and_then_the_new_one(log: Log) -> None:
    log.write("a")
    log.read("a")
    log.write("b")
    old = log.rename()
    with old.open("a") as file:
        file.write('{"text": "late"}\n')
    log.write("c")
    log.read("b", "late", "c")
    log.write("d")
    log.read("d")


def test_a_file_that_begins_with_the_same_lines_is_another_one_unless_it_holds_all_that_was_read(log: Log) -> None:
    log.write("a", "b")
    log.read("a", "b")
    shutil.copy(log.path, log.path.with_name("copy"))
    with log.path.with_name("copy").open("a") as file:
        file.write('{"text": "c"}\n')
    log.path.with_name("copy").replace(log.path)  # as an editor saves it
    log.read("c")
    log.path.with_name("copy").write_text('{"text": "a"}\n{"text": "x"}\n')
    log.path.with_name("copy").replace(log.path)
    log.read("a", "x")


def test_a_file_that_is_rotated_twice_between_two_looks_loses_nothing(log: Log) -> None:
    log.write("a")
    log.read("a")
    log.rename().rename(log.path.with_name("app.jsonl.2"))
    log.write("between")
    os.utime(log.path, ns=(10**18 * 4, 10**18 * 4))
    log.rename()
    log.write("c")
    log.read("between", "c")


@pytest.mark.parametrize("read_before", [True, False])
def test_a_file_that_is_copied_and_cut_goes_on_in_the_copy(log: Log, read_before: bool) -> None:
    log.write("a", "b")
    log.read("a", "b")
    log.write("c")
    if read_before:
        log.read("c")
    shutil.copy(log.path, log.path.with_name("app.jsonl.1"))
    os.truncate(log.path, 0)
    log.write("d")
    log.read(*([] if read_before else ["c"]), "d")


def test_a_file_that_is_emptied_without_a_copy_is_a_gap(log: Log) -> None:
    log.write("a", "b")
    log.read("a", "b")
    os.truncate(log.path, 0)
    log.write("c")
    log.read("!", "c")
    log.resume()
    log.write("d")
    log.read("d")


@pytest.mark.parametrize("name", ["app.jsonl.1", "app.jsonl-20260131", "app.jsonl.1.gz", "app.jsonl.2026-01-31_10.zst"])
def test_reading_goes_on_in_the_rotated_file_after_a_crash(log: Log, name: str) -> None:
    log.write("a", "b")
    log.read("a", "b")
    log.write("c")
    data = log.path.read_bytes()
    log.path.unlink()
    log.path.with_name(name).write_bytes(gzip.compress(data) if name.endswith((".gz", ".zst")) else data)
    log.write("d")
    log.resume()
    log.read("c", "d")
    log.resume()
    log.write("e")
    log.read("e")


def test_all_files_that_were_rotated_since_a_crash_are_read_in_order(log: Log) -> None:
    log.write("a")
    log.read("a")
    log.write("b")
    for number, text in enumerate("cde"):
        os.utime(log.path, (1000 + number, 1000 + number))
        log.rename(9 - number)
        log.write(text)
    log.path.with_name("app.jsonl.lock").write_text("not mine")
    log.resume()
    log.read("b", "c", "d", "e")


def test_a_rotated_file_that_is_gone_is_a_gap(log: Log) -> None:
    log.write("a", "b")
    log.read("a", "b")
    log.path.unlink()
    log.write("c", "d")
    log.resume()
    log.read("!", "c", "d")


def test_the_only_line_that_was_read_is_told_from_another_one(log: Log) -> None:
    log.write("a")
    log.read("a")
    log.rename()
    log.write("b")
    log.resume()
    log.read("b")


def test_a_file_that_is_away_for_a_moment_is_waited_for_and_one_that_never_was_is_told(log: Log) -> None:
    with pytest.raises(Misconfigured, match=r"app\.jsonl"):
        log.read("a")
    log.resume()
    log.write("a")
    log.read("a")
    log.rename()
    log.resume()
    threading.Timer(0.3, lambda: log.write("b")).start()
    log.read("b")


def test_an_empty_file_is_waited_for(log: Log) -> None:
    log.path.touch()
    threading.Timer(0.3, lambda: log.write("a")).start()
    log.read("a")


def test_a_table_is_followed_with_the_header_of_each_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('id;text\n1;"a\nb"\n')
    reading = FileSource(path, options=FOLLOW).read()
    assert [item.text for item in next(reading).items] == ["a\nb"]  # type: ignore[union-attr]
    path.rename(tmp_path / "a.csv.1")
    path.write_text("text;id\nc;2\n")
    assert [item.text for item in next(reading).items] == ["c"]  # type: ignore[union-attr]


def test_closing_ends_the_wait(log: Log) -> None:
    log.write("a")
    with log.path.open("a") as file:
        file.write('{"text": "half')
    found: list[Batch] = []
    first = threading.Event()

    def read() -> None:
        for batch in log.source.read():
            found.append(batch)
            first.set()

    thread = threading.Thread(target=read)
    thread.start()
    assert first.wait(PATIENCE)
    log.source.close()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert [item.text for batch in found for item in batch.items] == ["a"]  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["-", "a.jsonl.gz", "a.tar", "a.zip", "pipe"])
def test_what_cannot_be_followed_is_told(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Misconfigured, match="cannot be followed"):
        next(FileSource(name if name == "-" else tmp_path / name, options=FOLLOW).read())
