"""Tables: the rows of CSV and of tab-separated values, of which a stray quote swallows nothing.

A field in quotes may hold separators, doubled quotes and line ends. A quote that opens such a field and is never closed, or is closed only
by accident many lines later, makes its line a malformed row, and reading goes on at the next line.
"""

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from headrace.sources.dialects import Dialect
from headrace.sources.lines import BOM, Lines
from headrace.validation import not_utf8

#: Lines within a quoted field that look like rows themselves, from which on its quote counts as a stray one: in a table of several
#: columns, where a look says much, and in a table of one column, where it says little.
ROWS, LINES = 2, 1000
SHARE = 0.95  #: of the lines within a field


class Row(NamedTuple):
    """A row: the number of its first line, its bytes, and its cells, or (`fault`) why they can't be read.

    A blank line is a row without cells and fault.
    """

    line: int
    data: bytes
    cells: Sequence[str] = ()
    fault: str = ""


class Plain(NamedTuple):
    """Rows that are a line each: the number of the first line, the lines, and the cells of each, none of a blank line."""

    first: int
    lines: Sequence[bytes]
    cells: Sequence[Sequence[str]]


class Rows:
    """An iterator over the rows of a table. `limit`: the longest line, in bytes; a row may have twice as many.

    The first row that is not blank is the header: what else looks like a row has as many cells.
    """

    def __init__(self, lines: Lines, dialect: Dialect, limit: int) -> None:
        self._lines, self._dialect, self._limit = lines, dialect, limit
        self._number = 0  # of the line that was taken last
        self._separator, self._quote = dialect.delimiter.encode(), dialect.quote.encode()
        self._again: deque[tuple[int, bytes]] = deque()  # lines that were taken for a part of a field
        self._width = 0
        csv.field_size_limit(max(csv.field_size_limit(), 4 * limit))  # of the process; how much is read is bounded here

    def __iter__(self) -> Iterator[Row]:
        return self

    def __next__(self) -> Row:
        if (line := self._next_line()) is None:
            raise StopIteration
        number, data = line
        read = self._quoted if self._quote in data and len(data) <= self._limit else self._plain
        row = read(number, data)
        self._width = self._width or len(row.cells)
        return row

    def ready(self) -> Plain | list[Row]:
        """The next rows, those of the lines that were read already; waits for one. An empty list at the end."""
        lines = [] if self._again else self._lines.ready()
        cells = self._cells(lines) if lines and self._width else None
        if cells is not None:
            self._lines.skip_ready()
            self._number += len(lines)
            return Plain(self._number - len(lines) + 1, lines, cells)
        rows: list[Row] = []
        end = self._number + max(1, len(lines))
        while (self._number < end or self._again) and (row := next(self, None)) is not None:
            rows.append(row)
        return rows

    def _cells(self, lines: Sequence[bytes]) -> Sequence[Sequence[str]] | None:
        """The cells of usual lines, each of which is a row; None if one of them is not."""
        data = b"\n".join(lines)
        if len(data) > self._limit and len(max(lines, key=len)) > self._limit:
            return None
        try:
            text = data.decode().split("\n")
            quoted = self._quote in data
            cells = list(self._reader(iter(text)) if quoted else (line.split(self._dialect.delimiter) for line in text))
        except (UnicodeDecodeError, csv.Error):
            return None
        if len(cells) != len(lines):
            return None
        return [() if not line or line.isspace() else row for line, row in zip(lines, cells, strict=True)]

    def _reader(self, lines: Iterator[str]) -> Iterator[list[str]]:
        return csv.reader(lines, delimiter=self._dialect.delimiter, quotechar=self._dialect.quote, strict=True)

    def _plain(self, number: int, data: bytes) -> Row:
        """The row of a line without quotes, or of one that is too long."""
        if len(data) > self._limit:
            return Row(number, data, fault=f"the line is longer than {self._limit:,} bytes (setting document_bytes)")
        if not data or data.isspace():
            return Row(number, data)
        try:
            return Row(number, data, data.decode().split(self._dialect.delimiter))
        except UnicodeDecodeError:
            return Row(number, data, fault=f"the line is {not_utf8(data)}")

    def _quoted(self, number: int, data: bytes) -> Row:
        """The row that begins in a line with quotes, which may end in a later one."""
        taken, unclosed = [(number, data)], False

        def following() -> Iterator[str]:
            nonlocal unclosed
            size = len(data)
            yield _text(data)
            while size <= 2 * self._limit and (line := self._next_line()) is not None:
                taken.append(line)
                size += len(line[1])
                if len(line[1]) > self._limit:
                    break
                yield _text(line[1])
            unclosed = True

        try:
            cells = next(self._reader(following()))
        except csv.Error:
            fault = _quote_fault(taken[-1][0] - number, taken[-1][0], unclosed)
        else:
            if len(taken) == 1 or not self._is_stray([line for _, line in taken[1:]], len(cells)):
                return Row(number, b"\n".join(line for _, line in taken), cells, _encoding_fault(taken))
            fault = f"a quote opens a field that is closed only in line {taken[-1][0]}, but the lines up to there look like rows"
        self._again.extendleft(reversed(taken[1:]))
        return Row(number, data, fault=f"{fault}; double the quotes within a field, and close it")

    def _next_line(self) -> tuple[int, bytes] | None:
        if self._again:
            return self._again.popleft()
        if (line := next(self._lines, None)) is None:
            return None
        self._number += 1
        if self._number == 1:
            line = b"" if self._dialect.declared else line.removeprefix(BOM)
        return self._number, line

    def _is_stray(self, following: Sequence[bytes], width: int) -> bool:
        """Whether the lines after the first of a row look like rows, so that the quote that makes them a field is probably a stray one."""
        if not self._width:
            return False
        said = [line for line in following if line.strip() and not line.endswith(self._separator)]
        alike = [self._looks_like_row(line) for line in said]
        least = {1: LINES}.get(self._width, ROWS if width == self._width else 1)
        return len(alike) >= least and alike[-1] and sum(alike) >= SHARE * len(alike)

    def _looks_like_row(self, data: bytes) -> bool:
        # In prose a blank follows a comma; in a table it follows none that is not quoted.
        return data.count(self._separator) + 1 == self._width and self._separator + b" " not in data


def _text(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape") + "\n"


def _quote_fault(lines: int, last: int, unclosed: bool) -> str:
    """What is wrong with the quotes of a row that was looked for in so many further lines, up to the last."""
    if unclosed:
        return "a quote opens a field that is never closed"
    if lines:
        return f"a quote opens a field, and text follows the quote that would close it in line {last}"
    return "text follows the quote that closes a field"


def _encoding_fault(lines: Sequence[tuple[int, bytes]]) -> str:
    """Why the lines of a row are not UTF-8, with the number of the line if it has several."""
    for number, line in lines:
        if not line.isascii() and (fault := not_utf8(line)):
            return f"line {number} is {fault}" if len(lines) > 1 else f"the line is {fault}"
    return ""
