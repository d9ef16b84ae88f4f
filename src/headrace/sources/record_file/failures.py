"""What could not be read of a file, told when all the rest was."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from headrace.errors import Misconfigured
from headrace.sources.compression import Damaged
from headrace.sources.record_file.content import Content

T = TypeVar("T")


class Failures:
    """Collects why contents of a file, which is `shown` in messages, could not be read, or not to their end."""

    def __init__(self, shown: str) -> None:
        self._shown = shown
        self._first, self._more = "", 0  # of the contents
        self._archive = ""

    def of_archive(self, contents: Iterator[Content]) -> Iterator[Content]:
        """The contents, up to where the archive that holds them is damaged."""
        try:
            yield from contents
        except Damaged as error:
            self._archive = (
                f"reading {self._shown}: the archive is damaged or cut short ({error}); what came before that was read"
            )

    def of(self, content: Content, read: Callable[[Content], Iterator[T]]) -> Iterator[T]:
        """What is read from a content, up to its failure."""
        try:
            yield from read(content)
        except Misconfigured as error:
            self._add(str(error))
        else:
            self._add(content.failure())

    def tell(self) -> None:
        """Raises Misconfigured if there was a failure."""
        if self._archive:
            raise Misconfigured(self._archive)
        if self._first:
            more = f"; {self._more:,} more could not be read either" if self._more else ""
            raise Misconfigured(self._first + more)

    def _add(self, failure: str) -> None:
        self._more += bool(self._first and failure)
        self._first = self._first or failure
