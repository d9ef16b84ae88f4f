"""Files as a source: JSON Lines, CSV and plain text, compressed or not, in archives or not, and standard input."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self
from urllib.parse import unquote

from headrace.documents import DOCUMENT_BYTES, Document
from headrace.errors import Misconfigured, Rejected
from headrace.fields import USUAL, Fields
from headrace.file_options import OPTIONS, UNSAID, FileOptions
from headrace.ports import Batch, Malformed
from headrace.sources.record_file import BATCH, RecordFile, is_remote, path_in
from headrace.sources.records import KEPT_BYTES, Record

SOURCE = "files"  #: the source of documents that name none


class FileSource:
    """One file, the members of an archive, or standard input (`-`), which can't be resumed.

    If `options` name no format, the file's name decides, or else the first byte. A CSV file has a header with a column `text`; in plain
    text every line is a document. What is not a document comes as Malformed. `limit`: the largest document, in bytes; `batch`: the most
    items of a batch; `fields`: where the members of documents stand in a record; `others`: further columns that a table needs. Raises
    Misconfigured for an unknown format or encoding, and for what cannot be followed.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        limit: int = DOCUMENT_BYTES,
        batch: int = BATCH,
        fields: Fields = USUAL,
        others: Sequence[str] = (),
        options: FileOptions = UNSAID,
    ) -> None:
        self._file = RecordFile(path, limit=limit, batch=batch, fields=fields, others=others, options=options)
        self._path, self._limit, self._batch = str(path), limit, batch
        self._fields, self._others, self._options = fields, others, options

    @classmethod
    def from_url(cls, url: str, *, limit: int = DOCUMENT_BYTES, fields: Fields = USUAL) -> Self:
        """The file of `s3://bucket/posts.csv`, as it stands; that of `files:posts.csv` or `files:/srv/posts?format=csv&encoding=cp1252`,
        percent-encoded; `files:-` is standard input.
        Raises Misconfigured for any other URL, and for an unknown format or encoding."""
        if is_remote(url):
            return cls(url, limit=limit, fields=fields)
        path, query = path_in(url) or ("", "")
        options = {name: unquote(value) for name, _, value in (one.partition("=") for one in query.split("&") if one)}
        if not path or any(name not in OPTIONS or not value for name, value in options.items()):
            raise Misconfigured(
                f"no file can be opened at {url!r}; write files:posts.jsonl or files:/srv/posts?format=csv"
                f" (the options are {', '.join(OPTIONS)})"
            )
        return cls(path, limit=limit, fields=fields, options=FileOptions.parse(options))

    def each(self) -> Sequence["FileSource"]:
        """The files that the path stands for: those of a folder, those that match a pattern, or this one. Raises Misconfigured for none."""
        paths = self._file.paths()
        return [self] if paths == [self._path] else [self._sibling(path) for path in paths]

    @property
    def endless(self) -> bool:
        """Whether the file is followed."""
        return self._options.follow

    @property
    def name(self) -> str:
        """`files:` and the absolute path; empty for what cannot be read twice: standard input, a pipe, a device."""
        return self._file.named("files")

    def read(self, after: str | None = None) -> Iterator[Batch]:
        return self._file.read(after, lambda: _Documents(self._fields, self._limit))

    def records(self) -> Iterator[Record]:
        """All records as they stand in the file, without blank lines."""
        return self._file.records()

    def blocks(self) -> Iterator[list[Record]]:
        """As `records`, in lists of the records that can be read without waiting once the first of them is there."""
        return self._file.blocks()

    def close(self) -> None:
        self._file.close()

    def _sibling(self, path: str) -> "FileSource":
        return FileSource(
            path,
            limit=self._limit,
            batch=self._batch,
            fields=self._fields,
            others=self._others,
            options=self._options,
        )


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
