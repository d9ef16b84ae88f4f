"""What a user says of files, because neither their names nor their content say it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FileOptions:
    """`format` is jsonl, csv, tsv or text; empty to find it out. `encoding` is the encoding of text; empty for UTF-8, or UTF-16 and UTF-32
    if the content shows it."""

    format: str = ""
    encoding: str = ""


UNSAID = FileOptions()  #: nothing is said: all is found out
