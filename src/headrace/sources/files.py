"""Files as a source: JSON Lines, CSV and plain text, compressed with gzip or not, and standard input."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

from headrace.documents import DOCUMENT_BYTES, Document
from headrace.errors import Misconfigured, Rejected
from headrace.fields import USUAL, Fields
from headrace.ports import Batch, Malformed
from headrace.sources.record_file import BATCH, RecordFile, path_in
from headrace.sources.records import KEPT_BYTES, Record

SOURCE = "files"  #: the source of documents that name none


class FileSource:
    """One file, or standard input (`-`), which can't be resumed.

    `kind` is one of FORMATS; if empty, the file's name decides, or else the first byte. A CSV file has a header with a column `text`; in
    plain text every line is a document. What is not a document comes as Malformed. `limit`: the largest document, in bytes; `batch`: the
    most items of a batch; `fields`: where the members of documents stand in a record; `others`: further columns that a CSV file needs.
    """

    endless = False

    def __init__(
        self,
        path: Path | str,
        *,
        kind: str = "",
        limit: int = DOCUMENT_BYTES,
        batch: int = BATCH,
        fields: Fields = USUAL,
        others: Sequence[str] = (),
    ) -> None:
        self._file = RecordFile(path, kind=kind, limit=limit, batch=batch, fields=fields, others=others)
        self._documents = _Documents(fields, limit)

    @classmethod
    def from_url(cls, url: str, *, limit: int = DOCUMENT_BYTES, fields: Fields = USUAL) -> Self:
        """The file of `files:posts.csv` or `files:/srv/posts?format=csv`, percent-encoded; `files:-` is standard input.
        Raises Misconfigured for any other URL, and for an unknown format."""
        path, query = path_in(url) or ("", "")
        match = re.fullmatch(r"(?:format=(\w+))?", query)
        if not path or match is None:
            raise Misconfigured(
                f"no file can be opened at {url!r}; write files:posts.jsonl or files:/srv/posts?format=csv"
            )
        return cls(path, kind=match[1] or "", limit=limit, fields=fields)

    @property
    def name(self) -> str:
        """`files:` and the absolute path; empty for what cannot be read twice: standard input, a pipe, a device."""
        return self._file.named("files")

    def read(self, after: str | None = None) -> Iterator[Batch]:
        return self._file.read(after, lambda: self._documents)

    def records(self) -> Iterator[Record]:
        """All records as they stand in the file, without blank lines."""
        return self._file.records()

    def blocks(self) -> Iterator[list[Record]]:
        """As `records`, in lists of the records that can be read without waiting once the first of them is there."""
        return self._file.blocks()

    def close(self) -> None:
        self._file.close()


class _Documents:
    """Reads every record as a document."""

    def __init__(self, fields: Fields, limit: int) -> None:
        self._fields, self._limit = fields, limit

    def items(self, record: Record) -> Sequence[Document | Malformed]:
        try:
            if record.fault:
                raise Rejected(record.fault)
            return (self._fields.read(record.members, source=SOURCE, limit=self._limit),)
        except Rejected as error:
            return (Malformed(record.data[:KEPT_BYTES], str(error), record.where),)

    def passed(self, record: Record) -> None:
        pass
