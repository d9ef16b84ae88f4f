"""How a table separates and quotes its cells, found out from its header and first rows."""

import csv
import re
from collections.abc import Sequence
from typing import NamedTuple

DELIMITERS = (",", ";", "\t", "|")  #: that are looked for, the usual one first
ROWS = 100  #: that are looked at
_DECLARED = re.compile(r'"?sep=([,;|:\t])"?\r?(\n|$)', re.IGNORECASE)  # as spreadsheets write above the header


class Dialect(NamedTuple):
    """What separates cells, and what quotes them; whether the first line says so, and is no header."""

    delimiter: str = ","
    quote: str = '"'
    declared: bool = False


def sniff(head: bytes, columns: Sequence[str]) -> Dialect:
    """The dialect of a table that begins with these bytes.

    It is one in whose header the columns are, if there is one; among several, that in which most rows are as wide as the header.
    A table of one column has commas, however often another separator occurs in its texts.
    """
    text = head.decode("utf-8-sig", "replace")
    if declared := _DECLARED.match(text):
        return Dialect(declared[1], declared=True)
    whole = text[: text.rfind("\n") + 1] or text  # without the line in which the head ends
    lines = [line for line in whole.splitlines(keepends=True) if line.strip()]
    if not lines:
        return Dialect()
    quotes = "'\"" if lines[0].lstrip().startswith("'") else '"'
    found = [
        (_fit(lines, delimiter, quote, columns), Dialect(delimiter, quote))
        for quote in quotes
        for delimiter in DELIMITERS
    ]
    fit, best = max(found, key=lambda one: one[0])
    return best if fit > (False, False) else Dialect(quote=best.quote)


def _fit(lines: Sequence[str], delimiter: str, quote: str, columns: Sequence[str]) -> tuple[bool, bool, float]:
    """Whether the columns are in the header, whether it has several, and the share of the rows that are as wide."""
    rows: list[list[str]] = []
    try:
        for row in csv.reader(lines, delimiter=delimiter, quotechar=quote):
            rows.append(row)
            if len(rows) > ROWS:
                break
    except csv.Error:
        if not rows:
            return False, False, 0.0
    width, names = len(rows[0]), [name.strip() for name in rows[0]]
    alike = sum(len(row) == width for row in rows[1:])
    return all(name in names for name in columns), width > 1, alike / max(1, len(rows) - 1)
