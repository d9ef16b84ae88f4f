"""What the tables of figures have to gain for documents and answers: totals, totals by the hour, and spans of numbers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from headrace.clock import HOUR

WIDTHS = (60, 3600, 86400)  # seconds of the spans: minutes, hours, days
SECOND = 1_000_000  # in microseconds

Cells = Counter[tuple[int, ...]]


def of_answers(
    rows: Sequence[tuple[Any, ...]], now: int, earlier: Mapping[int, int]
) -> tuple[dict[tuple[int, int], int], dict[tuple[int, int, int], int]]:
    """How many answers come to each (model, label), and to each (model, hour, label): the hour in which the document was stored.

    `rows` are those of the table: document, model, version, label, score. Documents that are not in `earlier` are stored `now`.
    """
    totals = Counter((row[1], row[3]) for row in rows)
    this = now // HOUR
    hours = Counter({(model, this, label): total for (model, label), total in totals.items()})
    for row in rows if earlier else ():
        if row[0] in earlier:
            hours[row[1], this, row[3]] -= 1
            hours[row[1], earlier[row[0]] // HOUR, row[3]] += 1
    return totals, {cell: total for cell, total in hours.items() if total}


def of_documents(numbers: Sequence[int], now: int) -> list[tuple[int, int, int, int]]:
    """The rows (seconds, start, first, last) of the spans in which documents of these numbers are stored; none for none."""
    if not numbers:
        return []
    return [(width, now // (width * SECOND), min(numbers), max(numbers)) for width in WIDTHS]
