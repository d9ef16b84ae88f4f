"""What a user says of files, because neither their names nor their content say it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from headrace.errors import Misconfigured

_SWITCHES: Mapping[str, bool] = {"yes": True, "true": True, "no": False, "false": False, "": False}


@dataclass(frozen=True)
class FileOptions:
    """`format` is jsonl, csv, tsv, text or parquet; empty to find it out. `encoding` is the encoding of text; empty for UTF-8, or UTF-16
    and UTF-32 if the content shows it. `whole`: a file of plain text is one document, and not one a line. `follow`: it is written to, and
    read without end."""

    format: str = ""
    encoding: str = ""
    whole: bool = False
    follow: bool = False

    @classmethod
    def parse(cls, written: Mapping[str, str]) -> Self:
        """The options by their names, as text; what is missing or empty is not said. Raises Misconfigured for another name or value."""
        read: dict[str, Any] = {}
        for name, value in written.items():
            if name not in OPTIONS:
                raise Misconfigured(f"no option {name!r} is known for files; known are {', '.join(OPTIONS)}")
            switch = isinstance(getattr(cls, name), bool)
            if switch and value not in _SWITCHES:
                raise Misconfigured(f"the option {name} is {value!r}; it must be yes or no")
            read[name] = _SWITCHES[value] if switch else value
        return cls(**read)


UNSAID = FileOptions()  #: nothing is said: all is found out
OPTIONS = tuple(field.name for field in fields(FileOptions))
