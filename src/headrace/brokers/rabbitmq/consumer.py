"""How much of a queue is fetched ahead of whoever takes it."""

from functools import partial

from headrace.brokers.rabbitmq.connection import Link

MOST, MOST_HELD = 4096, 65535


class Prefetch:
    """The consumers of a queue on a link, which together let so many messages arrive as are wanted.

    A consumer's own prefetch can't be changed. So more is fetched by one consumer more; and less by a single new one, but only while
    nothing can come: pika rejects what comes for a consumer that is being cancelled.
    """

    def __init__(self, link: Link, queue: str) -> None:
        self._link, self._queue = link, queue
        self._consumers: list[str] = []
        self._since = self._size = 0

    def want(self, wanted: int) -> None:
        """Have at least so many fetched that are not done; more for a caller that has leased them all and asks for others."""
        wanted = min(MOST, wanted)
        if self._consumers:
            nothing_can_come = self._link.leases.open_above(self._since) >= self._size
            if nothing_can_come and not self._link.arrived:
                wanted = min(MOST_HELD, max(wanted, 2 * self._size))
            if wanted > self._size:
                wanted = max(wanted, min(MOST, 2 * self._size))  # so that few consumers are enough
            elif nothing_can_come and wanted < self._size / 4:
                self._end()
            else:
                return
        if not self._consumers:
            self._since = self._link.leases.delivered
        more, channel = wanted - self._size, self._link.channel
        self._link.call(lambda done: channel.basic_qos(prefetch_count=more, callback=done), "setting the prefetch")
        self._consumers.append(channel.basic_consume(self._queue, self._link.on_message))
        self._size = wanted

    def _end(self) -> None:
        for consumer in self._consumers:
            self._link.call(partial(self._link.channel.basic_cancel, consumer), "changing the prefetch")
        self._consumers, self._size = [], 0
