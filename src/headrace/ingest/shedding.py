"""Which documents are dropped when more comes than the workers take: the rules that `--shed` names."""

import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
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
    """Documents that wait to be published, in batches."""

    def __init__(self, most: int = HELD_BYTES) -> None:
        self._most, self._bytes = most, 0
        self._batches: deque[tuple[Batch, int]] = deque()  # with the size of each

    def __bool__(self) -> bool:
        return bool(self._batches)

    def hold(self, batch: Batch, cursor: str) -> tuple[Batch, int]:
        """Keep the documents of a batch.

        Returns all else in it, to be taken at once, as a batch that leaves the cursor where it is; and how many of the documents that
        were held are dropped because the batch says that they were deleted.
        """
        documents: list[Document] = []
        others: list[Item] = []
        deleted = 0
        for item in batch.items:
            if isinstance(item, Document):
                documents.append(item)
                continue
            others.append(item)
            if isinstance(item, Deletion | AuthorDeletion):
                before = len(documents)
                documents = [one for one in documents if not _is_of(one, item)]
                deleted += before - len(documents) + self._delete(item)
        self._append(replace(batch, items=documents, restarted="", waiting="", paid=0, filled=0))
        return replace(batch, items=others, cursor=cursor), deleted

    def excess(self) -> Iterator[tuple[Batch, int]]:
        """Drop the oldest batches as long as too much is held. Gives each without its documents, so that its cursor is noted, and how many
        they were."""
        while self._bytes > self._most and len(self._batches) > 1:
            batch = self.take()
            yield replace(batch, items=()), len(batch.items)

    def take(self) -> Batch:
        """The oldest batch."""
        batch, size = self._batches.popleft()
        self._bytes -= size
        return batch

    def take_all(self) -> Batch | None:
        """Everything as one batch; None if nothing is held."""
        if not self._batches:
            return None
        batches = [batch for batch, _ in self._batches]
        self._batches.clear()
        self._bytes = 0
        return replace(batches[-1], items=[item for batch in batches for item in batch.items])

    def _append(self, batch: Batch) -> None:
        size = sum(len(encode(one)) for one in batch.items)
        self._batches.append((batch, size))
        self._bytes += size

    def _delete(self, deletion: Deletion | AuthorDeletion) -> int:
        """Drop what a deletion deletes; how many documents that were."""
        batches, deleted = list(self._batches), 0
        self._batches.clear()
        self._bytes = 0
        for batch, _ in batches:
            left = [one for one in batch.items if isinstance(one, Document) and not _is_of(one, deletion)]
            deleted += len(batch.items) - len(left)
            self._append(replace(batch, items=left))
        return deleted


def _is_of(document: Document, deletion: Deletion | AuthorDeletion) -> bool:
    ids, authors = ([deletion.id], []) if isinstance(deletion, Deletion) else ([], [deletion.author])
    return not set(keys_to_erase(ids, authors)).isdisjoint(keys_of(document))
