"""The content of a file, as records: decompressed, in UTF-8, in the format that its name or its first bytes say."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from headrace.fields import Fields
from headrace.file_options import FileOptions
from headrace.sources.compression import Unpacked, promised
from headrace.sources.lines import Lines
from headrace.sources.records import Record, Records, format_of
from headrace.sources.transcoding import LOOKED_AT, Transcoded

#: Bytes of the beginning, by which a format is recognised: that are waited for, and that are looked at.
HEAD_BYTES, MOST_HEAD_BYTES = 4096, 64 << 10
LOG = logging.getLogger("headrace.sources")


@dataclass(frozen=True)
class How:
    """How files are read: the largest document in bytes, the fields, the columns that a table needs besides, and what the user says."""

    limit: int
    fields: Fields
    others: Sequence[str]
    options: FileOptions


class Content(Protocol):
    """The records of a file, or of the `member` of an archive, which its `identity` tells from any other."""

    @property
    def member(self) -> str: ...
    @property
    def identity(self) -> bytes: ...
    @property
    def waits(self) -> bool:
        """Whether the next record may have to be waited for."""
        ...

    def records(self) -> Iterator[Record]:
        """The records, blank ones included. Raises Misconfigured if they cannot be read."""
        ...

    def blocks(self) -> Iterator[list[Record]]:
        """As `records`, in lists of those that can be read without waiting once the first of them is there."""
        ...

    def failure(self) -> str:
        """Why the content could not be read to its end, once it was read; empty if it could."""
        ...


class TextContent:
    """What `read` reads of a file called `path`, which is `shown` in messages. `live` content is waited for, and read as it comes.

    In an archive, it is that of a `member`, and `identity` tells it from any other.
    """

    def __init__(
        self,
        read: Callable[[int], bytes],
        path: str,
        shown: str,
        how: How,
        *,
        live: bool = False,
        member: str = "",
        identity: bytes = b"",
    ) -> None:
        self.member, self.identity = member, identity
        self._path, self._shown, self._how, self._live = path, shown, how, live
        self._unpacked = Unpacked(read, packed="" if live else promised(path))
        least = 1 if live else LOOKED_AT
        self._text = Transcoded(self._unpacked, encoding=how.options.encoding, least=least)
        self._lines = Lines(self._text, how.limit)

    @property
    def waits(self) -> bool:
        """Whether the next record may have to be waited for."""
        return self._live and self._lines.drained

    def records(self) -> Iterator[Record]:
        """The records, blank ones included. Raises Misconfigured as `Records.read` does."""
        records, kind, head = self._recognised()
        if kind == "text" and self._how.options.whole:
            return iter([records.whole(self._lines)])
        return records.read(self._lines, kind, head, live=self._live)

    def blocks(self) -> Iterator[list[Record]]:
        """As `records`, in lists of those that can be read without waiting once the first of them is there."""
        records, kind, head = self._recognised()
        if kind == "text" and self._how.options.whole:
            return iter([[records.whole(self._lines)]])
        return records.blocks(self._lines, kind, head, live=self._live)

    def failure(self) -> str:
        """Why the content could not be read to its end, once it was read; empty if it could. Warns of what was ignored."""
        if self._unpacked.ignored:
            LOG.warning(
                f"reading {self._shown}: what follows the end of the {self._unpacked.compression} data is ignored"
            )
        if not self._lines.damage:
            return ""
        kind = self._unpacked.compression or self._text.encoding
        what = f"the {kind} file" if kind else "it"
        return f"reading {self._shown}: {what} is damaged or cut short ({self._lines.damage}); what came before that was read"

    def _recognised(self) -> tuple[Records, str, bytes]:
        """What reads the records, the format, and the first bytes."""
        how, head = self._how, self._lines.head(1 if self._live else HEAD_BYTES, MOST_HEAD_BYTES)
        kind = how.options.format or format_of(self._path, head)
        if kind == "csv" and self._live:
            head = self._header(head)
        encoding = self._text.encoding
        records = Records(self._shown, how.limit, how.fields, how.others, encoding)
        return records, kind, head

    def _header(self, head: bytes) -> bytes:
        """The first bytes of a table, with its first line to the end: by that its separator is found out."""
        while b"\n" not in head.strip() and len(head) < MOST_HEAD_BYTES:
            if len(more := self._lines.head(len(head) + 1, MOST_HEAD_BYTES)) == len(head):
                break
            head = more
        return head
