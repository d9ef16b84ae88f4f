"""Admission: if requests come faster than a call can take them, new ones are refused at once instead of waiting behind the others."""

import asyncio
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from headrace.web.responses import Refused

FEW = 64  #: requests that may be there however long they take: they may each have a reason of their own
MANY = 256  #: requests that are many at once, however many connections there may be
LONG_SECONDS = 0.5  #: if more than FEW have been there for longer, no more are admitted
SHORT_SECONDS = 0.1  #: the same, once there are many
QUEUE_SECONDS = 0.02  #: if more than FEW have been there for longer, requests queue
LASTING_SECONDS = 0.25  #: if they have queued for longer, no more than many are admitted


@dataclass(slots=True, eq=False)
class _Turn:
    """The requests that came in one turn of the event loop: when, and how many of them are still there."""

    at: float
    here: int = 0


class Place:
    """The place of a request that was admitted, until it is taken or answered."""

    __slots__ = ("_admission", "_turn")

    def __init__(self, admission: "Admission", turn: _Turn) -> None:
        self._admission = admission
        self._turn: _Turn | None = turn

    def leave(self) -> None:
        """Note that the request has been taken, or answered. Calling it twice is harmless."""
        turn, self._turn = self._turn, None
        if turn is not None:
            turn.here -= 1
            self._admission.here -= 1


class Admission:
    """Who may still come in to a call. `what` names what they wait for. For one event loop.

    Refuses if more than FEW requests have been there for LONG_SECONDS or, once there are `many`, for SHORT_SECONDS; and beyond `many`, if
    requests have queued for LASTING_SECONDS, as they do when they come faster than they can be answered. So those who are admitted do not
    wait long, while a crowd that comes at once is admitted, and so is everybody during a short stall. Requests that come in one turn of
    the event loop count as having come when it began, which is what `clock` gives.
    """

    def __init__(self, what: str, *, many: int, clock: Callable[[], float] | None = None) -> None:
        self.here = 0
        self._what, self._many = what, many
        self._clock = clock or (lambda: asyncio.get_running_loop().time())
        self._turns: list[_Turn] = []
        self._turn = _Turn(float("-inf"))
        self._most = math.inf  # requests that may be here in this turn
        self._empty_at = float("-inf")  # when they did not queue, last

    def enter(self) -> Place | None:
        """A place for one more request; None if it is to be refused."""
        now = self._clock()
        if now != self._turn.at:
            self._begin_turn(now)
        if self.here >= self._most:
            return None
        self.here += 1
        self._turn.here += 1
        return Place(self, self._turn)

    def refusal(self) -> Refused:
        """What is said to whom is refused."""
        return Refused(503, f"too many requests wait for {self._what}; try again in a second", again=True)

    @contextmanager
    def place(self) -> Iterator[Place]:
        """A place for as long as the block runs. Raises Refused (503) if there is none."""
        place = self.enter()
        if place is None:
            raise self.refusal()
        try:
            yield place
        finally:
            place.leave()

    def _begin_turn(self, now: float) -> None:
        self._turns = [turn for turn in self._turns if turn.here]
        self._turn = _Turn(now)
        self._turns.append(self._turn)
        if self._older(now - QUEUE_SECONDS) <= FEW:
            self._empty_at = now
        if self._older(now - LONG_SECONDS) > FEW:
            self._most = 0
        elif now - self._empty_at >= LASTING_SECONDS or self._older(now - SHORT_SECONDS) > FEW:
            self._most = self._many
        else:
            self._most = math.inf

    def _older(self, than: float) -> int:
        if self.here <= FEW:
            return 0
        return sum(turn.here for turn in self._turns if turn.at <= than)
