"""A file of records, or standard input, read in batches from a cursor: what sources that read files share.

The cursor counts records. It has a hash of them too, so that another file of the same name is read from its start, and one of the last
record alone, so that a record that was still being written is read again when it is complete.
"""

import contextlib
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote_to_bytes

from headrace.documents import Document
from headrace.errors import Misconfigured, system_error
from headrace.fields import USUAL, Fields
from headrace.ports import Batch, Deletion, Gap, Malformed
from headrace.sources import cursors
from headrace.sources.cursors import Changed, Cursor, Digest
from headrace.sources.gunzip import Gunzip
from headrace.sources.lines import Lines, read_until
from headrace.sources.records import FORMATS, Record, Records, format_of

BATCH, BATCH_BYTES = 500, 4 << 20  #: items, and bytes of records, after which a batch is full
HEAD_BYTES = 4096  #: of the beginning of a file, by which its format is recognised
LOG = logging.getLogger("headrace.sources")

Item = Document | Deletion | Malformed | Gap


class Reader(Protocol):
    """What the records of one file mean, in order. It may remember those before."""

    def items(self, record: Record) -> Sequence[Item]:
        """The items of a record, of which there may be none. The record may have a fault."""
        ...

    def passed(self, record: Record) -> None:
        """Take notice of a record whose items were read before, and are not asked for again."""
        ...


def path_in(url: str) -> tuple[str, str] | None:
    """The path in a URL like `files:posts.csv` or `files:///srv/posts`, decoded, and its query; None if there is none, or a host."""
    match = re.fullmatch(r"[a-z]+:(?://(?=/))?(?!//)([^?#]+)(?:\?([^?#]+))?", url)
    return (os.fsdecode(unquote_to_bytes(match[1])), match[2] or "") if match else None


class RecordFile:
    """One file, or standard input (`-`), which can't be resumed.

    `kind` is one of FORMATS; if empty, the file's name decides, or else the first byte. `limit`: the longest record, in bytes; `batch`: as
    many items fill a batch; `fields` are what a table has as columns, and its `others` too.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        kind: str = "",
        limit: int,
        batch: int = BATCH,
        fields: Fields = USUAL,
        others: Sequence[str] = (),
    ) -> None:
        if kind and kind not in FORMATS:
            raise Misconfigured(f"no format {kind!r} is known for files; known are {', '.join(FORMATS)}")
        self._path = str(path)
        self._shown = self._path.encode(errors="backslashreplace").decode()  # as it can be shown and stored
        self._limit, self._batch = limit, batch
        self._records = Records(self._shown, limit, fields, others)
        self._kind = kind
        self._closed = False

    def named(self, scheme: str) -> str:
        """The scheme and the absolute path; empty for what cannot be read twice: standard input, a pipe, a device."""
        if self._path == "-" or not os.path.isfile(self._path):  # noqa: PTH113 (Path.is_file raises where it may not look)
            return ""
        return f"{scheme}:{Path(self._path).resolve()}".encode(errors="backslashreplace").decode()

    def read(self, after: str | None, reader: Callable[[], Reader]) -> Iterator[Batch]:
        """The batches from the start, or after a cursor. A new `reader` is made for each pass over the file.

        What follows a cursor is told from what precedes it by reading that, too.
        """
        try:
            yield from self._batches(reader(), cursors.read(after))
        except Changed as changed:
            yield from self._batches(reader(), Cursor(), str(changed))

    def _batches(self, reader: Reader, done: Cursor, restarted: str = "") -> Iterator[Batch]:
        """The batches after a cursor. Raises Changed, before the first of them, if the file does not hold what had been read."""
        with self._opened() as (lines, unpacked):
            live = self._path == "-"
            items: list[Item] = []
            digest, record, previous = Digest(), Record(), b""
            size = number = 0
            for number, record in enumerate(self._read(lines, live), 1):
                if self._closed:
                    return
                if number > 1:
                    digest.add(previous)
                previous = record.data
                is_new = number > done.records
                if number == done.records:
                    if digest.value() != done.digest:
                        raise Changed("the file has changed before the place up to which it was read")
                    is_new = cursors.hash_of(record.data) != done.last
                if record.where and is_new:
                    items += reader.items(record)
                    size += len(record.data)
                elif record.where:
                    reader.passed(record)
                if len(items) >= self._batch or size >= BATCH_BYTES or (items and live and lines.drained):
                    yield Batch(items, cursors.write(number, digest, record.data), restarted)
                    items, size, restarted = [], 0, ""
            if number < done.records:
                raise Changed("the file holds less than was read of it before")
            if items or restarted or number > done.records:
                yield Batch(items, cursors.write(number, digest, record.data), restarted)
            self._check_whole(lines, unpacked)

    def records(self) -> Iterator[Record]:
        """All records as they stand in the file, without blank lines."""
        with self._opened() as (lines, unpacked):
            yield from (record for record in self._read(lines, self._path == "-") if record.where)
            self._check_whole(lines, unpacked)

    def blocks(self) -> Iterator[list[Record]]:
        """As `records`, in lists of the records that can be read without waiting once the first of them is there."""
        with self._opened() as (lines, unpacked):
            for block in self._records.blocks(lines, *self._looked_at(lines), live=self._path == "-"):
                if self._closed:
                    return
                if records := [record for record in block if record.where]:
                    yield records
            self._check_whole(lines, unpacked)

    def close(self) -> None:
        """End all reading, from another thread too."""
        self._closed = True

    @contextlib.contextmanager
    def _opened(self) -> Iterator[tuple[Lines, Gunzip]]:
        try:
            with contextlib.ExitStack() as opened:
                unpacked = self._open(opened)
                yield Lines(unpacked, self._limit), unpacked
        except OSError as error:
            what = "standard input" if self._path == "-" else f"reading {self._shown}"
            raise system_error(what, error, "check the name and the permissions") from error

    def _open(self, opened: contextlib.ExitStack) -> Gunzip:
        if self._path == "-":
            return Gunzip(read_until(sys.stdin.fileno(), lambda: self._closed), packed=False)
        packed = self._path.endswith(".gz")
        return Gunzip(opened.enter_context(Path(self._path).open("rb", buffering=0)).read, packed=packed)

    def _check_whole(self, lines: Lines, unpacked: Gunzip) -> None:
        if lines.damage and not self._closed:
            reason = f"the gzip file is damaged or cut short ({lines.damage}); what came before that was read"
            raise Misconfigured(f"reading {self._shown}: {reason}")
        if unpacked.ignored:
            LOG.warning(f"reading {self._shown}: what follows the end of the gzip data is ignored")

    def _read(self, lines: Lines, live: bool) -> Iterator[Record]:
        return self._records.read(lines, *self._looked_at(lines), live=live)

    def _looked_at(self, lines: Lines) -> tuple[str, bytes]:
        """The format, and the first bytes."""
        head = lines.head(1 if self._path == "-" else HEAD_BYTES, HEAD_BYTES)
        return self._kind or format_of(self._path, head), head
