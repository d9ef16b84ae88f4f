"""One partition while it is assigned to us: what was delivered of it, and which of that is done.

For a partition and a group, Kafka keeps one number, the offset at which to go on, and a note of some bytes beside it. Bodies are done in
any order, so the number is the end of the longest prefix that is done, and the note says what is done above it (progress.py).
"""

from collections.abc import Iterable, Iterator

from headrace.brokers.kafka.progress import note, runs


class Assignment:
    """One partition for as long as it is assigned to one connection. A receipt that names another assignment is stale.

    `committed` and `kept` are the offset and the note that the server keeps when the assignment begins; `topic_id` is the id of the topic,
    if it is known. Offsets rise; an offset that is missing between two holds no body. So whatever comes has to be shown to `take`, in its
    order.
    """

    def __init__(self, partition: int, committed: int = 0, kept: str = "", topic_id: str = "") -> None:
        self.partition = partition
        self._topic_id = topic_id
        self._next = max(0, committed)
        self._open: dict[int, None] = {}
        self._known = list(runs(self._next, kept))
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
            return prefix, note(prefix, (), self._topic_id)
        return prefix, note(prefix, self._done(prefix), self._topic_id)

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
