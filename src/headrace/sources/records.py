"""Records: what a stream of JSON, CSV or plain text holds, one after the other."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from headrace.documents import parse
from headrace.errors import Misconfigured, Rejected
from headrace.framing import KEPT_BYTES as KEPT_BYTES
from headrace.framing import Framing, Value
from headrace.sources.lines import Lines
from headrace.sources.tables import Row, Rows
from headrace.validation import not_utf8

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
NOT_JSON = 100  #: malformed records at the beginning of a file that show that it is not JSON …
LOOKED_AT = 1000  #: … among so many records, blank ones included
BOM = b"\xef\xbb\xbf"  #: UTF-8's byte order mark
_JSON = re.compile(rb"\s*(\{|\[\s*\{)")
_MEMBERS = ("text", "id", "source", "created_at", "meta", "published_at")
_decode = msgspec.json.Decoder().decode


class Record(NamedTuple):
    """One record as it stands in a stream: its bytes, where it stands, and its members, or (`fault`) why they can't be read.

    A blank line is a record whose `where` is empty.
    """

    data: bytes = b""
    where: str = ""
    members: object = None
    fault: str = ""


def format_of(path: str, head: bytes) -> str:
    """The format of a file: by the end of its name, else by its first bytes. `.gz` at the end of the name doesn't count."""
    named = SUFFIXES.get(Path(path.removesuffix(".gz")).suffix.lower(), "")
    return named or ("jsonl" if _JSON.match(head.removeprefix(BOM)) else "text")


class Records:
    """Reads records. `name` is that of the stream, for messages; `limit`: the longest line, in bytes; a table has these `columns`."""

    def __init__(self, name: str, limit: int, columns: Sequence[str] = ("text",)) -> None:
        self._name, self._limit, self._columns = name, limit, columns
        self._too_long = f"the line is longer than {limit:,} bytes (setting document_bytes)"

    def read(self, lines: Lines, kind: str, head: bytes, *, live: bool = False) -> Iterator[Record]:
        """The records of these lines, blank ones included. `kind` is one of FORMATS; `head` are the first bytes of the stream.

        Raises Misconfigured if the stream is in UTF-16 or UTF-32, a table without the columns, or not JSON at all. The latter shows in its
        first records, unless it is `live`.
        """
        if encoding := wide_encoding(head):
            raise Misconfigured(
                f"reading {self._name}: it is {encoding}; convert it to UTF-8: iconv -f {encoding} -t UTF-8 OLD > NEW"
            )
        if kind in ("csv", "tsv"):
            return self._rows(_without_bom(lines), "," if kind == "csv" else "\t")
        if kind == "text":
            return self._texts(_without_bom(lines))
        if head.removeprefix(BOM).lstrip()[:1] == b"<":
            raise Misconfigured(
                f"reading {self._name}: it begins like HTML or XML, not like JSON; convert it to JSON Lines"
            )
        return self._json(lines) if live else self._if_json(self._json(lines))

    def _where(self, number: int) -> str:
        return f"{self._name}, line {number}"

    def _texts(self, lines: Iterator[bytes]) -> Iterator[Record]:
        for number, line in enumerate(lines, 1):
            where = self._where(number)
            if not line.strip():
                yield Record()
            elif len(line) > self._limit:
                yield Record(line[:KEPT_BYTES], where, fault=self._too_long)
            elif fault := not_utf8(line):
                yield Record(line[:KEPT_BYTES], where, fault=f"the line is {fault}")
            else:
                yield Record(line, where, {"text": line.decode()})

    def _json(self, lines: Lines) -> Iterator[Record]:
        framing = Framing(self._limit)
        for number, data in enumerate(lines, 1):
            line = data if number > 1 else data.removeprefix(BOM)
            if framing.idle:
                if not line.strip():
                    yield Record()
                    continue
                members = _object(line) if len(line) <= self._limit else None
                if members is not None:
                    yield Record(line, self._where(number), members)
                    continue
            for value in framing.feed(line, number, lines.more()):
                yield self._value(value)
        for value in framing.end():
            yield self._value(value)

    def _if_json(self, records: Iterator[Record]) -> Iterator[Record]:
        """The records. Raises Misconfigured, before the first of them, if there are many and none of them is JSON."""
        first: list[Record] = []
        faults = 0
        for record in records:
            first.append(record)
            faults += record.fault.startswith("the document is not JSON")
            if (record.where and not record.fault) or len(first) >= LOOKED_AT:
                break
            if faults >= NOT_JSON:
                reason = next(one.fault for one in first if one.fault)
                raise Misconfigured(
                    f"reading {self._name}: it is not JSON ({reason}); if it is CSV or plain text, end its name in .csv or .txt"
                )
        yield from first
        yield from records

    def _value(self, value: Value) -> Record:
        where = self._where(value.line)
        if value.fault or len(value.data) > self._limit:
            return Record(value.data[:KEPT_BYTES], where, fault=value.fault or self._too_long)
        try:
            return Record(value.data, where, parse(value.data, lenient=True))
        except Rejected as error:
            return Record(value.data[:KEPT_BYTES], where, fault=str(error))

    def _rows(self, lines: Iterator[bytes], delimiter: str) -> Iterator[Record]:
        rows = Rows(lines, delimiter, self._limit)
        header = self._header(next((row for row in rows if row.cells or row.fault), None), delimiter)
        for row in rows:
            if row.fault:
                yield Record(row.data[:KEPT_BYTES], self._where(row.line), fault=row.fault)
            else:
                yield _record(header, row, self._where(row.line)) if row.cells else Record()

    def _header(self, row: Row | None, delimiter: str) -> Sequence[str]:
        """The names of the columns. Raises Misconfigured if they cannot be read, or one that is needed is missing or ambiguous."""
        reading = f"reading {self._name}"
        if row is None:
            raise Misconfigured(f"{reading}: there is no column {self._columns[0]!r}; it is empty")
        if row.fault:
            raise Misconfigured(f"{reading}: the header, line {row.line}, cannot be read: {row.fault}")
        header = [name.strip() for name in row.cells]
        if missing := [name for name in self._columns if name not in header]:
            names = " and no column ".join(map(repr, missing))
            separators = "commas" if delimiter == "," else "tabs"
            hint = f"; if these are several columns, separate them by {separators}" if len(header) == 1 else ""
            raise Misconfigured(
                f"{reading}: there is no column {names}; the columns are {', '.join(map(repr, header))}{hint}"
            )
        for name in (*self._columns, *_MEMBERS):
            if header.count(name) > 1:
                raise Misconfigured(f"{reading}: there are {header.count(name)} columns {name!r}; rename all but one")
        return _distinct(header)


def wide_encoding(head: bytes) -> str:
    """The name of the encoding if these first bytes of a stream are in UTF-16 or UTF-32, with or without a byte order mark; else empty."""
    for marks, name in (((b"\xff\xfe\0\0", b"\0\0\xfe\xff"), "UTF-32"), ((b"\xff\xfe", b"\xfe\xff"), "UTF-16")):
        if head.startswith(marks) and (b"\0" in head or not head[2:]):
            return name
    even, odd = head[0:64:2], head[1:64:2]
    if len(odd) >= 4 and not even.count(0) and odd.count(0) > 0.7 * len(odd):
        return "UTF-16LE"
    if len(odd) >= 4 and not odd.count(0) and even.count(0) > 0.7 * len(even):
        return "UTF-16BE"
    return ""


def _without_bom(lines: Lines) -> Iterator[bytes]:
    first = next(lines, None)
    if first is not None:
        yield first.removeprefix(BOM)
        yield from lines


def _object(line: bytes) -> object:
    """The object of a usual line; None for any other, which may be a part of something else."""
    try:
        members = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return members if isinstance(members, dict) else None


def _distinct(header: Sequence[str]) -> list[str]:
    """The names of columns, each once: a column without a name is called by its place, a repeated name gets a number."""
    names: list[str] = []
    for place, name in enumerate(header):
        before = header[:place].count(name)
        names.append(f"{name}.{before}" if name and before else name or f"column {place + 1}")
    return names


def _record(header: Sequence[str], row: Row, where: str) -> Record:
    """The record of a row. Empty cells are left out, except for the text."""
    if len(row.cells) > len(header) and any(row.cells[len(header) :]):
        fault = f"the row has {len(row.cells)} cells, the header {len(header)}; quote a cell that holds a separator"
        return Record(row.data[:KEPT_BYTES], where, fault=fault)
    members: dict[str, Any] = {
        name: cell for name, cell in zip(header, row.cells, strict=False) if cell or name == "text"
    }
    if "meta" not in members:
        return Record(row.data, where, members)
    try:
        return Record(row.data, where, {**members, "meta": parse(members["meta"].encode(), lenient=True)})
    except Rejected as error:
        return Record(row.data[:KEPT_BYTES], where, fault=f"the column 'meta': {error}")
