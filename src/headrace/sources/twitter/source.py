"""What X's API has sent, as it was recorded: `twitter:` with a path."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

from headrace.documents import DOCUMENT_BYTES
from headrace.errors import Misconfigured
from headrace.file_options import FileOptions
from headrace.ports import Batch
from headrace.sources.record_file import BATCH, RecordFile, path_in
from headrace.sources.twitter.messages import Messages

MESSAGE_BYTES = 16 << 20  #: the longest message: a page of 500 tweets, with all that belongs to them, has a few MiB


class TwitterSource:
    """A recording of messages of X's API, versions 1.1 and 2, or standard input (`-`), which can't be resumed.

    `limit`: the largest document, in bytes; `batch`: as many items fill a batch.
    """

    endless = False

    def __init__(self, path: Path | str, *, limit: int = DOCUMENT_BYTES, batch: int = BATCH) -> None:
        options = FileOptions("jsonl")
        self._file = RecordFile(path, limit=max(limit, MESSAGE_BYTES), batch=batch, options=options, remembers=True)
        self._path, self._limit, self._batch = str(path), limit, batch

    @classmethod
    def from_url(cls, url: str, *, limit: int = DOCUMENT_BYTES) -> Self:
        """The recording of `twitter:recorded.jsonl` or `twitter:/srv/rec.jsonl.gz`, percent-encoded; `twitter:-` is standard input.
        Raises Misconfigured for any other URL."""
        path, query = path_in(url) or ("", "")
        if not path or query:
            raise Misconfigured(
                f"no recording can be opened at {url!r}; write twitter:recorded.jsonl, or twitter: for the filtered stream of X"
            )
        return cls(path, limit=limit)

    def each(self) -> Sequence["TwitterSource"]:
        """The recordings that the path stands for: those of a folder, those that match a pattern, or this one.

        Raises Misconfigured for none.
        """
        paths = self._file.paths()
        if paths == [self._path]:
            return [self]
        return [TwitterSource(path, limit=self._limit, batch=self._batch) for path in paths]

    @property
    def name(self) -> str:
        """`twitter:` and the absolute path; empty for what cannot be read twice: standard input, a pipe, a device."""
        return self._file.named("twitter")

    def read(self, after: str | None = None) -> Iterator[Batch]:
        return self._file.read(after, lambda: Messages(self._limit))

    def close(self) -> None:
        self._file.close()
