"""The texts on which models are compared, with the labels of those that have one."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from headrace.errors import Misconfigured, Rejected
from headrace.fields import LABEL, USUAL, Field, Fields, names_of
from headrace.training import files
from headrace.training.labels import canonical

FAULTS_KEPT = 5  # faults of rows that are described; all are counted


@dataclass(frozen=True)
class Rows:
    """Texts, and the label of each: empty if the row has none.

    `malformed` counts rows that can't be used, and `faults` describes the first few of them. `unmapped` are labels that the map names and
    no row has.
    """

    texts: Sequence[str]
    labels: Sequence[str]
    malformed: int = 0
    faults: tuple[str, ...] = ()
    unmapped: tuple[str, ...] = ()

    @property
    def labelled(self) -> int:
        """How many rows have a label."""
        return sum(map(bool, self.labels))

    def sampled(self, most: int | None, seed: int) -> "Rows":
        """`most` of the rows, drawn at random, in the order of the data; all if there are no more, or if `most` is None.

        The same data and the same seed give the same rows.
        """
        if most is None or most >= len(self.texts):
            return self
        chosen = sorted(random.Random(seed).sample(range(len(self.texts)), most))
        return replace(self, texts=[self.texts[one] for one in chosen], labels=[self.labels[one] for one in chosen])


def read(
    data: Sequence[Path | str],
    *,
    fields: Fields = USUAL,
    label: Field = LABEL,
    encoding: str = "",
    mapping: Mapping[str, str],
    progress: Callable[[int], None] = lambda _rows: None,
) -> Rows:
    """The rows of files and folders in the formats of `train`; a label may be missing. Repeated rows count each time.

    `fields` and `label` are where a row has its text and its label; `encoding` is that of the files, and empty to find it out.
    Labels are written as `labels.canonical` writes them, then renamed by the mapping. `progress` is called with the number of rows read.
    Raises Misconfigured if a file is missing, damaged or of another kind, or no row can be used.
    """
    paths = files.find(data)
    texts: list[str] = []
    labels: list[str] = []
    faults: list[str] = []
    malformed = 0
    found: dict[Any, str] = {}  # labels as they are written → as they are compared
    for path in paths:
        for where, members in files.rows(path, fields, encoding=encoding):
            progress(len(texts) + malformed)
            if fault := _fault(members, fields, label):
                malformed += 1
                faults += [f"{where}: {fault}"] if malformed <= FAULTS_KEPT else []
                continue
            written = fields.labelled(members, label)
            key = type(written), written
            if key not in found:
                found[key] = canonical(written)
            texts.append(fields.text_of(members))
            labels.append(mapping.get(found[key], found[key]))
    if not texts:
        reasons = f": {'; '.join(faults)}" if faults else ""
        raise Misconfigured(
            f"no text was found in {', '.join(map(str, paths))}{reasons}; each row needs {_named(fields)}"
        )
    unmapped = tuple(label for label in mapping if label not in found.values())
    return Rows(texts, labels, malformed, tuple(faults), unmapped)


def _named(fields: Fields) -> str:
    return " or ".join(repr(field.written) for field in fields.text)


def _fault(members: Any, fields: Fields, label: Field) -> str:
    """Why a row can't be used; empty if it can."""
    if isinstance(members, Misconfigured):
        return str(members)
    if not isinstance(members, dict):
        return "not a JSON object"
    try:
        text, written = fields.text_of(members), fields.labelled(members, label)
    except Rejected as error:
        return str(error)
    if not isinstance(text, str) or not text.strip():
        return f"{_named(fields)} is missing, empty or not a string; the row has {names_of(members)}"
    if written is not None and not isinstance(written, str | int | float):
        return f"{label.written!r} is neither string nor number"
    if not (_is_unicode(text) and _is_unicode(str(written))):
        return "not valid Unicode: it holds half of a surrogate pair"
    return ""


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
