"""Data files: those that a user means, and the rows in them, as they are."""

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath
from typing import Any

from headrace.errors import Misconfigured
from headrace.fields import Fields
from headrace.file_options import FileOptions
from headrace.sources import finding
from headrace.sources.compression import ENDINGS, bare
from headrace.sources.record_file import found, is_remote
from headrace.urls import open_file

SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")
ROW_BYTES = 16 << 20  # the longest row


def find(files: Sequence[Path | str]) -> list[Path | str]:
    """The data files among these files and folders, each once; of other machines by their URLs.

    Raises Misconfigured for a missing or unknown one, or if there are none.
    """
    paths: list[Path | str] = []
    for named in files:
        if is_remote(str(named)):
            paths += [url for url in found(str(named)) if url == named or _kind(PurePath(url))]
            continue
        given = Path(named)
        if given.is_dir():
            paths += sorted(path for path in given.rglob("*") if path.is_file() and _kind(path))
        elif not given.exists() and glob.has_magic(str(given)):
            paths += [Path(path) for path in finding.find(str(given)) if _kind(Path(path))]
        elif not given.exists():
            raise Misconfigured(f"the data {given} can't be read: there is no such file or folder")
        elif not _kind(given):
            raise Misconfigured(
                f"the data {given} can't be read: give {', '.join(SUFFIXES)}, each also with {', '.join(ENDINGS)}"
            )
        else:
            paths.append(given)
    if not paths:
        raise Misconfigured(
            f"there are no data files in {', '.join(map(str, files)) or 'nothing'}; give labelled JSON Lines or CSV"
        )
    return list(dict.fromkeys(path.resolve() if isinstance(path, Path) else path for path in paths))


def _kind(path: PurePath) -> str:
    """The ending of a data file without that of a compression, or the kind of an archive; an empty string for any other file."""
    suffix = PurePath(bare(path.name)).suffix.lower()
    return suffix if suffix in SUFFIXES else finding.archive_kind(path.name)


def stem(path: Path | str) -> str:
    """The name of a file without its endings."""
    return PurePath(bare(PurePath(path).name)).stem


def rows(path: Path | str, fields: Fields, others: Sequence[str] = (), encoding: str = "") -> Iterator[tuple[str, Any]]:
    """The rows of a data file, each with its place; a row that can't be read is a Misconfigured instead of its members.

    `encoding` is that of its text, and empty to find it out. A table needs the `fields`, and `others`, as columns.

    Raises Misconfigured, naming the file, if it is damaged, unreadable or lacks them.
    """
    options = FileOptions(encoding=encoding)
    for record in open_file(str(path), limit=ROW_BYTES, fields=fields, others=others, options=options).records():
        yield record.where, Misconfigured(record.fault) if record.fault else record.members
