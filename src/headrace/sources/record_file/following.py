"""Following a file that is written to, as `tail -F` does: across its rotation by renaming, and by copying and cutting.

A rotated file is looked for beside the one that is followed: `NAME.1`, `NAME-20260131`, `NAME.1.gz` and the like. The cursor is that of the
file that was read last, so that after a pause the rest of a rotated file is read first.
"""

import os
import re
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple

from headrace.errors import Misconfigured
from headrace.ports import Batch, Gap
from headrace.sources import cursors
from headrace.sources.cursors import Changed, Cursor, Digest
from headrace.sources.record_file.content import Content, How, TextContent
from headrace.sources.record_file.filling import Filling

POLL_SECONDS = 0.1  #: between two looks whether there is more
_ROTATED = re.compile(r"[.-]\d[\d._T:-]*(\.(gz|bz2|xz|zst))?", re.IGNORECASE)  # the end of a name
_LOST = "was replaced or emptied, and the file that it was before is not beside it; lines may be missing"


class Place(NamedTuple):
    """Where to read on: files that were rotated, oldest first, then the one that is followed. `start` is a cursor of the first of them."""

    rotated: Sequence[Path]
    start: Cursor
    lost: bool = False


class Tail:
    """Reads a file, and waits at its end for more, until another one has its name, it is `cut` short, or reading is closed."""

    def __init__(self, file: IO[bytes], path: Path, closed: threading.Event) -> None:
        self._file, self._path, self._closed = file, path, closed
        self._at = 0
        self.cut = False

    def __call__(self, size: int) -> bytes:
        replaced = False
        while not self._closed.is_set():
            if chunk := self._file.read(size):
                self._at += len(chunk)
                return chunk
            self.cut = self.status().st_size < self._at
            if self.cut or replaced:
                break
            replaced = self._is_replaced()  # look once more: its writer may have written until now
            if not replaced:
                self._closed.wait(POLL_SECONDS)
        return b""

    def begun(self) -> bool:
        """Wait for the first byte; whether it has come."""
        while not self._closed.is_set() and not self.status().st_size:
            if self._is_replaced():
                return False
            self._closed.wait(POLL_SECONDS)
        return not self._closed.is_set()

    def status(self) -> os.stat_result:
        """That of the file that is read, whatever its name is now."""
        return os.fstat(self._file.fileno())

    def _is_replaced(self) -> bool:
        """Whether a file that is not empty has the name now. Until then, its writer may go on with this one."""
        try:
            now = self._path.stat()
        except FileNotFoundError:
            return False
        return now.st_size > 0 and not os.path.samestat(now, self.status())


class Followed:
    """A file that is followed from a cursor until reading is closed."""

    def __init__(self, path: Path, shown: str, how: How, closed: threading.Event) -> None:
        self._path, self._shown, self._how, self._closed = path, shown, how, closed

    def read(self, done: Cursor, filling: Filling) -> Iterator[Batch]:
        """The batches after the cursor. Raises OSError if there is no such file, and Misconfigured for what is no file."""
        if self._path.exists() and not self._path.is_file():
            raise Misconfigured(f"{self._shown} cannot be followed: it is not a file; leave out --follow")
        place, known = self._place(done), False
        while not self._closed.is_set():
            if place.lost:
                yield filling.lost(Gap(f"{self._shown} {_LOST}"))
            try:
                for path in place.rotated:
                    with path.open("rb", buffering=0) as file:
                        yield from self._of(
                            TextContent(file.read, str(self._path), str(path), self._how), place.start, filling
                        )
                    place, known = Place(place.rotated[1:], Cursor()), True
            except (Changed, FileNotFoundError):  # rotated once more
                place = self._place(cursors.read(filling.cursor) if filling.cursor else place.start)
                continue
            if (current := self._opened(wait=known)) is None:
                return
            with current:
                known, place = True, (yield from self._current(Tail(current, self._path, self._closed), place, filling))

    def _current(self, tail: Tail, place: Place, filling: Filling) -> Generator[Batch, None, Place]:
        """The batches of the file that has the name now, until it loses it; where to read on then."""
        done = place.start
        if tail.begun():
            try:
                content = TextContent(tail, str(self._path), self._shown, self._how, live=True)
                yield from self._of(content, done, filling)
            except Changed:
                return self._place(done)
            done = cursors.read(filling.cursor) if filling.cursor else done
        return self._place(done) if tail.cut else self._after(tail.status(), done)

    def _of(self, content: Content, start: Cursor, filling: Filling) -> Iterator[Batch]:
        yield from filling.of(content, "", start)
        if not self._closed.is_set():
            yield from filling.rest()

    def _opened(self, *, wait: bool) -> IO[bytes] | None:
        """The file; None if reading was closed while it was waited for."""
        while not self._closed.is_set():
            try:
                return self._path.open("rb", buffering=0)
            except FileNotFoundError:
                if not wait:
                    raise
                self._closed.wait(POLL_SECONDS)
        return None

    def _place(self, done: Cursor) -> Place:
        """Where to read on after a cursor, whatever happened to the file since."""
        if not done.records or self._holds(self._path, done):
            return Place([], done)
        rotated = self._rotated()
        for number, path in enumerate(rotated):
            if self._holds(path, done):
                return Place(rotated[number::-1], done)
        return Place([], Cursor(), lost=self._path.exists())

    def _after(self, old: os.stat_result, done: Cursor) -> Place:
        """Where to read on when a file was read to its end, and another one has its name."""
        if done.records and self._holds(self._path, done):
            return Place([], done)  # it was rewritten with what it held
        between: list[Path] = []
        for path in reversed(self._rotated()):
            with suppress(FileNotFoundError):
                status = path.stat()
                if status.st_mtime_ns > old.st_mtime_ns and not os.path.samestat(status, old):
                    between.append(path)
        return Place(between, Cursor())

    def _rotated(self) -> list[Path]:
        """The files beside this one that it was before, newest first."""
        name, found = self._path.name, []
        for path in self._path.absolute().parent.iterdir():
            if path.name.startswith(name) and _ROTATED.fullmatch(path.name[len(name) :]):
                with suppress(FileNotFoundError):
                    found.append((path.stat().st_mtime_ns, path))
        return [path for _, path in sorted(found, reverse=True)]

    def _holds(self, path: Path, done: Cursor) -> bool:
        """Whether a file begins with the records that the cursor tells of.

        The last of them may have been written to its end since, unless it is the only one.
        """
        digest, previous = Digest(), b""
        try:
            with path.open("rb", buffering=0) as file:
                records = TextContent(file.read, str(self._path), str(path), self._how).records()
                for number, record in enumerate(records, 1):
                    if number > 1:
                        digest.add(previous)
                    previous = record.data
                    if number == done.records:
                        is_last = cursors.hash_of(record.data) == done.last
                        return digest.value() == done.digest and (is_last or number > 1)
        except (Misconfigured, FileNotFoundError):
            return False
        return False
