"""Files as a source: JSON Lines, CSV and plain text, compressed with gzip or not, and standard input.

The cursor counts records, together with a hash of the beginning of the file, so that another file of the same name starts afresh,
and of the last record, so that one that was still being written is read again when it is whole.
"""

import contextlib
import csv
import hashlib
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import unquote_to_bytes

import msgspec

from headrace.documents import DOCUMENT_BYTES, Document, parse, read
from headrace.errors import Misconfigured, Rejected
from headrace.ports import Batch, Malformed
from headrace.sources.lines import Lines, Unpacking, read_until

SUFFIXES: Mapping[str, str] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".txt": "text",
}
FORMATS = ("jsonl", "csv", "tsv", "text")
SOURCE = "files"
BATCH, BATCH_BYTES = 500, 4 << 20
HEAD = 4096
KEPT = 64 << 10
BOM = b"\xef\xbb\xbf"
UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Raw(NamedTuple):
    """One record as it stands in a file: what it says, or why that can't be read. Blank lines are all empty."""

    data: bytes = b""
    where: str = ""
    members: object = None
    fault: str = ""


class Cursor(msgspec.Struct, frozen=True):
    """How many records were read of a file whose first `head` bytes have the hash `digest`; `last` is the hash of the last of them."""

    records: int
    head: int
    digest: str
    last: str = ""


class FileSource:
    """One file, or standard input (`-`), which cannot be resumed. The format comes from the name, else from the first byte.

    CSV has a header with a column `text`; of plain text every line is a document. What is no document comes as Malformed.
    """

    def __init__(self, path: Path | str, *, kind: str = "", limit: int = DOCUMENT_BYTES) -> None:
        if kind and kind not in FORMATS:
            raise Misconfigured(f"no format {kind!r} is known for files; known are {', '.join(FORMATS)}")
        self._path = str(path)
        self._shown = self._path.encode(errors="backslashreplace").decode()  # as it can be told and stored
        self._limit = limit
        self._too_long = f"the line is longer than {limit:,} bytes (setting document_bytes)"
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
            head = lines.head(1 if live else HEAD, HEAD)
            done = Cursor(0, 0, "") if live else _resume(after, head)
            items: list[Document | Malformed] = []
            size = number = 0
            raw = Raw()
            for number, raw in enumerate(self._raw(lines, head), 1):
                if self._closed:
                    return
                if raw.where and (number > done.records or (number == done.records and _hash(raw.data) != done.last)):
                    items.append(self._document(raw))
                    size += len(raw.data)
                if len(items) >= BATCH or size >= BATCH_BYTES or (items and live and lines.drained):
                    yield Batch(items, _cursor(number, head, raw))
                    items, size = [], 0
            if items or number > done.records:
                yield Batch(items, _cursor(number, head, raw))
            self._check_whole(lines)

    def objects(self) -> Iterator[Raw]:
        """The records as they stand in the file, from the start, without blank lines."""
        with self._opened() as lines:
            yield from (raw for raw in self._raw(lines, lines.head(1, HEAD)) if raw.where)
            self._check_whole(lines)

    def close(self) -> None:
        self._closed = True

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Lines]:
        try:
            with contextlib.ExitStack() as opened:
                yield Lines(self._open(opened), self._limit)
        except OSError as error:
            told = f"{error.strerror or error}; check the name and the permissions"
            raise Misconfigured(f"reading {self._shown}: {told}") from error

    def _open(self, opened: contextlib.ExitStack) -> Callable[[int], bytes]:
        if self._path == "-":
            return Unpacking(read_until(sys.stdin.fileno(), lambda: self._closed), packed=False)
        packed = self._path.endswith(".gz")
        return Unpacking(opened.enter_context(Path(self._path).open("rb", buffering=0)).read, packed=packed)

    def _check_whole(self, lines: Lines) -> None:
        if lines.damage and not self._closed:
            told = f"the gzip file is damaged or cut short ({lines.damage}); what came before that was read"
            raise Misconfigured(f"reading {self._shown}: {told}")

    def _raw(self, lines: Lines, head: bytes) -> Iterator[Raw]:
        if head.startswith(UTF16) and b"\0" in head:
            raise Misconfigured(
                f"reading {self._shown}: it is UTF-16; make it UTF-8, as by iconv -f UTF-16 -t UTF-8 OLD > NEW"
            )
        name = Path(self._path.removesuffix(".gz"))
        kind = self._kind or SUFFIXES.get(name.suffix.lower(), "")
        kind = kind or ("jsonl" if head.removeprefix(BOM).lstrip()[:1] == b"{" else "text")
        if kind in ("csv", "tsv"):
            return self._rows(lines, "," if kind == "csv" else "\t")
        made = parse if kind == "jsonl" else _text
        return (self._line(made, line, f"{self._shown}, line {number}") for number, line in enumerate(lines, 1))

    def _line(self, made: Callable[[bytes], object], line: bytes, where: str) -> Raw:
        if not line.strip():
            return Raw()
        if len(line) > self._limit:
            return Raw(line[:KEPT], where, fault=self._too_long)
        try:
            return Raw(line, where, made(line))
        except Rejected as error:
            return Raw(line[:KEPT], where, fault=str(error))

    def _document(self, raw: Raw) -> Document | Malformed:
        try:
            if raw.fault:
                raise Rejected(raw.fault)
            return read(raw.members, source=SOURCE, limit=self._limit)
        except Rejected as error:
            return Malformed(raw.data[:KEPT], str(error), raw.where)

    def _rows(self, lines: Lines, delimiter: str) -> Iterator[Raw]:
        csv.field_size_limit(self._limit + 1)
        # What is no UTF-8 becomes lone surrogates, which are refused row by row.
        too_long: list[int] = []
        rows = csv.reader(self._decoded(lines, too_long), delimiter=delimiter)
        header = [name.strip() for name in next(rows, [])]
        if "text" not in header:
            told = f"the columns are {', '.join(map(repr, header))}" if header else "its first line is empty"
            raise Misconfigured(f"reading {self._shown}: there is no column 'text'; {told}")
        while True:
            fault, row = "", None
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                fault = f"the row can't be read: {error}"
            where = f"{self._shown}, line {rows.line_num}"
            if too_long:
                too_long.clear()
                fault = self._too_long
            if fault:
                # With its place, for rows that can't be read must not be taken for each other.
                yield Raw(",".join(row or [where])[:KEPT].encode("utf-8", "surrogateescape"), where, fault=fault)
            else:
                yield _row(header, row, where) if row else Raw()

    def _decoded(self, lines: Lines, too_long: list[int]) -> Iterator[str]:
        """Lines for the reader of CSV; `too_long` gains the numbers of those that were cut."""
        for number, line in enumerate(lines):
            if len(line) > self._limit:
                too_long.append(number)
            yield (line if number else line.removeprefix(BOM)).decode("utf-8", "surrogateescape") + "\n"


def _text(line: bytes) -> object:
    try:
        return {"text": line.decode("utf-8-sig")}
    except UnicodeDecodeError as error:
        raise Rejected(f"the line is no valid UTF-8 (byte {error.start}); encode the file as UTF-8") from None


def _row(header: list[str], row: list[str], where: str) -> Raw:
    """The members of a row; empty cells are left out, but for the text."""
    data = ",".join(row).encode("utf-8", "surrogateescape")
    if len(row) > len(header):
        fault = f"the row has {len(row)} cells, the header {len(header)}; quote a cell that holds a separator"
        return Raw(data, where, fault=fault)
    members: dict[str, Any] = {"text": "", **{name: cell for name, cell in zip(header, row, strict=False) if cell}}
    try:
        if "meta" in members:
            members["meta"] = parse(members["meta"].encode("utf-8", "surrogateescape"))
    except Rejected as error:
        return Raw(data, where, fault=f"the column 'meta': {error}")
    return Raw(data, where, members)


def _cursor(number: int, head: bytes, last: Raw) -> str:
    return msgspec.json.encode(Cursor(number, len(head), _hash(head), _hash(last.data))).decode()


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _resume(after: str | None, head: bytes) -> Cursor:
    """The cursor, if the file still begins as it did; else the start."""
    start = Cursor(0, 0, "")
    if after is None:
        return start
    try:
        cursor = msgspec.json.decode(after, type=Cursor)
    except msgspec.DecodeError:
        return start
    return cursor if _hash(head[: cursor.head]) == cursor.digest else start
