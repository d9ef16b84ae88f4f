"""Records: what a stream of JSON, CSV or plain text holds, one after the other."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, repeat
from pathlib import PurePath

from headrace.documents import parse
from headrace.errors import Misconfigured, Rejected
from headrace.fields import USUAL, Fields, suggestion
from headrace.framing import KEPT_BYTES as KEPT_BYTES
from headrace.sources.columns import MEMBERS, distinct, repeated
from headrace.sources.compression import bare
from headrace.sources.dialects import Dialect, sniff
from headrace.sources.fitting import fitting
from headrace.sources.json_records import JsonRecords
from headrace.sources.json_records import Record as Record
from headrace.sources.lines import BOM, Lines
from headrace.sources.tables import Plain, Row, Rows
from headrace.sources.transcoding import explained
from headrace.validation import not_utf8

#: The format of a file by the end of its name.
SUFFIXES: Mapping[str, str] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".txt": "text",
    ".parquet": "parquet",
}
FORMATS = ("jsonl", "csv", "tsv", "text")
BLOCK = 2000  #: records that are handed over together
_JSON = re.compile(rb"\s*(\{|\[\s*\{)")


def format_of(path: str, head: bytes) -> str:
    """The format of a file: by the end of its name, else by its first bytes. The ending that names a compression doesn't count."""
    named = SUFFIXES.get(PurePath(bare(path)).suffix.lower(), "")
    return named or ("jsonl" if _JSON.match(head.removeprefix(BOM)) else "text")


class Records:
    """Reads records. `name` is that of the stream, for messages; `limit`: the longest line, in bytes; `fields` are what a table has as
    columns, and its `others` too; `encoding` is the one that the lines were in, if it is known."""

    def __init__(
        self, name: str, limit: int, fields: Fields = USUAL, others: Sequence[str] = (), encoding: str = ""
    ) -> None:
        self._name, self._limit, self._fields = name, limit, fields
        self._columns = (*(field.written for field in fields.named), *others)
        self._kept = frozenset(field.written for field in fields.text)  # also if they are empty
        self._too_long = f"the line is longer than {limit:,} bytes (setting document_bytes)"
        self._explained = partial(explained, encoding=encoding)
        self._json = JsonRecords(name, limit, encoding)

    def read(self, lines: Lines, kind: str, head: bytes, *, live: bool = False) -> Iterator[Record]:
        """The records of these lines, blank ones included. `kind` is one of FORMATS; `head` are the first bytes of the stream.

        Raises Misconfigured if the stream is a table without the columns, plain text of which fields are wanted, not
        JSON at all, or JSON without a field. The last two show in the first records, unless it is `live`.
        """
        if refusal := _refusal(head, kind):
            raise Misconfigured(f"reading {self._name}: {refusal}")
        if kind in ("csv", "tsv"):
            blocks = self._tables(lines, kind, head)
            return self._rows(lines, kind, head) if live else chain.from_iterable(blocks)
        if kind == "text":
            self._check_plain()
            return self._texts(_without_bom(lines))
        records = self._json.records(lines, live=live)
        if live or self._fields.usual:
            return records
        return fitting(records, lambda record: [record], self._fields, self._name)

    def blocks(self, lines: Lines, kind: str, head: bytes, *, live: bool = False) -> Iterator[list[Record]]:
        """As `read`, in lists of the records that can be read without waiting once the first of them is there, in bounded memory."""
        if kind in ("csv", "tsv") and not _refusal(head, kind):
            return self._tables(lines, kind, head)
        if kind != "jsonl" or _refusal(head, kind):
            return _together(self.read(lines, kind, head, live=live), lines)
        blocks = self._json.blocks(lines, live=live)
        return blocks if live or self._fields.usual else fitting(blocks, lambda block: block, self._fields, self._name)

    def whole(self, lines: Lines) -> Record:
        """The text of the whole stream as one record, with the name of the stream in `meta.file`; blank if it is blank, or damaged."""
        self._check_plain()
        data = lines.whole().removeprefix(BOM)
        if lines.damage or (not data.strip() and len(data) <= self._limit):
            return Record()
        if len(data) > self._limit:
            fault = f"the file is longer than {self._limit:,} bytes (setting document_bytes)"
        elif fault := not_utf8(data):
            fault = self._explained(f"the file is {fault}", data)
        else:
            return Record(data, self._name, {"text": data.decode(), "meta": {"file": self._name}})
        return Record(data[:KEPT_BYTES], self._name, fault=fault)

    def _check_plain(self) -> None:
        if not self._fields.usual:
            raise Misconfigured(
                f"reading {self._name}: lines of plain text have no members; leave out which to take, or give its format"
            )

    def _where(self, number: int) -> str:
        return f"{self._name}, line {number}"

    def _texts(self, lines: Iterator[bytes]) -> Iterator[Record]:
        for number, line in enumerate(lines, 1):
            where = self._where(number)
            if len(line) > self._limit:
                yield Record(line[:KEPT_BYTES], where, fault=self._too_long)
            elif not line.strip():
                yield Record()
            elif fault := not_utf8(line):
                yield Record(line[:KEPT_BYTES], where, fault=self._explained(f"the line is {fault}", line))
            else:
                yield Record(line, where, {"text": line.decode()})

    def _rows(self, lines: Lines, kind: str, head: bytes) -> Iterator[Record]:
        rows, header = self._table(lines, kind, head)
        return (self._record(header, row) for row in rows)

    def _tables(self, lines: Lines, kind: str, head: bytes) -> Iterator[list[Record]]:
        rows, header = self._table(lines, kind, head)
        while ready := rows.ready():
            if isinstance(ready, Plain):
                yield self._plain_records(header, ready)
            else:
                yield [self._record(header, row) for row in ready]

    def _table(self, lines: Lines, kind: str, head: bytes) -> tuple[Rows, Sequence[str]]:
        """The rows of a table, and its header, which was read."""
        rows = Rows(lines, sniff(head, self._columns) if kind == "csv" else Dialect("\t"), self._limit)
        return rows, self._header(next((row for row in rows if row.cells or row.fault), None), kind)

    def _header(self, row: Row | None, kind: str) -> Sequence[str]:
        """The names of the columns. Raises Misconfigured if they cannot be read, or one that is needed is missing or ambiguous."""
        reading = f"reading {self._name}"
        if row is None:
            raise Misconfigured(f"{reading}: there is no column {self._columns[0]!r}; it is empty")
        if row.fault:
            raise Misconfigured(
                f"{reading}: the header, line {row.line}, cannot be read: {self._explained(row.fault, row.data)}"
            )
        header = [name.strip() for name in row.cells]
        known = distinct(header)
        if missing := [name for name in self._columns if name not in known]:
            names = " and no column ".join(map(repr, missing))
            separators = "commas, semicolons, tabs or |" if kind == "csv" else "tabs"
            hint = f"; if these are several columns, separate them by {separators}" if len(header) == 1 else ""
            hint = hint or (suggestion(header) if "text" in missing else "")
            raise Misconfigured(
                f"{reading}: there is no column {names}; the columns are {', '.join(map(repr, header))}{hint}"
            )
        needed = (*self._columns, *(MEMBERS if self._fields.usual else ()))
        if fault := repeated(header, needed):
            raise Misconfigured(f"{reading}: {fault}")
        return known

    def _plain_records(self, header: Sequence[str], plain: Plain) -> list[Record]:
        """The records of rows that are a line each: as `_record` makes them, but many at once if they are usual."""
        numbers = range(plain.first, plain.first + len(plain.lines))
        if set(map(len, plain.cells)) != {len(header)} or "meta" in header:
            rows = map(Row, numbers, plain.lines, plain.cells)
            return [self._record(header, row) for row in rows]
        places = [f"{self._name}, line {number}" for number in numbers]
        members = [
            dict(zip(header, row, strict=True)) if "" not in row else self._filled(zip(header, row, strict=True))
            for row in plain.cells
        ]
        return list(map(Record._make, zip(plain.lines, places, members, repeat(""), strict=False)))

    def _filled(self, cells: Iterable[tuple[str, str]]) -> dict[str, str]:
        """The cells of a row by their columns, without the empty ones, except for texts."""
        return {name: cell for name, cell in cells if cell or name in self._kept}

    def _record(self, header: Sequence[str], row: Row) -> Record:
        """The record of a row. Empty cells are left out, except for texts."""
        if row.fault:
            return Record(row.data[:KEPT_BYTES], self._where(row.line), fault=self._explained(row.fault, row.data))
        if not row.cells:
            return Record()
        where = self._where(row.line)
        if len(row.cells) > len(header) and any(row.cells[len(header) :]):
            fault = f"the row has {len(row.cells)} cells, the header {len(header)}; quote a cell that holds a separator"
            return Record(row.data[:KEPT_BYTES], where, fault=fault)
        members = self._filled(zip(header, row.cells, strict=False))
        if "meta" not in members or not self._fields.usual:
            return Record(row.data, where, members)
        try:
            return Record(row.data, where, {**members, "meta": parse(members["meta"].encode(), lenient=True)})
        except Rejected as error:
            return Record(row.data[:KEPT_BYTES], where, fault=f"the column 'meta': {error}")


def _refusal(head: bytes, kind: str) -> str:
    """Why a stream that begins with these bytes cannot be read as this format, and what to do; empty if it can."""
    if kind == "jsonl" and head.removeprefix(BOM).lstrip()[:1] == b"<":
        return "it begins like HTML or XML, not like JSON; convert it to JSON Lines"
    return ""


def _without_bom(lines: Lines) -> Iterator[bytes]:
    first = next(lines, None)
    if first is not None:
        yield first.removeprefix(BOM)
        yield from lines


def _together(records: Iterator[Record], lines: Lines) -> Iterator[list[Record]]:
    """The records in lists: each ends where a record may have to be waited for, and has up to BLOCK of them."""
    block: list[Record] = []
    for record in records:
        block.append(record)
        if lines.drained or len(block) >= BLOCK:
            yield block
            block = []
    yield block
