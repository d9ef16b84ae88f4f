"""Waiting for the next item of an iterator, but not for too long."""

import queue
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class _End(NamedTuple):
    error: BaseException | None = None


class Ticking(Generic[T]):
    """The items of an iterator, and None whenever `seconds` have passed without one.

    A thread of its own is one item ahead. `end` makes the iterator end: `close` calls it, so that the thread ends.
    """

    def __init__(self, items: Generator[T], end: Callable[[], None], *, seconds: float) -> None:
        self._items, self._end, self._seconds = items, end, seconds
        self._closed = threading.Event()
        self._ready: queue.Queue[T | _End] = queue.Queue(maxsize=1)

    def __iter__(self) -> Iterator[T | None]:
        """To be called once. Raises what the iterator raises."""
        threading.Thread(target=self._run, name="ingest reader", daemon=True).start()
        while True:
            try:
                item = self._ready.get(timeout=self._seconds)
            except queue.Empty:
                yield None
                continue
            if not isinstance(item, _End):
                yield item
            elif item.error is not None:
                raise item.error
            else:
                return

    def close(self) -> None:
        """End the iterator and the thread. Calling it twice is harmless."""
        self._closed.set()
        self._end()
        try:
            self._ready.get_nowait()  # the thread may wait for its place
        except queue.Empty:
            return

    def _run(self) -> None:
        end = _End()
        try:
            for item in self._items:
                self._ready.put(item)
                if self._closed.is_set():
                    break
            self._items.close()
        except BaseException as error:
            end = _End(error)
        if not self._closed.is_set():
            self._ready.put(end)
