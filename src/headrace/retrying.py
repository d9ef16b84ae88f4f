"""What to do with a call that fails: repeat it while something is unavailable, halve it until what is rejected stands alone.

`patiently` is the only loop that waits for a server, and `isolate` the only one that looks for culprits.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from headrace.errors import Rejected, Unavailable
from headrace.runtime import Stop

FIRST_SECONDS, LONGEST_SECONDS = 0.1, 5.0  # the first pause of a back-off, and the longest
JITTER = 0.2  # each pause is up to this part shorter or longer, so that many clients don't come back at once

#: Called after a failure with the seconds to wait and the error: it waits, and returns to have the call repeated or raises to give up.
Pause = Callable[[float, Unavailable], None]

T = TypeVar("T")
R = TypeVar("R")


def delays(first: float = FIRST_SECONDS, longest: float = LONGEST_SECONDS) -> Iterator[float]:
    """Exponential back-off in seconds with 20 % jitter, without end."""
    delay = first
    while True:
        yield delay * random.uniform(1 - JITTER, 1 + JITTER)
        delay = min(longest, delay * 2)


def patiently(
    call: Callable[[], T], pause: Pause, *, first: float = FIRST_SECONDS, longest: float = LONGEST_SECONDS
) -> T:
    """Return the call's value, and repeat the call with back-off while it raises Unavailable.

    `pause` decides how to wait and when to give up: what it raises is raised here. Other errors of the call are raised at once.
    """
    for seconds in delays(first, longest):
        try:
            return call()
        except Unavailable as error:
            pause(seconds, error)
    raise AssertionError("delays never end")


def until_stopped(stop: Stop, tell: Callable[[str], None] = lambda _text: None) -> Pause:
    """A pause that tells what is wrong and waits; it raises the error when the stop is requested."""

    def pause(seconds: float, error: Unavailable) -> None:
        tell(f"waiting, and trying again: {error}")
        if stop.wait(seconds):
            raise error

    return pause


def isolate(items: Sequence[T], attempt: Callable[[Sequence[T]], R], culprit: Callable[[T, Rejected], R]) -> list[R]:
    """Attempt all items at once; what raises Rejected is halved until the culprits stand alone.

    `attempt` gets a part of the items, never an empty one; an item that it rejects alone goes to `culprit`. Both return what became of
    their part, and the list holds these values in the order of the items: a single one when nothing is rejected, none without items.

    Every item is attempted. `attempt` may see an item again after it has raised, so it must be all or nothing, or idempotent. With k
    culprits among n items it is called at most 2k(log2 n + 1) + 1 times. Errors other than Rejected end the search.
    """
    made: list[R] = []
    parts = [items] if items else []
    while parts:
        part = parts.pop()
        try:
            made.append(attempt(part))
        except Rejected as error:
            if len(part) == 1:
                made.append(culprit(part[0], error))
            else:
                middle = len(part) // 2
                parts += (part[middle:], part[:middle])
    return made
