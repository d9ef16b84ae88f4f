"""Which documents one run has published already, in bounded memory."""

from headrace.documents import Document, content_hash

REMEMBERED = 100_000  # documents at least, and twice as many at most: about 30 MB


class Recent:
    """The documents that were published last, by the hash of their id and text, each with the time of publishing.

    It remembers at least the last `most` documents, and at most twice as many.
    """

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._newer: dict[bytes, int] = {}  # when it is full, it becomes the older one
        self._older: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._newer) + len(self._older)

    def published_at(self, document: Document) -> int | None:
        """When this document was published last, in microseconds since the epoch; None if that is not remembered."""
        content = _content(document)
        return self._newer.get(content, self._older.get(content))

    def add(self, document: Document, at: int) -> None:
        """Remember that this document is published at `at`."""
        if len(self._newer) >= self._most:
            self._older, self._newer = self._newer, {}
        self._newer[_content(document)] = at


def _content(document: Document) -> bytes:
    return bytes.fromhex(content_hash(document.id, document.text))
