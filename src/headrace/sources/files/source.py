"""Files as a source: JSON Lines, CSV and plain text, compressed or not, and standard input.

The cursor counts records. It has a hash of them too, so that another file of the same name is read from its start, and one of the last
record alone, so that a record that was still being written is read again when it is complete.
"""

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Self, TypeVar
from urllib.parse import unquote, unquote_to_bytes

from headrace.documents import DOCUMENT_BYTES, Document
from headrace.errors import Misconfigured, Rejected, system_error
from headrace.fields import USUAL, Fields
from headrace.file_options import UNSAID, FileOptions
from headrace.ports import Batch, Malformed
from headrace.sources import cursors
from headrace.sources.cursors import Changed, Cursor, Digest
from headrace.sources.files.content import Content, Reading
from headrace.sources.files.failures import Failures
from headrace.sources.files.opening import contents
from headrace.sources.finding import find
from headrace.sources.records import FORMATS, KEPT_BYTES, Record
from headrace.sources.transcoding import known_encoding

SOURCE = "files"  #: the source of documents that name none
BATCH, BATCH_BYTES = 500, 4 << 20  #: items, and bytes of them, after which a batch is full
_URL = re.compile(r"files:(?://(?=/))?(?!//)([^?#]+)(?:\?([^#]+))?")
_OPTIONS = ("format", "encoding")  # of a URL

T = TypeVar("T")


class FileSource:
    """One file, its members if it is an archive, or standard input (`-`), which can't be resumed.

    Its format is one of FORMATS; if `options` has none, the file's name decides, or else the first byte. A CSV file has a header with a
    column `text`; in plain text every line is a document. What is not a document comes as Malformed. `limit`: the largest document, in
    bytes; `batch`: the most items of a batch; `fields`: where the members of documents stand in a record; `others`: further columns that a
    CSV file needs.
    Raises Misconfigured for an unknown format or encoding.
    """

    endless = False

    def __init__(
        self,
        path: Path | str,
        *,
        limit: int = DOCUMENT_BYTES,
        batch: int = BATCH,
        fields: Fields = USUAL,
        others: Sequence[str] = (),
        options: FileOptions = UNSAID,
    ) -> None:
        if options.format and options.format not in FORMATS:
            raise Misconfigured(f"no format {options.format!r} is known for files; known are {', '.join(FORMATS)}")
        encoding = known_encoding(options.encoding) if options.encoding else ""
        self._path = str(path)
        self._shown = self._path.encode(errors="backslashreplace").decode()  # as it can be shown and stored
        self._limit, self._batch, self._fields = limit, batch, fields
        self._how = Reading(limit, fields, others, replace(options, encoding=encoding))
        self._closed = False

    @classmethod
    def from_url(cls, url: str, *, limit: int = DOCUMENT_BYTES, fields: Fields = USUAL) -> Self:
        """The file of `files:posts.csv` or `files:/srv/posts?format=csv&encoding=cp1252`, percent-encoded; `files:-` is standard input.
        Raises Misconfigured for any other URL, and for an unknown format or encoding."""
        match = _URL.fullmatch(url)
        given = [option.partition("=") for option in (match[2] or "").split("&") if option] if match else []
        options = {name: unquote(value) for name, _, value in given}
        if match is None or any(name not in _OPTIONS or not value for name, value in options.items()):
            raise Misconfigured(
                f"no file can be opened at {url!r}; write files:posts.jsonl or files:/srv/posts?format=csv"
                f" (the options are {', '.join(_OPTIONS)})"
            )
        path = os.fsdecode(unquote_to_bytes(match[1]))
        return cls(path, limit=limit, fields=fields, options=FileOptions(**options))

    def each(self) -> Sequence["FileSource"]:
        """The files that the path stands for: those of a folder, those that match a pattern, or this one. Raises Misconfigured for none."""
        paths = find(self._path, all_files=bool(self._how.options.format)) if self._path != "-" else [self._path]
        return [self] if paths == [self._path] else [self._sibling(path) for path in paths]

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
        failures, filling = Failures(self._shown), _Filling(restarted)
        before = Digest()  # of the members that come before
        reached = not done.member and not done.records
        with self._opened() as contents:
            for content in failures.of_archive(contents):
                place = before.value() if content.member else ""
                before.add(content.identity)
                start = Cursor()
                if not reached:
                    if (content.member, place) != (done.member, done.before):
                        continue
                    reached, start = True, done
                yield from failures.of(content, partial(self._of, before=place, done=start, filling=filling))
                if self._closed:
                    return
            if not reached:
                raise Changed("the archive does not hold what was read of it before")
            if filling.items or filling.restarted or filling.moved:
                yield filling.batch()
            failures.tell()

    def _of(self, content: Content, before: str, done: Cursor, filling: "_Filling") -> Iterator[Batch]:
        """The batches of one content that are full; what remains stays in `filling`."""
        digest, record, previous = Digest(), Record(), b""
        number = 0
        for number, record in enumerate(content.records(), 1):
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
                filling.add(self._document(record), len(record.data))
            if len(filling.items) >= self._batch or filling.size >= BATCH_BYTES or (filling.items and content.waits):
                filling.cursor = cursors.write(number, digest, record.data, content.member, before)
                yield filling.batch()
        if number < done.records:
            raise Changed("the file holds less than was read of it before")
        if number or not content.member:
            filling.cursor = cursors.write(number, digest, record.data, content.member, before)
            filling.moved = filling.moved or number > done.records

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
        with self._opened() as contents:
            for content in failures.of_archive(contents):
                for one in failures.of(content, read):
                    if self._closed:
                        return
                    yield one
            if not self._closed:
                failures.tell()

    def close(self) -> None:
        self._closed = True

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Iterator[Content]]:
        try:
            with contents(self._path, self._shown, self._how, lambda: self._closed) as opened:
                yield opened
        except OSError as error:
            what = "standard input" if self._path == "-" else f"reading {self._shown}"
            raise system_error(what, error, "check the name and the permissions") from error

    def _sibling(self, path: str) -> "FileSource":
        how = self._how
        return FileSource(
            path, limit=how.limit, batch=self._batch, fields=how.fields, others=how.others, options=how.options
        )

    def _document(self, record: Record) -> Document | Malformed:
        try:
            if record.fault:
                raise Rejected(record.fault)
            return self._fields.read(record.members, source=SOURCE, limit=self._limit)
        except Rejected as error:
            return Malformed(record.data[:KEPT_BYTES], str(error), record.where)


class _Filling:
    """The batch that is being filled: its items and their bytes, and the cursor after them."""

    def __init__(self, restarted: str) -> None:
        self.items: list[Document | Malformed] = []
        self.size = 0
        self.cursor = ""
        self.moved = False  # beyond the cursor from which reading went on
        self.restarted = restarted

    def add(self, item: Document | Malformed, size: int) -> None:
        """Add an item that was made of so many bytes."""
        self.items.append(item)
        self.size += size

    def batch(self) -> Batch:
        """The batch; the next one is empty."""
        batch = Batch(self.items, self.cursor, self.restarted)
        self.items, self.size, self.moved, self.restarted = [], 0, False, ""
        return batch
