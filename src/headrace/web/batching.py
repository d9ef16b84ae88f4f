"""A thread that works on whatever has piled up: a single item at once, and under load many together."""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from headrace.errors import Unavailable
from headrace.log import logger

LOG = logger("headrace.web")

Item = TypeVar("Item")


class BatchThread(Generic[Item]):
    """A thread that is given all items that have piled up, again and again. It starts with the first item.

    `work` gets them in their order, and `idle` is called after each `idle_seconds` without any. What they raise is logged, and the thread
    goes on. `end` is called last. `doing` begins the messages of errors.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[Sequence[Item]], None],
        *,
        doing: str,
        idle: Callable[[], None],
        idle_seconds: float,
        end: Callable[[], None],
    ) -> None:
        self._name, self._work, self._doing = name, work, doing
        self._idle, self._idle_seconds, self._end = idle, idle_seconds, end
        self._items: list[Item] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self.closing = threading.Event()

    def put(self, items: Sequence[Item]) -> None:
        """Add items to the pile. Raises Unavailable once it is closed, or if the system has no thread: then nothing is added."""
        with self._changed:
            if self.closing.is_set():
                raise Unavailable(f"{self._doing}: the server is stopping; try again in a moment")
            self._start()
            self._items += items
            self._changed.notify()

    def close(self, patience: float) -> None:
        """Work on what has piled up, and end. Waits `patience` seconds for that. Calling it twice is harmless."""
        with self._changed:
            self.closing.set()
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(patience)

    def alive(self) -> bool:
        """Whether it works, or will when there is something: false once its thread has ended without being closed."""
        return self._thread is None or self._thread.is_alive() or self.closing.is_set()

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            try:
                thread.start()
            except RuntimeError as error:  # the system has no more threads
                raise Unavailable(f"{self._doing}: {error}; try again in a second") from error
            self._thread = thread

    def _run(self) -> None:
        while (items := self._take()) or not self.closing.is_set():
            try:
                if items:
                    self._work(items)
                else:
                    self._idle()
            except Exception:
                LOG.exception(f"{self._doing} failed in a way that was not expected; it goes on")
        self._end()

    def _take(self) -> list[Item]:
        """All that has piled up; nothing after a while without any, or when closing."""
        with self._changed:
            if not self._items and not self.closing.is_set():
                self._changed.wait(self._idle_seconds)
            items, self._items = self._items, []
            return items
