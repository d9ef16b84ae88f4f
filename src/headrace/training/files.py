"""Data files: those that a user means, and the rows in them, as they are."""

import csv
import gzip
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from headrace.errors import Misconfigured

#: The endings of files of JSON Lines, and those of tables with their delimiters.
JSON_LINES = (".jsonl", ".ndjson", ".json")
TABLES: Mapping[str, str] = {".csv": ",", ".tsv": "\t"}


def find(files: Sequence[Path | str]) -> list[Path]:
    """The data files among these files and folders, each once. Raises Misconfigured for a missing or unknown one, or if there are none."""
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
    """The ending of a data file without .gz; an empty string for any other file."""
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    return suffix if suffix in JSON_LINES or suffix in TABLES else ""


def stem(path: Path) -> str:
    """The name of a file without its endings."""
    return Path(path.name.removesuffix(".gz")).stem


def rows(path: Path, columns: tuple[str, str]) -> Iterator[tuple[int, Any]]:
    """The rows of a data file, each with the number of its line; a row that can't be parsed is a Misconfigured instead of its members.

    A table needs these columns. Raises Misconfigured, naming the file, if it is damaged, unreadable or lacks them.
    """
    kind = _kind(path)
    try:
        with _open(path) as file:
            yield from _table_rows(path, file, TABLES[kind], columns) if kind in TABLES else _json_rows(file)
    except (EOFError, gzip.BadGzipFile) as error:
        raise Misconfigured(f"the data {path} is damaged: {error}; fetch it again") from None
    except OSError as error:
        raise Misconfigured(f"the data {path} can't be read: {error.strerror or error}") from None


def _open(path: Path) -> BinaryIO:
    # GzipFile reads lines in Python; a buffer around it does so in C, which is faster
    return io.BufferedReader(gzip.open(path), 1 << 20) if path.name.endswith(".gz") else path.open("rb")


def _json_rows(file: BinaryIO) -> Iterator[tuple[int, Any]]:
    decode = msgspec.json.Decoder().decode
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            yield number, decode(line.removeprefix(b"\xef\xbb\xbf"))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            yield number, Misconfigured(f"not JSON ({error})")


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
