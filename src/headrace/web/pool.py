"""Threads for calls that block, a pool for each thing that may be slow: what is slow then slows only those who use it."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

import anyio
import anyio.to_thread

from headrace.errors import Unavailable

STORE_THREADS, PREDICTION_THREADS = 16, 40  #: calls that run at once
PATIENCE_SECONDS = 1.0  #: how long a call may wait for its thread; then it is refused

T = TypeVar("T")


async def on_thread(
    call: Callable[[], T], *, limiter: anyio.CapacityLimiter | None = None, abandon_on_cancel: bool = False
) -> T:
    """The call's value, from a thread. Raises Unavailable if the system has no thread for it now: then the call was not made."""
    begun = False

    def begin() -> T:
        nonlocal begun
        begun = True
        return call()

    try:
        return await anyio.to_thread.run_sync(begin, limiter=limiter, abandon_on_cancel=abandon_on_cancel)
    except RuntimeError as error:
        if begun:
            raise
        raise Unavailable(
            f"the server has no thread for this request: {error}; try again in a second, and raise the limit of processes (ulimit -u, or"
            " pids of the container) if this goes on"
        ) from error


class Pool:
    """Calls on threads, of which a limited number runs at once. A call waits for its thread for up to `patience` seconds; `what` names what
    is called in the error. For one event loop."""

    def __init__(self, what: str, *, threads: int, patience: float = PATIENCE_SECONDS) -> None:
        self._what, self._patience = what, patience
        self._places = anyio.CapacityLimiter(threads)
        self._threads = anyio.CapacityLimiter(threads)

    async def run(self, call: Callable[[], T]) -> T:
        """The call's value. Raises Unavailable if too many calls have been running for too long."""
        who = object()
        try:
            with anyio.fail_after(self._patience):
                await self._places.acquire_on_behalf_of(who)
        except TimeoutError:
            raise Unavailable(f"too many requests wait for {self._what}; try again in a second") from None
        try:
            return await on_thread(call, limiter=self._threads)
        finally:
            self._places.release_on_behalf_of(who)


class SharedCall(Generic[T]):
    """A call that all who want its value at the same time share: it takes one thread, even if it never returns. For one event loop."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._limiter = anyio.CapacityLimiter(1)
        self._running: asyncio.Task[T] | None = None

    async def value(self) -> T:
        """The call's value, or what it raises. Whoever waits no longer leaves it running for the others."""
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
            self._running.add_done_callback(note_error)
        return await asyncio.shield(self._running)

    async def _run(self) -> T:
        return await on_thread(self._call, abandon_on_cancel=True, limiter=self._limiter)


def note_error(task: "asyncio.Task[T]") -> None:
    """Tell asyncio that somebody knows: perhaps nobody waits for the call any more."""
    if not task.cancelled():
        task.exception()
