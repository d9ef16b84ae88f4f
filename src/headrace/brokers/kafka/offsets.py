"""What was delivered of one partition, and which of it is done.

Kafka remembers one number for a partition and a group, the offset at which to go on, and a note of some bytes beside it. Bodies are done
in any order, so the number is the end of the longest prefix that is done, and the note says what is done above it.
"""

import re
from collections.abc import Iterable, Iterator

NOTE_CHARACTERS = 4000  # the server takes 4,096 bytes unless told otherwise
_NOTE = re.compile(r"\d{1,18}(,\d{1,18})*")


class Assignment:
    """One partition for as long as it is assigned to one connection: a receipt that names another assignment is stale.

    Offsets rise; one that is missing between two holds no body. So whatever came has to be shown to `take`, in its order.
    """

    def __init__(self, partition: int, committed: int = 0, note: str = "") -> None:
        self.partition = partition
        self._next = max(0, committed)
        self._open: dict[int, None] = {}
        self._known = list(_runs(self._next, note))
        self._told = self.state

    @property
    def open(self) -> int:
        """How many are delivered and not done."""
        return len(self._open)

    @property
    def untold(self) -> bool:
        """Whether the server remembers something else than the state."""
        return self.state != self._told

    @property
    def state(self) -> tuple[int, str]:
        """What the server should remember: the end of the prefix that is done, and the note."""
        prefix = next(iter(self._open), self._next)
        if self._next - prefix == len(self._open) and not self._known:
            return prefix, ""
        return prefix, _note(prefix, self._done(prefix))

    def take(self, offset: int) -> bool:
        """Whether what came with this offset is to be delivered: not where it came before, or was done in an earlier assignment."""
        if offset < self._next:
            return False
        self.reach(offset)
        self._next = offset + 1
        if self._known and self._known[0][0] <= offset:
            return False
        self._open[offset] = None
        return True

    def reach(self, offset: int) -> None:
        """All before this offset has come."""
        self._next = max(self._next, offset)
        while self._known and self._known[0][1] <= offset:
            self._known.pop(0)

    def finish(self, offsets: Iterable[int]) -> None:
        """These are done. What is done already, and what was never delivered, is ignored."""
        for offset in offsets:
            self._open.pop(offset, None)

    def told(self, state: tuple[int, str]) -> None:
        """The server remembers this."""
        self._told = state

    def _done(self, prefix: int) -> Iterator[tuple[int, int]]:
        """The runs above the prefix that are done, as their first offset and the one after their last; some are empty."""
        for offset in self._open:
            yield prefix, offset
            prefix = offset + 1
        yield prefix, self._next
        for first, end in self._known:
            yield max(first, self._next), end


def done_above(note: str) -> int:
    """How many offsets a note says are done; none for what is no note of ours."""
    return sum(end - first for first, end in _runs(0, note))


def _note(prefix: int, done: Iterable[tuple[int, int]]) -> str:
    """The lengths of runs above the prefix: so many not done, so many done, and so on. Cut where it would grow too long, which costs
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
    lengths = [int(one) for one in note.split(",")] if _NOTE.fullmatch(note) else []
    for gap, length in zip(lengths[::2], lengths[1::2], strict=False):
        yield prefix + gap, prefix + gap + length
        prefix += gap + length
