"""Reading labelled texts from files, without repeated rows."""

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from headrace.errors import Misconfigured, Rejected
from headrace.fields import LABEL, USUAL, Field, Fields, names_of
from headrace.models.card import Origin
from headrace.training.files import find, stem
from headrace.training.files import rows as rows_of
from headrace.training.labels import Spellings

#: Faults of rows that are described; all are counted.
FAULTS_KEPT = 5

#: Called with the name of a step, how much of it is done, and of how much (0 if unknown).
Progress = Callable[[str, int, int], None]


def silent(what: str, done: int, total: int) -> None:
    """A Progress that shows nothing."""


class Row(NamedTuple):
    """A text, its label, and its source: its own member `source`, or the name of its file."""

    text: str
    label: str
    source: str


@dataclass(frozen=True)
class Dataset:
    """Rows without repeats, and what was found while reading them.

    `malformed` counts rows that can't be used; `faults` describes the first few of them. `repeated` counts rows that were left out because
    text and label occurred before, `contradicted` rows whose text occurred before with another label (they are kept). `origins` has the
    number of rows of each file. `merged` describes labels that are written in several ways and count as one (training/labels.py), `alike`
    those that differ only in upper and lower case and are kept apart.
    """

    rows: Sequence[Row]
    origins: tuple[Origin, ...] = ()
    malformed: int = 0
    repeated: int = 0
    contradicted: int = 0
    faults: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """All labels, in alphabetical order."""
        return tuple(sorted({row.label for row in self.rows}))

    @property
    def texts(self) -> list[str]:
        """The texts of the rows, in order."""
        return [row.text for row in self.rows]


@dataclass
class _Reader:
    """Collects rows and what is wrong with them."""

    rows: list[Row] = field(default_factory=list)
    first: dict[str, str] = field(default_factory=dict)  # text → its first label
    others: set[tuple[str, str]] = field(default_factory=set)  # a text and a further label of it
    faults: list[str] = field(default_factory=list)
    labels: set[str] = field(default_factory=set)  # before the mapping
    malformed: int = 0
    repeated: int = 0
    spellings: Spellings = field(default_factory=Spellings)
    mapping: Mapping[str, str] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        """Add a row, unless it is a repeat."""
        known = self.first.get(row.text)
        if known is None:
            self.first[row.text] = row.label
        elif known == row.label or (row.text, row.label) in self.others:
            self.repeated += 1
            return
        else:
            self.others.add((row.text, row.label))
        self.rows.append(row)

    def named(self, label: str) -> str:
        """The label by the name that the mapping gives it."""
        self.labels.add(label)
        return self.mapping.get(label, label)

    def reject(self, where: str, fault: str) -> None:
        self.malformed += 1
        if len(self.faults) < FAULTS_KEPT:
            self.faults.append(f"{where}: {fault}")


def read(
    files: Sequence[Path | str],
    *,
    fields: Fields = USUAL,
    label: Field = LABEL,
    encoding: str = "",
    mapping: Mapping[str, str] | None = None,
    progress: Progress = silent,
) -> Dataset:
    """All labelled rows of files and folders: JSON Lines and CSV, each also compressed.

    `fields` are where a row has its text, `label` where it has its label; `encoding` is that of the files, and
    empty to find it out. Labels may be numbers; `labels.canonical` says which labels are
    the same. `mapping` renames them (see `label_map`). Rows that can't be used are counted and described, and are an error only if no
    others are left. Raises Misconfigured if a file is missing, damaged or of another kind, if no row can be used, or if no row has a label
    that `mapping` names.
    """
    paths = find(files)
    reader, origins = _Reader(mapping=mapping or {}), Counter[str]()
    for number, path in enumerate(paths):
        progress("reading", number, len(paths))
        before = len(reader.rows)
        for where, members in rows_of(path, fields, (label.written,), encoding):
            if fault := _add_row(members, fields, label, stem(path), reader):
                reader.reject(where, fault)
        origins[stem(path)] += len(reader.rows) - before
    progress("reading", len(paths), len(paths))
    if not reader.rows:
        faults_found = f": {'; '.join(reader.faults)}" if reader.faults else ""
        raise Misconfigured(
            f"no labelled text was found in {', '.join(map(str, paths))}{faults_found}; each row needs"
            f" {' or '.join(repr(field.written) for field in fields.text)} and {label.written!r}"
        )
    _check_mapping(reader)
    return Dataset(
        reader.rows,
        tuple(Origin(name, rows) for name, rows in sorted(origins.items())),
        reader.malformed,
        reader.repeated,
        len(reader.others),
        tuple(reader.faults),
        tuple(reader.spellings.merged()),
        tuple(reader.spellings.alike()),
    )


def check(rows: Sequence[Row]) -> None:
    """Raise Misconfigured if no classifier can be learnt: there are fewer than two labels, or a label has fewer than two rows."""
    counts = Counter(row.label for row in rows)
    if len(counts) < 2:
        label = next(iter(counts), "")
        raise Misconfigured(f"every row has the label {label!r}: a classifier needs rows of two labels or more")
    rare = sorted(label for label, count in counts.items() if count < 2)
    if rare:
        raise Misconfigured(
            f"these labels have only one text to learn from: {', '.join(map(repr, rare[:10]))}; give each more texts, or leave them out"
        )


def _check_mapping(reader: _Reader) -> None:
    if unknown := [label for label in reader.mapping if label not in reader.labels]:
        raise Misconfigured(
            f"the map of labels names {', '.join(map(repr, unknown))}, which no row has; the labels are"
            f" {', '.join(map(repr, sorted(reader.labels)[:20]))}"
        )


def _add_row(members: Any, fields: Fields, label: Field, source: str, reader: _Reader) -> str:
    """Add a row and return an empty string, or return why it can't be used. `source` is that of rows that name none."""
    if isinstance(members, Misconfigured):
        return str(members)
    if not isinstance(members, dict):
        return "not a JSON object"
    try:
        value, written = fields.text_of(members), fields.labelled(members, label)
    except Rejected as error:
        return str(error)
    if not isinstance(value, str) or not (value := value.strip()):
        return f"{fields.text[0].written!r} is missing, empty or not a string; the row has {names_of(members)}"
    own = members.get("source")
    if isinstance(own, str) and own:
        source = own
    if not (_is_unicode(value) and _is_unicode(str(written)) and _is_unicode(source)):
        return "not valid Unicode: it holds half of a surrogate pair"
    answer = reader.spellings.label(written)
    if not answer:
        return f"{label.written!r} is missing, empty, or neither string nor number"
    reader.add(Row(value, sys.intern(reader.named(answer)), sys.intern(source)))
    return ""


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
