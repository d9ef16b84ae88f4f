"""What a load consists of, and what came of it."""

import math
from array import array
from collections import Counter
from dataclasses import dataclass, field

#: Statuses of requests that were never answered: the connection ended, or the patience.
LOST, UNANSWERED = 0, -1
REFUSALS = (503, 429)


@dataclass(frozen=True)
class Stream:
    """Requests of one kind: so many a second, at random times, or evenly spaced if `even`.

    `call` is `documents`, `predict`, or a GET of `path`; `batch` documents are sent in a request, as a list if it is not 0. `status` is the
    expected one.
    """

    call: str
    path: str
    rate: float
    status: int = 200
    even: bool = False
    batch: int = 0


@dataclass(frozen=True)
class Plan:
    """Streams to send for `seconds` after `warm_up` seconds that are not counted.

    With `hopeless` the run ends early once more than so many seconds' requests have no answer. At the end answers are waited for up to
    `patience` seconds.
    """

    host: str
    port: int
    streams: tuple[Stream, ...]
    seconds: float
    warm_up: float = 0.5
    hopeless: float = 0.0
    patience: float = 10.0
    connections: int = 900


@dataclass
class Answers:
    """What came of a stream. Seconds of latency count from the time at which the request was due; `at` is that time, from the first.

    `accepted` are the numbers of documents that the server took, `doubtful` those that it may have taken although its answer says nothing
    of it. `bare` counts refusals without Retry-After.
    """

    sent: int = 0
    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    at: "array[float]" = field(default_factory=lambda: array("d"))
    latencies: "array[float]" = field(default_factory=lambda: array("d"))
    refused: "array[float]" = field(default_factory=lambda: array("d"))
    bare: int = 0
    accepted: "array[int]" = field(default_factory=lambda: array("Q"))
    doubtful: "array[int]" = field(default_factory=lambda: array("Q"))

    def within(self, share: float) -> float:
        """The seconds within which this share of all requests had the expected answer; infinite if fewer had one."""
        return percentile(self.latencies, share, self.sent)


@dataclass
class Report:
    """What came of a plan: by stream, and what the generator itself spent, in CPU seconds and in seconds behind time (p99)."""

    streams: list[Answers]
    gave_up: bool
    cpu: float
    behind: float
    connections: int


def percentile(values: "array[float]", share: float, whole: int | None = None) -> float:
    """The value below which this share of them lies, of `whole` values of which those missing are infinite."""
    ordered = sorted(values)
    index = math.ceil(share * (len(ordered) if whole is None else whole)) - 1
    return ordered[max(0, index)] if index < len(ordered) and ordered else math.inf
