"""Files as a source: JSON Lines, CSV and plain text, compressed with gzip or not, and standard input.

The cursor counts records. It has a hash of the beginning of the file too, so that another file of the same name is read from its start,
and a hash of the last record, so that a record that was still being written is read again when it is complete.
"""

import contextlib
import hashlib
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self
from urllib.parse import unquote_to_bytes

import msgspec

from headrace.documents import DOCUMENT_BYTES, Document, read
from headrace.errors import Misconfigured, Rejected
from headrace.ports import Batch, Malformed
from headrace.sources.lines import Lines, Unpacking, read_until
from headrace.sources.records import FORMATS, KEPT_BYTES, Record, Records, format_of

SOURCE = "files"  #: the source of documents that name none
BATCH, BATCH_BYTES = 500, 4 << 20  #: items, and bytes of them, after which a batch is full
HEAD_BYTES = 4096  #: of the beginning of a file, by which it is recognised


class Cursor(msgspec.Struct, frozen=True):
    """How many records were read of a file whose first `head` bytes have the hash `digest`; `last` is the hash of the last record."""

    records: int
    head: int
    digest: str
    last: str = ""


class FileSource:
    """One file, or standard input (`-`), which can't be resumed.

    `kind` is one of FORMATS; if empty, the file's name decides, or else the first byte. A CSV file has a header with a column `text`; in
    plain text every line is a document. What is not a document comes as Malformed. `limit`: the largest document, in bytes; `batch`: the
    most items of a batch.
    """

    def __init__(self, path: Path | str, *, kind: str = "", limit: int = DOCUMENT_BYTES, batch: int = BATCH) -> None:
        if kind and kind not in FORMATS:
            raise Misconfigured(f"no format {kind!r} is known for files; known are {', '.join(FORMATS)}")
        self._path = str(path)
        self._shown = self._path.encode(errors="backslashreplace").decode()  # as it can be shown and stored
        self._limit, self._batch = limit, batch
        self._records = Records(self._shown, limit)
        self._kind = kind
        self._closed = False

    @classmethod
    def from_url(cls, url: str, *, limit: int = DOCUMENT_BYTES) -> Self:
        """The file of `files:posts.csv` or `files:/srv/posts?format=csv`, percent-encoded; `files:-` is standard input.
        Raises Misconfigured for any other URL, and for an unknown format."""
        match = re.fullmatch(r"files:(?://(?=/))?(?!//)([^?#]+)(?:\?format=(\w+))?", url)
        if match is None:
            raise Misconfigured(
                f"no file can be opened at {url!r}; write files:posts.jsonl or files:/srv/posts?format=csv"
            )
        return cls(os.fsdecode(unquote_to_bytes(match[1])), kind=match[2] or "", limit=limit)

    @property
    def name(self) -> str:
        """`files:` and the absolute path; empty for what cannot be read twice: standard input, a pipe, a device."""
        if self._path == "-" or not os.path.isfile(self._path):  # noqa: PTH113 (Path.is_file raises where it may not look)
            return ""
        return f"files:{Path(self._path).resolve()}".encode(errors="backslashreplace").decode()

    def read(self, after: str | None = None) -> Iterator[Batch]:
        with self._opened() as lines:
            live = self._path == "-"
            head = lines.head(1 if live else HEAD_BYTES, HEAD_BYTES)
            done = Cursor(0, 0, "") if live else _resume(after, head)
            items: list[Document | Malformed] = []
            size = number = 0
            record = Record()
            for number, record in enumerate(self._read(lines, head), 1):
                if self._closed:
                    return
                is_new = number > done.records or (number == done.records and _hash(record.data) != done.last)
                if record.where and is_new:
                    items.append(self._document(record))
                    size += len(record.data)
                if len(items) >= self._batch or size >= BATCH_BYTES or (items and live and lines.drained):
                    yield Batch(items, _cursor(number, head, record))
                    items, size = [], 0
            if items or number > done.records:
                yield Batch(items, _cursor(number, head, record))
            self._check_whole(lines)

    def records(self) -> Iterator[Record]:
        """All records as they stand in the file, without blank lines."""
        with self._opened() as lines:
            yield from (record for record in self._read(lines, lines.head(1, HEAD_BYTES)) if record.where)
            self._check_whole(lines)

    def close(self) -> None:
        self._closed = True

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Lines]:
        try:
            with contextlib.ExitStack() as opened:
                yield Lines(self._open(opened), self._limit)
        except OSError as error:
            reason = f"{error.strerror or error}; check the name and the permissions"
            raise Misconfigured(f"reading {self._shown}: {reason}") from error

    def _open(self, opened: contextlib.ExitStack) -> Callable[[int], bytes]:
        if self._path == "-":
            return Unpacking(read_until(sys.stdin.fileno(), lambda: self._closed), packed=False)
        packed = self._path.endswith(".gz")
        return Unpacking(opened.enter_context(Path(self._path).open("rb", buffering=0)).read, packed=packed)

    def _check_whole(self, lines: Lines) -> None:
        if lines.damage and not self._closed:
            reason = f"the gzip file is damaged or cut short ({lines.damage}); what came before that was read"
            raise Misconfigured(f"reading {self._shown}: {reason}")

    def _read(self, lines: Lines, head: bytes) -> Iterator[Record]:
        return self._records.read(lines, self._kind or format_of(self._path, head), head)

    def _document(self, record: Record) -> Document | Malformed:
        try:
            if record.fault:
                raise Rejected(record.fault)
            return read(record.members, source=SOURCE, limit=self._limit)
        except Rejected as error:
            return Malformed(record.data[:KEPT_BYTES], str(error), record.where)


def _cursor(number: int, head: bytes, last: Record) -> str:
    return msgspec.json.encode(Cursor(number, len(head), _hash(head), _hash(last.data))).decode()


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _resume(after: str | None, head: bytes) -> Cursor:
    """The cursor, if the file still begins as it did; otherwise the start. A cursor that can't be read is the start too."""
    start = Cursor(0, 0, "")
    if after is None:
        return start
    try:
        cursor = msgspec.json.decode(after, type=Cursor)
    except msgspec.DecodeError:
        return start
    return cursor if _hash(head[: cursor.head]) == cursor.digest else start
