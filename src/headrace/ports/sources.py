"""Sources, from which documents come."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from headrace.documents import Document


@dataclass(frozen=True, slots=True)
class Deletion:
    """The source says that the document with this id was deleted; Headrace erases it."""

    id: str


@dataclass(frozen=True, slots=True)
class AuthorDeletion:
    """The source says that an author and all that they have written are gone; Headrace erases it. `author` is as `author_of` names it."""

    author: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """Something in the source that is not a document: its bytes (cut if they are many), why it is not one, and where it stands."""

    data: bytes
    reason: str
    where: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Documents are missing here, and the source says why, and how many, exactly or about; None if that is not known."""

    reason: str
    missed: int | None = None


#: What a source can give.
Item = Document | Deletion | AuthorDeletion | Malformed | Gap


@dataclass(frozen=True, slots=True)
class Batch:
    """What a source has read, in order, and the cursor from which reading continues after it. `items` may be empty: only the cursor
    moved. `restarted` says in the first batch why the source is read from its start although a cursor was given; else it is empty.
    `waiting` says why nothing comes for now, such as a server that is away; else it is empty.
    """

    items: Sequence[Item]
    cursor: str
    restarted: str = ""
    waiting: str = ""
    paid: int = 0  # posts that the platform charges for
    filled: int = 0  # documents that fill what was missed


class Source(Protocol):
    """Where documents come from. Reading can be resumed from any cursor that it has given."""

    def read(self, after: str | None = None) -> Iterator[Batch]:
        """Yield batches from the start, or from just after a cursor, until the source ends. May block.

        Raises Unavailable if the source can't be reached now, and Misconfigured if it can't be read at all. A stream that reconnects by
        rules of its own yields a batch that is `waiting` instead.
        """
        ...

    def close(self) -> None:
        """End `read`, from another thread too. Calling it twice is harmless; `read` yields nothing afterwards."""
        ...


class SourceAdapter(Source, Protocol):
    """What every adapter of a source implements. Its `from_url(url, limit=…)` also takes the largest document, in bytes."""

    @property
    def endless(self) -> bool:
        """Whether it has no end, and is read until it is closed."""
        ...

    @property
    def name(self) -> str:
        """The name under which the cursor is saved: the same for the same source, without secrets; empty if it can't be read twice."""
        ...


@runtime_checkable
class Plural(Protocol):
    """A source that may stand for several, as a folder stands for its files."""

    def each(self) -> Sequence[SourceAdapter]:
        """The sources to read instead, one after the other, each with a cursor of its own; itself alone if it stands for no others.

        Raises Misconfigured if there are none.
        """
        ...
