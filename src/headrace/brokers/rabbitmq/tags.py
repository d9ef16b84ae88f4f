"""Delivery tags: RabbitMQ numbers what it delivers (and what is published) on a channel 1, 2, 3 …, and takes acks for one number, or for
all up to one."""

from collections.abc import Iterable, Iterator


class Leases:
    """What was delivered on one channel, and which of it is done.

    An ack for all up to a number is cheap, but takes along whatever is unfinished below it. So it is only given up to the longest
    prefix that is done; the rest is acked one by one.
    """

    def __init__(self) -> None:
        self.delivered = 0
        self._below = 0
        self._done: set[int] = set()

    def open_above(self, tag: int) -> int:
        """How many of those delivered after a tag are not done."""
        return self.delivered - max(tag, self._below) - sum(done > tag for done in self._done)

    def finish(self, tags: Iterable[int]) -> Iterator[tuple[int, bool]]:
        """These are done: the acks to send, as a tag and whether it stands for all up to it. Those done before, and those never
        delivered, are left out."""
        new = {tag for tag in tags if self._below < tag <= self.delivered} - self._done
        self._done |= new
        while self._below + 1 in self._done:
            self._below += 1
            self._done.remove(self._below)
        prefix = [tag for tag in new if tag <= self._below]
        if prefix:
            # The server doesn't know a tag any more that was acked singly, so the last of the new ones is named.
            yield max(prefix), True
        for tag in sorted(new):
            if tag > self._below:
                yield tag, False


class Confirms:
    """What was published on one channel and is not confirmed yet."""

    def __init__(self) -> None:
        self._sent = 0
        self._open: dict[int, int] = {}
        self.bytes = 0
        self.refused = 0

    def __len__(self) -> int:
        return len(self._open)

    def add(self, size: int) -> None:
        """One more was published."""
        self._sent += 1
        self._open[self._sent] = size
        self.bytes += size

    def settle(self, tag: int, *, multiple: bool, taken: bool) -> None:
        """The server has taken a tag, or all up to it, or refused to."""
        tags = [tag]
        if multiple:
            tags = []
            for number in self._open:  # in their order
                if number > tag:
                    break
                tags.append(number)
        for number in tags:
            self.bytes -= self._open.pop(number, 0)
        self.refused += 0 if taken else len(tags)
