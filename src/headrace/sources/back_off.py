"""Why a connection was not made or has ended, and how long to wait before the next one."""

import random
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

LONGEST_SECONDS = 86_400.0  #: of a pause, whatever a server asks for
TOLD = 1000  #: characters of a reason, at most
JITTER = 0.2  #: each pause is up to this part longer, so that many clients don't come back at once
#: Connections that may be made within so many seconds; then one follows another more slowly, whatever the server says.
CONNECTIONS, CONNECTIONS_SECONDS = 20, 20.0


def printable(text: str) -> str:
    """What a server has said, on one line, in up to TOLD characters, and without control characters: they could not be stored, or would
    steer a terminal."""
    line = " ".join(text[: 2 * TOLD].split())
    line = line if len(line) <= TOLD else f"{line[: TOLD - 1]}…"
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in line)


class Kind(Enum):
    """Why a connection has ended, by what to do about it."""

    ENDED = "ended"  #: as servers end connections now and then: connect again
    NETWORK = "network"
    SERVER = "server"  #: it has an error of its own
    LIMITED = "limited"  #: too many requests
    REFUSED = "refused"  #: it does not allow this, and trying again at once will not change that


class Broken(Exception):
    """A connection was not made, or has ended; the message says why. `retry_after`: seconds that the server asks to wait."""

    def __init__(self, kind: Kind, reason: str, retry_after: float | None = None) -> None:
        super().__init__(printable(reason))
        self.kind, self.retry_after = kind, retry_after


@dataclass(frozen=True)
class Pause:
    """Seconds to wait before connecting again: the first time, and the longest; in between each is the last one times `factor` plus
    `step`."""

    first: float
    longest: float
    factor: float = 2.0
    step: float = 0.0


#: What to do unless a platform has rules of its own.
PAUSES: Mapping[Kind, Pause] = {
    Kind.ENDED: Pause(0.0, 5.0, step=0.5),
    Kind.NETWORK: Pause(0.25, 16.0),
    Kind.SERVER: Pause(1.0, 60.0),
    Kind.LIMITED: Pause(5.0, 300.0),
    Kind.REFUSED: Pause(300.0, 3600.0),
}


class BackOff:
    """How long to wait, by why the connection ended; each kind has its own row of pauses, until a message has come."""

    def __init__(self, pauses: Mapping[Kind, Pause]) -> None:
        self._pauses = pauses
        self._next: dict[Kind, float] = {}
        self._begun: deque[float] = deque(maxlen=CONNECTIONS)  # when the last connections were, by the monotonic clock

    def begins(self) -> None:
        """Note that a connection is made now."""
        self._begun.append(time.monotonic())

    def reset(self) -> None:
        self._next = {}

    def seconds(self, broken: Broken) -> float:
        pause = self._pauses[broken.kind]
        seconds = self._next.get(broken.kind, pause.first)
        self._next[broken.kind] = min(pause.longest, seconds * pause.factor + pause.step)
        crowded = len(self._begun) == CONNECTIONS and self._begun[0] + CONNECTIONS_SECONDS > time.monotonic()
        seconds = max(seconds, CONNECTIONS_SECONDS / CONNECTIONS) if crowded else seconds
        return min(max(seconds, broken.retry_after or 0.0), LONGEST_SECONDS) * random.uniform(1, 1 + JITTER)
