"""Which documents are dropped when more comes than the workers take: the rules that `--shed` names."""

import hashlib
from collections import deque
from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from typing import Literal, get_args

from headrace.belonging import keys_of, keys_to_erase
from headrace.documents import Document, encode
from headrace.errors import Misconfigured
from headrace.ports import AuthorDeletion, Batch, Deletion, Item

#: `oldest`: what was read waits, and what has waited longest is dropped. `sample`: only a sample is published. `never`: nothing is dropped.
Rule = Literal["oldest", "sample", "never"]
RULES: Sequence[Rule] = get_args(Rule)
USUAL: Rule = "oldest"
HELD_BYTES = 16 << 20  # of documents that wait, as JSON; those of the last batch wait however large they are
PARTS = 1024  # of these bytes: batches that make less together wait as one
KEPT_ONE_IN = 10  # of a sample, for each time that the limit is passed
_RAREST = 9  # the power of it at which a sample is not made smaller


def check(rule: str, url: str) -> Rule | None:
    """The rule of this name, which was given for the source at a URL; None for an empty name. Raises Misconfigured for any other."""
    if rule and rule not in RULES:
        raise Misconfigured(f"shed is {rule!r} for {url}; it must be one of {', '.join(RULES)}")
    return next((one for one in RULES if one == rule), None)


def one_in(bodies: int, limit: int) -> int:
    """How many documents there are to each that a sample keeps: 10 once the limit is passed, 100 from twice the limit on, and so on."""
    return int(KEPT_ONE_IN ** min(max(1, bodies // limit), _RAREST))


def sample(batch: Batch, of: int) -> Batch:
    """A batch with one in so many of its documents, and with all else that it holds. The hash of the id decides, so that the same are kept
    whenever they are read, and those of a smaller sample are in every larger one."""
    return replace(batch, items=[one for one in batch.items if not isinstance(one, Document) or _number(one) % of == 0])


def _number(document: Document) -> int:
    return int.from_bytes(hashlib.blake2b(document.id.encode(), digest_size=8).digest())


class Held:
    """Documents that wait to be published, in batches. Those of small batches wait together, so that few cursors are kept."""

    def __init__(self, most: int = HELD_BYTES) -> None:
        self._most, self._together = most, most // PARTS
        self._parts: deque[_Part] = deque()

    def __bool__(self) -> bool:
        return bool(self._parts)

    def hold(self, batch: Batch, cursor: str) -> tuple[Batch, int]:
        """Keep the documents of a batch.

        Returns all else in it, to be taken at once, as a batch that leaves the cursor where it is; and how many of the documents that
        were held are dropped because the batch says that they were deleted.
        """
        new = _Part()
        others: list[Item] = []
        deleted = 0
        for item in batch.items:
            if isinstance(item, Document):
                new.add(item)
                continue
            others.append(item)
            if isinstance(item, Deletion | AuthorDeletion):
                keys = _erased_by(item)
                deleted += sum(part.drop(keys) for part in (*self._parts, new))
        self._append(new, batch.cursor)
        return replace(batch, items=others, cursor=cursor), deleted

    def excess(self) -> Iterator[tuple[Batch, int]]:
        """Drop the oldest batches as long as too much is held. Gives each without its documents, so that its cursor is noted, and how many
        they were."""
        size = sum(part.bytes for part in self._parts)
        while size > self._most and len(self._parts) > 1:
            part = self._parts.popleft()
            size -= part.bytes
            yield Batch((), part.cursor), len(part.documents)

    def take(self) -> Batch:
        """The oldest batch."""
        part = self._parts.popleft()
        return Batch(part.documents, part.cursor)

    def take_all(self) -> Batch | None:
        """Everything as one batch; None if nothing is held."""
        if not self._parts:
            return None
        parts = list(self._parts)
        self._parts.clear()
        return Batch([one for part in parts for one in part.documents], parts[-1].cursor)

    def _append(self, new: "_Part", cursor: str) -> None:
        last = self._parts[-1] if self._parts else None
        if last is not None and (not new.bytes or last.bytes + new.bytes <= self._together):
            last.extend(new)
            last.cursor = cursor
        else:
            new.cursor = cursor
            self._parts.append(new)


class _Part:
    """Documents that wait, their size as JSON, and the cursor after them."""

    def __init__(self) -> None:
        self.documents: list[Document] = []
        self.bytes, self.cursor = 0, ""
        self._keys: set[str] = set()  # by which its documents are erased, and some that were

    def add(self, document: Document) -> None:
        self.documents.append(document)
        self.bytes += len(encode(document))
        self._keys.update(keys_of(document))

    def extend(self, later: "_Part") -> None:
        self.documents += later.documents
        self.bytes += later.bytes
        self._keys |= later._keys

    def drop(self, keys: Set[str]) -> int:
        """Drop the documents that are erased by one of these; how many they were."""
        if self._keys.isdisjoint(keys):
            return 0
        gone = [one for one in self.documents if not keys.isdisjoint(keys_of(one))]
        self.documents = [one for one in self.documents if keys.isdisjoint(keys_of(one))]
        self.bytes -= sum(len(encode(one)) for one in gone)
        self._keys -= keys
        return len(gone)


def _erased_by(deletion: Deletion | AuthorDeletion) -> Set[str]:
    return frozenset(
        keys_to_erase([deletion.id], ()) if isinstance(deletion, Deletion) else keys_to_erase((), [deletion.author])
    )
