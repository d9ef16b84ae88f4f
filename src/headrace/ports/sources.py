"""Sources: where documents come from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from headrace.documents import Document


@dataclass(frozen=True, slots=True)
class Deletion:
    """The source says that this document was deleted; Headrace erases it."""

    id: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """Something in the source that is no document, with the reason and where it stands."""

    data: bytes
    reason: str
    where: str


@dataclass(frozen=True, slots=True)
class Gap:
    """The source lost documents here, and says so."""

    reason: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What a source read, and the cursor after which reading goes on."""

    items: Sequence[Document | Deletion | Malformed | Gap]
    cursor: str


class Source(Protocol):
    """Where documents come from."""

    def read(self, after: str | None = None) -> Iterator[Batch]:
        """Batches from the start, or from just after a cursor. May block. Ends where the source ends."""
        ...

    def close(self) -> None:
        """End `read`; may be called from another thread, and twice."""
        ...


class SourceAdapter(Source, Protocol):
    """What every adapter of sources is: a source with a name. Its `from_url(url, limit=…)` also takes the largest document, in bytes."""

    @property
    def name(self) -> str:
        """The name under which the cursor is saved: the same for the same place, without secrets; empty if it cannot be read twice."""
        ...
