"""Which shadows are asked: production never waits long for one that dies, hangs or is slow.

A shadow is left out after MOST_DEATHS deaths, or one missed deadline, and tried again with back-off. One that takes longer than the models
that answer rests for the difference, so that it never takes more than half of the time.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from headrace.log import logger
from headrace.models.spec import ModelSpec

MOST_DEATHS = 3  # of a shadow that was never left out; one that was is left out again at its first
FIRST_SECONDS, LONGEST_SECONDS = 60.0, 3600.0  # for which one is left out: the first time, and ever
LOG = logger("headrace.predictor")


@dataclass
class _Record:
    deaths: int = 0
    times: int = 0  # that it was left out
    until: float = float("-inf")  # when it is tried again
    rests_until: float = float("-inf")


class Shadows:
    """What is known of the shadows among some models, by their places."""

    def __init__(self, models: Sequence[ModelSpec], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._models, self._clock = models, clock
        self._records = {place: _Record() for place, spec in enumerate(models) if spec.shadow}
        self._missing: frozenset[int] = frozenset()

    @property
    def places(self) -> list[int]:
        """The places of all shadows."""
        return list(self._records)

    @property
    def left_out(self) -> list[int]:
        """The places of those that are left out for failing."""
        return [place for place, one in self._records.items() if one.until > self._clock() or place in self._missing]

    def skipped(self) -> list[int]:
        """The places of those not to ask now: left out, or at rest."""
        now, out = self._clock(), self.left_out
        return [place for place, one in self._records.items() if place in out or one.rests_until > now]

    def opened(self, missing: Sequence[int]) -> None:
        """A process has opened the models; those that are `missing` could not be opened."""
        for place in missing:
            if self._records[place].until <= self._clock():
                self._leave_out(place, "it cannot be opened")
        self._missing = frozenset(missing)

    def is_due(self) -> bool:
        """Whether one that is missing is to be opened again."""
        return any(self._records[place].until <= self._clock() for place in self._missing)

    def died(self, place: int, kind: str, reason: str) -> bool:
        """A process died, or missed its deadline, while the model at this place worked; whether that was a shadow."""
        one = self._records.get(place)
        if one is None:
            return False
        one.deaths += MOST_DEATHS if kind == "overdue" or one.times else 1
        if one.deaths >= MOST_DEATHS:
            self._leave_out(place, reason)
        return True

    def worked(self, seconds: Mapping[int, float]) -> None:
        """Models have worked for so many seconds each, by their places."""
        answers = sum(taken for place, taken in seconds.items() if place not in self._records)
        for place in seconds.keys() & self._records.keys():
            self._records[place].rests_until = self._clock() + seconds[place] - answers

    def _leave_out(self, place: int, reason: str) -> None:
        one, spec = self._records[place], self._models[place]
        pause = min(LONGEST_SECONDS, FIRST_SECONDS * 2**one.times)
        one.deaths, one.times, one.until = 0, one.times + 1, self._clock() + pause
        LOG.warning(
            f"the shadow {spec.reference or spec.name} is left out for {pause:g} s, and then tried again: {reason}",
            extra={"model": spec.name, "seconds": pause},
        )
