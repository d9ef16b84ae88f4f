"""Records: the lines of a stream as JSON Lines, CSV or plain text."""

import csv
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from headrace.documents import parse
from headrace.errors import Misconfigured, Rejected
from headrace.sources.lines import Lines

#: The format of a file by the end of its name.
SUFFIXES: Mapping[str, str] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".txt": "text",
}
FORMATS = ("jsonl", "csv", "tsv", "text")
KEPT_BYTES = 64 << 10  #: of a malformed record, the rest of which is dropped
BOM = b"\xef\xbb\xbf"  #: UTF-8's byte order mark
UTF16 = (b"\xff\xfe", b"\xfe\xff")  #: UTF-16's byte order marks


class Record(NamedTuple):
    """One record as it stands in a stream: its bytes, where it stands, and its members, or (`fault`) why they can't be read.

    A blank line is a record whose `where` is empty.
    """

    data: bytes = b""
    where: str = ""
    members: object = None
    fault: str = ""


def format_of(path: str, head: bytes) -> str:
    """The format of a file: by the end of its name, else by its first byte. `.gz` at the end of the name doesn't count."""
    named = SUFFIXES.get(Path(path.removesuffix(".gz")).suffix.lower(), "")
    return named or ("jsonl" if head.removeprefix(BOM).lstrip()[:1] == b"{" else "text")


class Records:
    """Reads records. `name` is that of the stream, for messages; `limit`: the longest line, in bytes."""

    def __init__(self, name: str, limit: int) -> None:
        self._name, self._limit = name, limit
        self._too_long = f"the line is longer than {limit:,} bytes (setting document_bytes)"

    def read(self, lines: Lines, kind: str, head: bytes) -> Iterator[Record]:
        """The records of these lines, blank ones included. `kind` is one of FORMATS; `head` are the first bytes of the stream.

        Raises Misconfigured if the stream is UTF-16, or a table without a column `text`.
        """
        if head.startswith(UTF16) and b"\0" in head:
            raise Misconfigured(
                f"reading {self._name}: it is UTF-16; convert it to UTF-8: iconv -f UTF-16 -t UTF-8 OLD > NEW"
            )
        if kind in ("csv", "tsv"):
            return self._rows(lines, "," if kind == "csv" else "\t")
        decode = parse if kind == "jsonl" else _text
        return (self._line(decode, line, f"{self._name}, line {number}") for number, line in enumerate(lines, 1))

    def _line(self, decode: Callable[[bytes], object], line: bytes, where: str) -> Record:
        if not line.strip():
            return Record()
        if len(line) > self._limit:
            return Record(line[:KEPT_BYTES], where, fault=self._too_long)
        try:
            return Record(line, where, decode(line))
        except Rejected as error:
            return Record(line[:KEPT_BYTES], where, fault=str(error))

    def _rows(self, lines: Lines, delimiter: str) -> Iterator[Record]:
        csv.field_size_limit(self._limit + 1)
        # Bytes that are not UTF-8 become lone surrogates, for which their row is refused.
        too_long: list[int] = []
        rows = csv.reader(self._decoded(lines, too_long), delimiter=delimiter)
        header = [name.strip() for name in next(rows, [])]
        if "text" not in header:
            columns = f"the columns are {', '.join(map(repr, header))}" if header else "its first line is empty"
            raise Misconfigured(f"reading {self._name}: there is no column 'text'; {columns}")
        while True:
            fault, row = "", None
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                fault = f"the row can't be read: {error}"
            where = f"{self._name}, line {rows.line_num}"
            if too_long:
                too_long.clear()
                fault = self._too_long
            if fault:
                # An unreadable row is replaced by its place, so that two of them are not taken for each other.
                yield Record(_joined(row or [where])[:KEPT_BYTES], where, fault=fault)
            else:
                yield _row(header, row, where) if row else Record()

    def _decoded(self, lines: Lines, too_long: list[int]) -> Iterator[str]:
        """The lines for the CSV reader; the numbers of those that were cut are appended to `too_long`."""
        for number, line in enumerate(lines):
            if len(line) > self._limit:
                too_long.append(number)
            yield (line if number else line.removeprefix(BOM)).decode("utf-8", "surrogateescape") + "\n"


def _text(line: bytes) -> object:
    try:
        return {"text": line.decode("utf-8-sig")}
    except UnicodeDecodeError as error:
        raise Rejected(f"the line is not valid UTF-8 (byte {error.start}); encode the file as UTF-8") from None


def _row(header: list[str], row: list[str], where: str) -> Record:
    """The record of a row. Empty cells are left out, except for the text."""
    data = _joined(row)
    if len(row) > len(header):
        fault = f"the row has {len(row)} cells, the header {len(header)}; quote a cell that holds a separator"
        return Record(data, where, fault=fault)
    members: dict[str, Any] = {"text": "", **{name: cell for name, cell in zip(header, row, strict=False) if cell}}
    try:
        if "meta" in members:
            members["meta"] = parse(members["meta"].encode("utf-8", "surrogateescape"))
    except Rejected as error:
        return Record(data, where, fault=f"the column 'meta': {error}")
    return Record(data, where, members)


def _joined(row: list[str]) -> bytes:
    return ",".join(row).encode("utf-8", "surrogateescape")
