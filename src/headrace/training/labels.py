"""Labels as people write them: one spelling for labels that are the same, and a word on those that only look alike."""

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

#: How JSON writes a number. What begins with further zeros (`007`) or a plus is a code, not a number.
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,2})?", re.ASCII)
DIGITS = 40  #: of a number written without an exponent, at most; a longer one is kept as it is written
#: Characters without width, which count as blanks too.
WIDTHLESS = dict.fromkeys(map(ord, "\u200b\u2060\ufeff"), " ")
SHOWN = 5  #: labels that are named, of those that are written in several ways


def canonical(value: object) -> str:
    """The label that a value stands for; an empty string if it is none.

    Values stand for the same label if they are the same number (1, 1.0, "1.0"), or texts that differ in blanks at their ends, in the
    number and kind of blanks within, or in how Unicode composes a character. Upper and lower case are told apart. NaN is not a label.
    """
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int | float):
        if not math.isfinite(value):
            return ""
        return _number(str(value))
    if not isinstance(value, str):
        return ""
    text = " ".join(value.translate(WIDTHLESS).split())
    if text == "NaN":
        return ""
    return _number(text) if NUMBER.fullmatch(text) else unicodedata.normalize("NFC", text)


def _number(text: str) -> str:
    """A number in its shortest form without an exponent."""
    plain = format(Decimal(text), "f")
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    if len(plain) > DIGITS:
        return text
    return "0" if plain == "-0" else plain


@dataclass
class Spellings:
    """Counts how labels are written."""

    _rows: defaultdict[str, Counter[tuple[str, str]]] = field(default_factory=lambda: defaultdict(Counter))
    _known: dict[tuple[type, object], str] = field(default_factory=dict)

    def label(self, value: object) -> str:
        """`canonical` of a value, which is counted."""
        key = (type(value), value) if isinstance(value, str | int | float) else (type(value), None)
        label = self._known.get(key)
        if label is None:
            label = self._known[key] = canonical(value)
        if label:
            self._rows[label][str(value), repr(value)] += 1
        return label

    def merged(self) -> list[str]:
        """The labels that are also written in another way, each with the ways and how many rows have them."""
        found = []
        for label, rows in sorted(self._rows.items()):
            others = [f"{shown} ({count:,})" for (text, shown), count in sorted(rows.items()) if text != label]
            if others:
                found.append(f"{label!r} is also written {', '.join(others[:SHOWN])}")
        return found

    def alike(self) -> list[str]:
        """The labels that differ only in upper and lower case, or in the form of their characters."""
        groups = defaultdict(list)
        for label in sorted(self._rows):
            groups[unicodedata.normalize("NFKC", label).casefold()].append(label)
        return [" and ".join(map(repr, labels)) for labels in groups.values() if len(labels) > 1]


def shortened(lines: Iterable[str]) -> str:
    """The first SHOWN of these, and how many more there are."""
    every = list(lines)
    more = f"; and {len(every) - SHOWN:,} more" if len(every) > SHOWN else ""
    return "; ".join(every[:SHOWN]) + more
