"""Cycles: what uvicorn calls a request with its answer (`RequestResponseCycle`), and what takes its place here."""

from typing import Protocol


class Waiter(Protocol):
    """Learns that something has happened to a cycle."""

    def set(self) -> None:
        """Look at the cycle again."""
        ...


class Cycle(Protocol):
    """A request that is being answered, or waits for its turn."""

    disconnected: bool

    @property
    def response_started(self) -> bool:
        """Whether a part of the answer was sent."""
        ...

    @property
    def response_complete(self) -> bool:
        """Whether all of the answer was sent."""
        ...

    @property
    def message_event(self) -> Waiter:
        """Is set when the payload has grown or ended, or nobody waits for the answer any more."""
        ...


def give_up(*cycles: Cycle | None) -> bool:
    """Send no more of these answers, and tell the app, which may wait for a payload; whether a part of one had been sent."""
    unanswered = [cycle for cycle in cycles if cycle is not None and not cycle.response_complete]
    for cycle in unanswered:
        cycle.disconnected = True
        cycle.message_event.set()
    return any(cycle.response_started for cycle in unanswered)
