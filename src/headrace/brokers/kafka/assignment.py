"""One partition while it is assigned to us: what was delivered of it, and which of that is done.

For a partition and a group, Kafka keeps one number, the offset at which to go on, and a note of some bytes beside it. Bodies are done in
any order, so the number is the end of the longest prefix that is done, and the note says what is done above it.
"""

import re
from collections.abc import Iterable, Iterator

NOTE_CHARACTERS = 4000  #: the longest note; the server takes 4,096 bytes unless told otherwise
_NOTE = re.compile(r"\d{1,18}(,\d{1,18})*")


class Assignment:
    """One partition for as long as it is assigned to one connection. A receipt that names another assignment is stale.

    `committed` and `note` are what the server keeps when the assignment begins. Offsets rise; an offset that is missing between two holds
    no body. So whatever comes has to be shown to `take`, in its order.
    """

    def __init__(self, partition: int, committed: int = 0, note: str = "") -> None:
        self.partition = partition
        self._next = max(0, committed)
        self._open: dict[int, None] = {}
        self._known = list(_runs(self._next, note))
        self._committed = self.state

    @property
    def open(self) -> int:
        """How many are delivered and not done."""
        return len(self._open)

    @property
    def has_changed(self) -> bool:
        """Whether the state differs from what was committed last."""
        return self.state != self._committed

    @property
    def state(self) -> tuple[int, str]:
        """What to commit: the end of the prefix that is done, and the note."""
        prefix = next(iter(self._open), self._next)
        if self._next - prefix == len(self._open) and not self._known:
            return prefix, ""
        return prefix, _note(prefix, self._done(prefix))

    def take(self, offset: int) -> bool:
        """Whether a body that came with this offset is to be delivered: not if it came before, or was done in an earlier assignment."""
        if offset < self._next:
            return False
        self.reach(offset)
        self._next = offset + 1
        if self._known and self._known[0][0] <= offset:
            return False
        self._open[offset] = None
        return True

    def reach(self, offset: int) -> None:
        """Record that everything before this offset has come."""
        self._next = max(self._next, offset)
        while self._known and self._known[0][1] <= offset:
            self._known.pop(0)

    def finish(self, offsets: Iterable[int]) -> None:
        """Mark these as done. Those that are done already, or were never delivered, are ignored."""
        for offset in offsets:
            self._open.pop(offset, None)

    def mark_committed(self, state: tuple[int, str]) -> None:
        """Record that the server keeps this state."""
        self._committed = state

    def _done(self, prefix: int) -> Iterator[tuple[int, int]]:
        """The runs above the prefix that are done, as their first offset and the one after their last; some are empty."""
        for offset in self._open:
            yield prefix, offset
            prefix = offset + 1
        yield prefix, self._next
        for first, end in self._known:
            yield max(first, self._next), end


def done_above(note: str) -> int:
    """How many offsets a note says are done; 0 for a note that is not ours."""
    return sum(end - first for first, end in _runs(0, note))


def _note(prefix: int, done: Iterable[tuple[int, int]]) -> str:
    """The lengths of the runs above the prefix, in turn: not done, done, not done, … A note that would grow too long is cut, which costs
    repetitions and nothing else."""
    note = ""
    for first, end in done:
        if first < end:
            longer = f"{note},{first - prefix},{end - first}".lstrip(",")
            if len(longer) > NOTE_CHARACTERS:
                break
            note, prefix = longer, end
    return note


def _runs(prefix: int, note: str) -> Iterator[tuple[int, int]]:
    """The runs that a note says are done, as `_done` gives them; none for a note that is not ours."""
    lengths = [int(one) for one in note.split(",")] if _NOTE.fullmatch(note) else []
    for gap, length in zip(lengths[::2], lengths[1::2], strict=False):
        yield prefix + gap, prefix + gap + length
        prefix += gap + length
