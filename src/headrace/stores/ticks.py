"""How often a store is asked that does not tell of its changes: often at first, and less often while nothing comes."""

import time

FIRST_SECONDS, LONGEST_SECONDS = 0.003, 0.05  #: the first pause between two questions, and the longest
GROWTH = 1.2  #: of a pause over the one before


class Ticks:
    """The times at which to ask. The first is now."""

    def __init__(self) -> None:
        self._pause, self._due = FIRST_SECONDS, 0.0

    def begin(self) -> None:
        """Ask often again: something has come."""
        self._pause = FIRST_SECONDS

    def left(self) -> float:
        """In how many seconds to ask; none if it is time."""
        return max(0.0, self._due - time.monotonic())

    def next(self) -> None:
        """It is asked now: plan the next time."""
        self._due = time.monotonic() + self._pause
        self._pause = min(LONGEST_SECONDS, self._pause * GROWTH)

    def wait(self, seconds: float) -> bool:
        """Wait until it is time, and plan the next; false if it is not time within these seconds."""
        left = self.left()
        time.sleep(min(left, seconds))
        if left > seconds:
            return False
        self.next()
        return True
