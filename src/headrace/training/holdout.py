"""Holding out a part of the data, by a hash: it is the same part every time, and no text is in both parts."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from headrace.errors import Misconfigured
from headrace.training.datasets import Row


def split(
    rows: Sequence[Row], test_size: float = 0.1, *, seed: int = 0, by: Literal["text", "source"] = "text"
) -> tuple[list[Row], list[Row]]:
    """Rows to train on and rows held out, which are about `test_size` of all; the same seed gives the same parts in any order of the rows.

    By text: the same share of every label, by a hash of the text that ignores case and the number of blanks; a label keeps at least two
    texts to train on. By source: whole sources, and the same texts of other sources; every label keeps a row to train on. Raises
    Misconfigured if nothing can be held out, or `test_size` is not between 0 and 1.
    """
    if not 0 < test_size < 1:
        raise Misconfigured(f"the share held out must lie between 0 and 1, and is {test_size}; 0.1 is usual")
    keys = [_key(row.text, seed) for row in rows]
    chosen = _texts(rows, keys, test_size) if by == "text" else _sources(rows, keys, test_size, seed)
    test = [row for row, key in zip(rows, keys, strict=True) if key in chosen]
    train = [row for row, key in zip(rows, keys, strict=True) if key not in chosen]
    if not test or not train:
        raise Misconfigured(
            f"{len(rows)} rows are too few to hold out {test_size:.0%} of them; give more rows, or hold out a larger share"
        )
    return train, test


def _texts(rows: Sequence[Row], keys: Sequence[bytes], test_size: float) -> set[bytes]:
    """The keys of the texts to hold out."""
    labels: dict[bytes, str] = {}
    for row, key in zip(rows, keys, strict=True):
        known = labels.setdefault(key, row.label)
        if (
            row.label < known
        ):  # a text with several labels counts under the first in alphabetical order, in any order of files
            labels[key] = row.label
    by_label: dict[str, list[bytes]] = {}
    for key, label in labels.items():
        by_label.setdefault(label, []).append(key)
    chosen: set[bytes] = set()
    for of_label in by_label.values():
        wanted = max(1, round(len(of_label) * test_size))
        chosen.update(sorted(of_label)[: max(0, min(wanted, len(of_label) - 2))])
    return chosen


def _sources(rows: Sequence[Row], keys: Sequence[bytes], test_size: float, seed: int) -> set[bytes]:
    """The keys of the texts of the sources to hold out."""
    by_source: dict[str, Counter[str]] = {}
    for row in rows:
        by_source.setdefault(row.source, Counter())[row.label] += 1
    left = Counter(row.label for row in rows)
    wanted, taken = test_size * len(rows), 0
    held: set[str] = set()
    for source in sorted(by_source, key=lambda name: _key(name, seed)):
        counts = by_source[source]
        spared = all(left[label] > count for label, count in counts.items())
        if spared and counts.total() < 2 * (wanted - taken):  # it brings the held-out share closer to what is wanted
            held.add(source)
            left.subtract(counts)
            taken += counts.total()
    if not held:
        known = ", ".join(f"{source} ({counts.total()} rows)" for source, counts in sorted(by_source.items())[:10])
        raise Misconfigured(
            f"no source can be held out whole: {known}; give more sources, hold out a larger share, or split by text"
        )
    return {key for row, key in zip(rows, keys, strict=True) if row.source in held}


def _key(text: str, seed: int) -> bytes:
    """A hash of a text, the same for texts that differ in case and the number of blanks only."""
    return hashlib.blake2b(f"{seed} {' '.join(text.casefold().split())}".encode(), digest_size=8).digest()
