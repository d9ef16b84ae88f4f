"""Labelled texts, read from files and rid of repeats."""

import csv
import gzip
import io
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec

from headrace.errors import Misconfigured
from headrace.models.card import Origin

JSON_LINES = (".jsonl", ".ndjson", ".json")
TABLES: Mapping[str, str] = {".csv": ",", ".tsv": "\t"}
FAULTS_KEPT = 5

Progress = Callable[[str, int, int], None]


def silent(what: str, done: int, total: int) -> None:
    """A Progress that shows nothing: `what` is done up to `done` of `total` (0 where the total is unknown)."""


class Row(NamedTuple):
    """A text, its label, and where it came from: its own member `source`, or the name of its file."""

    text: str
    label: str
    source: str


@dataclass(frozen=True)
class Dataset:
    """Rows without repeats, and what was met while reading them.

    `faults` tells of the first few rows that are `malformed`; `repeated` counts rows that were there already with the same label,
    `contradicted` those whose text is there with another one (they are kept).
    """

    rows: Sequence[Row]
    origins: tuple[Origin, ...] = ()
    malformed: int = 0
    repeated: int = 0
    contradicted: int = 0
    faults: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label, in alphabetical order."""
        return tuple(sorted({row.label for row in self.rows}))

    @property
    def texts(self) -> list[str]:
        """The texts of the rows, in order."""
        return [row.text for row in self.rows]


@dataclass
class _Reading:
    """What has been read so far."""

    rows: list[Row] = field(default_factory=list)
    first: dict[str, str] = field(default_factory=dict)  # text → its first label
    others: set[tuple[str, str]] = field(default_factory=set)  # a text and a further label of it
    faults: list[str] = field(default_factory=list)
    malformed: int = 0
    repeated: int = 0

    def take(self, row: Row) -> None:
        known = self.first.get(row.text)
        if known is None:
            self.first[row.text] = row.label
        elif known == row.label or (row.text, row.label) in self.others:
            self.repeated += 1
            return
        else:
            self.others.add((row.text, row.label))
        self.rows.append(row)

    def refuse(self, where: str, fault: str) -> None:
        self.malformed += 1
        if len(self.faults) < FAULTS_KEPT:
            self.faults.append(f"{where}: {fault}")


def read(
    files: Sequence[Path | str], *, text: str = "text", label: str = "label", progress: Progress = silent
) -> Dataset:
    """All labelled rows of files and folders: JSON Lines and CSV (comma, or tab in .tsv), each also as .gz, in UTF-8.

    `text` and `label` name the members (or columns). Labels may be numbers. Rows that can't be used are counted and told of, not fatal
    unless all are. Raises Misconfigured where a file is missing, of another kind or damaged, or nothing usable is found.
    """
    paths = _paths(files)
    reading, origins = _Reading(), Counter[str]()
    for number, path in enumerate(paths):
        progress("reading", number, len(paths))
        before = len(reading.rows)
        _read_file(path, text, label, reading)
        origins[_stem(path)] += len(reading.rows) - before
    progress("reading", len(paths), len(paths))
    if not reading.rows:
        told = f": {'; '.join(reading.faults)}" if reading.faults else ""
        raise Misconfigured(
            f"no labelled text was found in {', '.join(map(str, paths))}{told}; each row needs {text!r} and {label!r}"
        )
    return Dataset(
        reading.rows,
        tuple(Origin(name, rows) for name, rows in sorted(origins.items())),
        reading.malformed,
        reading.repeated,
        len(reading.others),
        tuple(reading.faults),
    )


def check(rows: Sequence[Row]) -> None:
    """Raises Misconfigured where a classifier can't be learnt: fewer than two labels, or fewer than two rows of one."""
    counts = Counter(row.label for row in rows)
    if len(counts) < 2:
        label = next(iter(counts), "")
        raise Misconfigured(f"every row has the label {label!r}: a classifier needs rows of two labels or more")
    rare = sorted(label for label, count in counts.items() if count < 2)
    if rare:
        raise Misconfigured(
            f"these labels have one text only to learn from: {', '.join(map(repr, rare[:10]))}; give each more, or leave them out"
        )


def _paths(files: Sequence[Path | str]) -> list[Path]:
    paths: list[Path] = []
    for given in map(Path, files):
        if given.is_dir():
            paths += sorted(path for path in given.rglob("*") if path.is_file() and _kind(path))
        elif not given.exists():
            raise Misconfigured(f"the data {given} can't be read: there is no such file or folder")
        elif not _kind(given):
            raise Misconfigured(
                f"the data {given} can't be read: give {', '.join([*JSON_LINES, *TABLES])}, each also with .gz"
            )
        else:
            paths.append(given)
    if not paths:
        raise Misconfigured(
            f"there are no data files in {', '.join(map(str, files)) or 'nothing'}; give labelled JSON Lines or CSV"
        )
    return list(dict.fromkeys(path.resolve() for path in paths))


def _kind(path: Path) -> str:
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    return suffix if suffix in JSON_LINES or suffix in TABLES else ""


def _stem(path: Path) -> str:
    return Path(path.name.removesuffix(".gz")).stem


def _read_file(path: Path, text: str, label: str, reading: _Reading) -> None:
    kind = _kind(path)
    try:
        with _open(path) as file:
            rows = _table_rows(path, file, TABLES[kind], (text, label)) if kind in TABLES else _json_rows(file)
            names = (text, label, _stem(path))
            for line, members in rows:
                if fault := _take(members, names, reading):
                    reading.refuse(f"{path.name}, line {line}", fault)
    except (EOFError, gzip.BadGzipFile) as error:
        raise Misconfigured(f"the data {path} is damaged: {error}; fetch it again") from None
    except OSError as error:
        raise Misconfigured(f"the data {path} can't be read: {error.strerror or error}") from None


def _open(path: Path) -> BinaryIO:
    # gzip reads lines in Python; a buffer over it does so in C
    return io.BufferedReader(gzip.open(path), 1 << 20) if path.name.endswith(".gz") else path.open("rb")


def _json_rows(file: BinaryIO) -> Iterator[tuple[int, Any]]:
    decode = msgspec.json.Decoder().decode
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            yield number, decode(line.removeprefix(b"\xef\xbb\xbf"))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            yield number, Misconfigured(f"no JSON ({error})")


def _table_rows(path: Path, file: BinaryIO, delimiter: str, wanted: tuple[str, str]) -> Iterator[tuple[int, Any]]:
    lines = (line.decode("utf-8-sig", "surrogateescape") for line in file)
    reader = csv.DictReader(lines, delimiter=delimiter)
    if reader.fieldnames is None:
        raise Misconfigured(
            f"the data {path} is empty; its first line should name columns, {' and '.join(wanted)} among them"
        )
    missing = [name for name in wanted if name not in reader.fieldnames]
    if missing:
        columns = ", ".join(map(repr, reader.fieldnames))
        raise Misconfigured(
            f"the data {path} has no column {' and no column '.join(map(repr, missing))}; its first line names {columns}"
        )
    while True:
        try:
            yield reader.line_num, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield reader.line_num, Misconfigured(str(error))


def _take(members: Any, names: tuple[str, str, str], reading: _Reading) -> str:
    """Why a row can't be used, or an empty string where it was taken."""
    if isinstance(members, Misconfigured):
        return str(members)
    if not isinstance(members, dict):
        return "no JSON object"
    text, label, source = names
    value, answer = members.get(text), members.get(label)
    if isinstance(answer, int | float):
        answer = str(answer)
    if not isinstance(value, str) or not (value := value.strip()):
        return f"{text!r} is missing, empty or no string"
    if not isinstance(answer, str) or not (answer := answer.strip()):
        return f"{label!r} is missing, empty, and neither string nor number"
    own = members.get("source")
    if isinstance(own, str) and own:
        source = own
    if not (_is_unicode(value) and _is_unicode(answer) and _is_unicode(source)):
        return "no valid Unicode: it holds half of a surrogate pair"
    reading.take(Row(value, sys.intern(answer), sys.intern(source)))
    return ""


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
