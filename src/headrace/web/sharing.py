"""Calls that equal requests share: what many ask for at the same time is asked once."""

import asyncio
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from headrace.web.pool import Pool, note_error

TURN_SECONDS = (
    0.5  #: how long a call waits for the end of the one before it under the same key; then it begins beside it
)

T = TypeVar("T")


class SharedCalls(Generic[T]):
    """Calls on the threads of a pool, each under a key. For one event loop.

    Requests under one key share a call that has not begun when they come, so nobody is given a value that is older than their request. A
    call waits for the one before it under its key, and meanwhile more requests come to share it.
    """

    def __init__(self, pool: Pool, *, turn: float = TURN_SECONDS) -> None:
        self._pool, self._turn = pool, turn
        self._coming: dict[Hashable, asyncio.Task[T]] = {}  # have not begun
        self._latest: dict[Hashable, asyncio.Task[T]] = {}  # have had their turn

    async def value(self, key: Hashable, call: Callable[[], T]) -> T:
        """The value of the call, or of an equal one. Raises what the call raises, and Unavailable if there is no thread for it in time.

        A request that is cancelled leaves it running for the others.
        """
        coming = self._coming.get(key)
        if coming is None:
            coming = asyncio.create_task(self._run(key, call, self._latest.get(key)))
            coming.add_done_callback(note_error)
            self._coming[key] = coming
        return await asyncio.shield(coming)

    async def _run(self, key: Hashable, call: Callable[[], T], before: "asyncio.Task[T] | None") -> T:
        this = asyncio.current_task()

        def begin() -> T:
            del self._coming[key]  # on the thread of the call: all who share it came earlier
            return call()

        try:
            if before is not None:
                await asyncio.wait([before], timeout=self._turn)
            self._latest[key] = self._coming[key]
            return await self._pool.run(begin)
        finally:
            for tasks in (self._coming, self._latest):
                if tasks.get(key) is this:
                    del tasks[key]
