"""Files as a source: JSON Lines, CSV and plain text, compressed or not, and standard input.

The cursor counts records. It has a hash of them too, so that another file of the same name is read from its start, and one of the last
record alone, so that a record that was still being written is read again when it is complete.
"""

import contextlib
import logging
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self
from urllib.parse import unquote_to_bytes

from headrace.documents import DOCUMENT_BYTES, Document
from headrace.errors import Misconfigured, Rejected, system_error
from headrace.fields import USUAL, Fields
from headrace.ports import Batch, Malformed
from headrace.sources import cursors
from headrace.sources.compression import Unpacked, promised
from headrace.sources.cursors import Changed, Cursor, Digest
from headrace.sources.lines import Lines, read_until
from headrace.sources.records import FORMATS, KEPT_BYTES, Record, Records, format_of

SOURCE = "files"  #: the source of documents that name none
BATCH, BATCH_BYTES = 500, 4 << 20  #: items, and bytes of them, after which a batch is full
HEAD_BYTES, MOST_HEAD_BYTES = (
    4096,
    64 << 10,
)  #: of the beginning of a file, by which its format is recognised: waited for, and looked at
LOG = logging.getLogger("headrace.sources")


class FileSource:
    """One file, or standard input (`-`), which can't be resumed.

    `kind` is one of FORMATS; if empty, the file's name decides, or else the first byte. A CSV file has a header with a column `text`; in
    plain text every line is a document. What is not a document comes as Malformed. `limit`: the largest document, in bytes; `batch`: the
    most items of a batch; `fields`: where the members of documents stand in a record; `others`: further columns that a CSV file needs.
    """

    endless = False

    def __init__(
        self,
        path: Path | str,
        *,
        kind: str = "",
        limit: int = DOCUMENT_BYTES,
        batch: int = BATCH,
        fields: Fields = USUAL,
        others: Sequence[str] = (),
    ) -> None:
        if kind and kind not in FORMATS:
            raise Misconfigured(f"no format {kind!r} is known for files; known are {', '.join(FORMATS)}")
        self._path = str(path)
        self._shown = self._path.encode(errors="backslashreplace").decode()  # as it can be shown and stored
        self._limit, self._batch = limit, batch
        self._fields = fields
        self._records = Records(self._shown, limit, fields, others)
        self._kind = kind
        self._closed = False

    @classmethod
    def from_url(cls, url: str, *, limit: int = DOCUMENT_BYTES, fields: Fields = USUAL) -> Self:
        """The file of `files:posts.csv` or `files:/srv/posts?format=csv`, percent-encoded; `files:-` is standard input.
        Raises Misconfigured for any other URL, and for an unknown format."""
        match = re.fullmatch(r"files:(?://(?=/))?(?!//)([^?#]+)(?:\?format=(\w+))?", url)
        if match is None:
            raise Misconfigured(
                f"no file can be opened at {url!r}; write files:posts.jsonl or files:/srv/posts?format=csv"
            )
        return cls(os.fsdecode(unquote_to_bytes(match[1])), kind=match[2] or "", limit=limit, fields=fields)

    @property
    def name(self) -> str:
        """`files:` and the absolute path; empty for what cannot be read twice: standard input, a pipe, a device."""
        if self._path == "-" or not os.path.isfile(self._path):  # noqa: PTH113 (Path.is_file raises where it may not look)
            return ""
        return f"files:{Path(self._path).resolve()}".encode(errors="backslashreplace").decode()

    def read(self, after: str | None = None) -> Iterator[Batch]:
        try:
            yield from self._batches(cursors.read(after))
        except Changed as changed:
            yield from self._batches(Cursor(), str(changed))

    def _batches(self, done: Cursor, restarted: str = "") -> Iterator[Batch]:
        """The batches after a cursor. Raises Changed, before the first of them, if the file does not hold what had been read."""
        with self._opened() as (lines, unpacked):
            live = self._path == "-"
            items: list[Document | Malformed] = []
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
                    items.append(self._document(record))
                    size += len(record.data)
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
        self._closed = True

    @contextlib.contextmanager
    def _opened(self) -> Iterator[tuple[Lines, Unpacked]]:
        try:
            with contextlib.ExitStack() as opened:
                unpacked = self._open(opened)
                yield Lines(unpacked, self._limit), unpacked
        except OSError as error:
            what = "standard input" if self._path == "-" else f"reading {self._shown}"
            raise system_error(what, error, "check the name and the permissions") from error

    def _open(self, opened: contextlib.ExitStack) -> Unpacked:
        if self._path == "-":
            return Unpacked(read_until(sys.stdin.fileno(), lambda: self._closed))
        packed = promised(self._path)
        return Unpacked(opened.enter_context(Path(self._path).open("rb", buffering=0)).read, packed=packed)

    def _check_whole(self, lines: Lines, unpacked: Unpacked) -> None:
        if lines.damage and not self._closed:
            reason = f"the {unpacked.compression} file is damaged or cut short ({lines.damage}); what came before that was read"
            raise Misconfigured(f"reading {self._shown}: {reason}")
        if unpacked.ignored:
            LOG.warning(f"reading {self._shown}: what follows the end of the {unpacked.compression} data is ignored")

    def _read(self, lines: Lines, live: bool) -> Iterator[Record]:
        return self._records.read(lines, *self._looked_at(lines), live=live)

    def _looked_at(self, lines: Lines) -> tuple[str, bytes]:
        """The format, and the first bytes."""
        head = lines.head(1 if self._path == "-" else HEAD_BYTES, MOST_HEAD_BYTES)
        return self._kind or format_of(self._path, head), head

    def _document(self, record: Record) -> Document | Malformed:
        try:
            if record.fault:
                raise Rejected(record.fault)
            return self._fields.read(record.members, source=SOURCE, limit=self._limit)
        except Rejected as error:
            return Malformed(record.data[:KEPT_BYTES], str(error), record.where)
