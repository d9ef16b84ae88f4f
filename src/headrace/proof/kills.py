"""Which processes a proof kills, and when: in the gaps between two steps, on purpose, and at random moments."""

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from headrace.proof import publisher, worker
from headrace.proof.gates import ACKED, CURSOR_SAVED, PUBLISHED, WRITTEN, Gates
from headrace.proof.observer import Observer
from headrace.proof.processes import Publisher, Workers

GATE_SECONDS = 20.0  # to wait for a process to reach a gate
PROGRESS_SECONDS = 5.0  # to wait for progress before a kill at random
DELAY_SECONDS = 0.25  # after that progress until the kill, at most; drawn at random
PREDICTOR_SECONDS = 5.0  # to wait for a predictor to kill
POLL_SECONDS = 0.002  # between two looks for a moment that is soon over


class Moment(NamedTuple):
    """Whom to kill (publisher, keeper, predictor), and the gate at which it is held first; empty for a random moment."""

    victim: str
    gate: str = ""


#: A proof of K kills has the first K of these moments, and begins again if it has more. The gaps that lose come first.
MOMENTS = (
    Moment("publisher", CURSOR_SAVED),
    Moment("keeper", ACKED),
    Moment("predictor"),
    Moment("publisher", PUBLISHED),
    Moment("keeper", WRITTEN),
    Moment("publisher", CURSOR_SAVED),
    Moment("keeper", ACKED),
    Moment("predictor"),
    Moment("publisher"),
    Moment("keeper"),
    Moment("predictor"),
)


class Until(Protocol):
    """Waits up to so many seconds for a condition; whether it was met. Dead processes are restarted meanwhile."""

    def __call__(self, met: Callable[[], bool], seconds: float, every: float = ...) -> bool: ...


def plan(number: int, rng: random.Random) -> list[Moment]:
    """The moments of this many kills, in random order."""
    moments = [MOMENTS[place % len(MOMENTS)] for place in range(number)]
    rng.shuffle(moments)
    return moments


class Killer:
    """Kills the processes of a proof.

    `cursors` gives the cursors of the publishers as the store has them, `backlog` how many bodies the broker has. They are asked if
    processes don't stop at gates, as programs of another kind need not: these are killed when such a step can be seen from outside.
    """

    def __init__(
        self,
        workers: Workers,
        publishers: Sequence[Publisher],
        gates: Gates,
        observer: Observer,
        rng: random.Random,
        *,
        until: Until,
        cursors: Callable[[], object],
        backlog: Callable[[], int],
    ) -> None:
        self._workers, self._publishers, self._gates = workers, publishers, gates
        self._observer, self._rng = observer, rng
        self._until, self._cursors, self._backlog = until, cursors, backlog

    def prepare(self, moment: Moment) -> None:
        """Arm the gate of the moment; call it before there is work to do."""
        if moment.gate:
            self._gates.arm(moment.gate)

    def kill(self, moment: Moment) -> int:
        """Wait for the moment, and kill; how many processes were killed."""
        killed = self._at_gate(moment) if moment.gate else 0
        return killed or (self._publisher() if moment.victim == "publisher" else self._worker(moment.victim))

    def _at_gate(self, moment: Moment) -> int:
        """Kill the process that is held at the gate, or all of its kind after the step if they have no gates; how many were killed.

        0 if no process came so far in time.
        """
        is_publisher = moment.victim == "publisher"
        role = publisher.ROLE if is_publisher else worker.ROLE
        taken = self._step(moment.gate)
        ungated = False

        def is_due() -> bool:
            nonlocal ungated
            ungated = not self._gates.announced(role) and taken()
            over = is_publisher and all(one.is_idle for one in self._publishers)
            return ungated or over or bool(self._gates.held(moment.gate))

        self._until(is_due, GATE_SECONDS, every=POLL_SECONDS)
        pid = self._gates.held(moment.gate)
        try:
            if is_publisher:
                return sum(one.kill() for one in self._publishers if ungated or one.pid == pid)
            return self._workers.kill_keepers() if ungated else self._workers.kill(pid)
        finally:
            self._gates.disarm(moment.gate)

    def _step(self, gate: str) -> Callable[[], bool]:
        """Tells whether the step before a gate was taken since the last time that it was asked."""
        signs: dict[str, Callable[[], object]] = {
            PUBLISHED: lambda: [one.confirmed for one in self._publishers],
            CURSOR_SAVED: self._cursors,
            WRITTEN: lambda: len(self._observer.seen),
            ACKED: self._backlog,
        }
        sign = signs[gate]
        last: object = None

        def taken() -> bool:
            nonlocal last
            before, last = last, sign()
            if isinstance(before, int) and isinstance(last, int) and gate == ACKED:
                return last < before  # it grows while something is published
            return before is not None and last != before

        return taken

    def _publisher(self) -> int:
        one = self._rng.choice(self._publishers)
        before = one.confirmed
        self._until(lambda: one.confirmed > before or one.is_idle, PROGRESS_SECONDS, every=POLL_SECONDS)
        self._until(lambda: False, self._rng.choice((0.0, 0.0, DELAY_SECONDS / 10)), every=POLL_SECONDS)
        return one.kill()

    def _worker(self, victim: str) -> int:
        """Kill a keeper or a predictor in the middle of its work: once there is progress, and a moment later."""
        stored = len(self._observer.seen)  # results, which only workers write: publishers bury
        self._until(lambda: len(self._observer.seen) > stored, PROGRESS_SECONDS, every=0.02)
        self._until(lambda: False, self._rng.uniform(0, DELAY_SECONDS), every=0.01)
        if victim == "predictor" and self._until(lambda: self._workers.kill_predictor(self._rng), PREDICTOR_SECONDS):
            return 1
        return self._workers.kill_keeper(self._rng)
