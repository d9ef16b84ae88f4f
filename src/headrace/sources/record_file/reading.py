"""Reading the records of a file in batches.

The cursor counts records. It has a hash of them too, so that another file of the same name is read from its start, and one of the last
record alone, so that a record that was still being written is read again when it is complete.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from headrace.errors import Misconfigured, system_error
from headrace.fields import USUAL, Fields
from headrace.file_options import UNSAID, FileOptions
from headrace.ports import Batch
from headrace.sources import cursors, saved_cursors
from headrace.sources.compression import promised
from headrace.sources.cursors import Changed, Cursor, Digest
from headrace.sources.finding import archive_kind, find
from headrace.sources.record_file.content import Content, How
from headrace.sources.record_file.failures import Failures
from headrace.sources.record_file.filling import BATCH, Filling, Reader
from headrace.sources.record_file.following import Followed
from headrace.sources.record_file.opening import contents, is_parquet
from headrace.sources.record_file.remote import found, is_remote
from headrace.sources.records import FORMATS, Record
from headrace.sources.transcoding import known_encoding

FILE_FORMATS = (*FORMATS, "parquet")
T = TypeVar("T")


class RecordFile:
    """One file, the members of an archive, or standard input (`-`), which can't be resumed.

    The format is one of FILE_FORMATS; if `options` name none, the name of the file decides, or else the first byte. `limit`: the longest
    record, in bytes; `batch`: as many items fill a batch; `fields` are what a table has as columns, and its `others` too. A reader that
    `remembers` is passed all records that were read before; another one is not passed those of earlier members of an archive. Raises
    Misconfigured for an unknown format or encoding, and for what cannot be followed.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        limit: int,
        batch: int = BATCH,
        fields: Fields = USUAL,
        others: Sequence[str] = (),
        options: FileOptions = UNSAID,
        remembers: bool = False,
    ) -> None:
        if options.format and options.format not in FILE_FORMATS:
            raise Misconfigured(f"no format {options.format!r} is known for files; known are {', '.join(FILE_FORMATS)}")
        if options.follow and is_remote(str(path)):
            raise Misconfigured(
                f"{path} cannot be followed: it is not a file of this machine; leave out --follow, and ingest it again for what is new"
            )
        if options.follow and not _can_be_followed(str(path), options):
            raise Misconfigured(f"{path} cannot be followed; follow a file of lines, which is not compressed")
        encoding = known_encoding(options.encoding) if options.encoding else ""
        self._path = str(path)
        self._shown = self._path.encode(errors="backslashreplace").decode()  # as it can be shown and stored
        self._batch, self._remembers = batch, remembers
        self._how = How(limit, fields, others, replace(options, encoding=encoding))
        self._closed = threading.Event()

    def paths(self) -> Sequence[str]:
        """The files that the path stands for: those of a folder, those that match a pattern, or itself. Raises Misconfigured for none."""
        if self._path == "-":
            return [self._path]
        return (found if is_remote(self._path) else find)(self._path, all_files=bool(self._how.options.format))

    def named(self, scheme: str) -> str:
        """The scheme and the absolute path, or the URL of a file of another machine; empty for what cannot be read twice: standard input, a
        pipe, a device."""
        if is_remote(self._path):
            return self._path if scheme == "files" else f"{scheme}:{self._path}"
        if self._path == "-" or not os.path.isfile(self._path):  # noqa: PTH113 (Path.is_file raises where it may not look)
            return ""
        return f"{scheme}:{Path(self._path).resolve()}".encode(errors="backslashreplace").decode()

    def read(self, after: str | None, reader: Callable[[], Reader]) -> Iterator[Batch]:
        """The batches from the start, or after a cursor. A new `reader` is made for each pass over the file.

        What follows a cursor is told from what precedes it by reading that, too.
        """
        done, restarted = cursors.read(after), saved_cursors.restarted(after, Cursor)
        if self._how.options.follow:
            yield from self._followed(reader(), done, restarted)
            return
        try:
            yield from self._batches(reader(), done, restarted)
        except Changed as changed:
            yield from self._batches(reader(), Cursor(), str(changed))

    def _followed(self, reader: Reader, done: Cursor, restarted: str) -> Iterator[Batch]:
        followed = Followed(Path(self._path), self._shown, self._how, self._closed)
        with self._telling():
            yield from followed.read(done, Filling(reader, self._batch, self._closed.is_set, restarted))

    def _batches(self, reader: Reader, done: Cursor, restarted: str = "") -> Iterator[Batch]:
        """The batches after a cursor. Raises Changed, before the first of them, if the file does not hold what had been read."""
        failures = Failures(self._shown)
        filling = Filling(reader, self._batch, self._closed.is_set, restarted)
        before = Digest()  # of the members that come before
        reached = not done.member and not done.records
        with self._opened() as opened:
            for content in failures.of_archive(opened):
                place = before.value() if content.member else ""
                before.add(content.identity)
                start = Cursor()
                if not reached:
                    if (content.member, place) != (done.member, done.before):
                        self._pass(content, reader)
                        continue
                    reached, start = True, done
                yield from failures.of(content, partial(filling.of, before=place, done=start))
                if self._closed.is_set():
                    return
            if not reached:
                raise Changed("the archive does not hold what was read of it before")
            yield from filling.rest()
            failures.tell()

    def _pass(self, content: Content, reader: Reader) -> None:
        """Pass over a content that was read before."""
        if self._remembers:
            with contextlib.suppress(Misconfigured):  # it was told when it was read
                for record in content.records():
                    reader.passed(record)

    def records(self) -> Iterator[Record]:
        """All records as they stand in the file, without blank lines."""
        return self._all(lambda content: (record for record in content.records() if record.where))

    def blocks(self) -> Iterator[list[Record]]:
        """As `records`, in lists of the records that can be read without waiting once the first of them is there."""
        return self._all(
            lambda content: (some for block in content.blocks() if (some := [one for one in block if one.where]))
        )

    def _all(self, read: Callable[[Content], Iterator[T]]) -> Iterator[T]:
        failures = Failures(self._shown)
        with self._opened() as opened:
            for content in failures.of_archive(opened):
                for one in failures.of(content, read):
                    if self._closed.is_set():
                        return
                    yield one
            if not self._closed.is_set():
                failures.tell()

    def close(self) -> None:
        """End all reading, from another thread too."""
        self._closed.set()

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Iterator[Content]]:
        with self._telling(), contents(self._path, self._shown, self._how, self._closed.is_set) as opened:
            yield opened

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        """Within it, an error of the system is told with what was being done."""
        try:
            yield
        except OSError as error:
            what = "standard input" if self._path == "-" else f"reading {self._shown}"
            raise system_error(what, error, "check the name and the permissions") from error


def _can_be_followed(path: str, options: FileOptions) -> bool:
    packed = promised(path) or archive_kind(path) or is_parquet(path, options)
    return not (packed or options.whole or path == "-")
