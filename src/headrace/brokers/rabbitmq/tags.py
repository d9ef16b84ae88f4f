"""Delivery tags: RabbitMQ numbers the deliveries of a channel, and the messages published on it, 1, 2, 3 …

An ack or a confirm names one number, or all up to one."""

from collections.abc import Iterable, Iterator


class Leases:
    """The deliveries of one channel, and which of them are done.

    One ack for all up to a number is cheap, but includes whatever is unfinished below it. So it is used only for the longest prefix that is
    done; the rest is acked one by one. `delivered` is the tag of the last delivery. Tags that `deliver` never saw went back to the
    queue before they reached us.
    """

    def __init__(self) -> None:
        self.delivered = 0
        self._below = 0
        self._done: set[int] = set()

    def deliver(self, tag: int) -> None:
        """The next delivery that we see has this tag."""
        before, self.delivered = self.delivered, tag
        for missing in range(before + 1, tag):
            self.skip(missing)

    def skip(self, tag: int) -> None:
        """A delivery went back to the queue: it needs no ack, and never counts as open."""
        self._done.add(tag)
        self._rise()

    def open_above(self, tag: int) -> int:
        """How many of the deliveries after this tag are not done."""
        return self.delivered - max(tag, self._below) - sum(done > tag for done in self._done)

    def finish(self, tags: Iterable[int]) -> Iterator[tuple[int, bool]]:
        """Mark these as done. Yields the acks to send, each as a tag and whether it stands for all up to it.

        Tags that were done before, or never delivered, are ignored.
        """
        new = {tag for tag in tags if self._below < tag <= self.delivered} - self._done
        self._done |= new
        self._rise()
        prefix = [tag for tag in new if tag <= self._below]
        if prefix:
            # The server no longer knows a tag that was acked alone, so the ack names the last of the new ones.
            yield max(prefix), True
        for tag in sorted(new):
            if tag > self._below:
                yield tag, False

    def _rise(self) -> None:
        while self._below + 1 in self._done:
            self._below += 1
            self._done.remove(self._below)


class Confirms:
    """The messages published on one channel that are not confirmed yet. `bytes`: their size together; `refused`: how many were refused."""

    def __init__(self) -> None:
        self._sent = 0
        self._open: dict[int, int] = {}
        self.bytes = 0
        self.refused = 0

    def __len__(self) -> int:
        return len(self._open)

    def add(self, size: int) -> None:
        """One more message of this size was published."""
        self._sent += 1
        self._open[self._sent] = size
        self.bytes += size

    def settle(self, tag: int, *, multiple: bool, taken: bool) -> None:
        """The server has taken or refused this tag, or all up to it."""
        tags = [tag]
        if multiple:
            tags = []
            for number in self._open:  # in ascending order
                if number > tag:
                    break
                tags.append(number)
        for number in tags:
            self.bytes -= self._open.pop(number, 0)
        self.refused += 0 if taken else len(tags)
