"""How fast a store writes a million documents, and how long it takes to count them by hour and to find some.

    python benchmarks/stores.py --store sqlite:////tmp/bench.db

The store must be empty; it is removed afterwards. The documents are stored over so many days, by a clock that is set for each batch.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from unittest import mock

from headrace.clock import to_datetime
from headrace.documents import Document, Outcome, Prediction
from headrace.ports import ResultQuery, StoreAdapter
from headrace.urls import Connectors

LABELS = [f"label-{number}" for number in range(38)]
START = 1_767_225_600_000_000  # 2026-01-01, in microseconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", required=True)
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--batch", type=int, default=4000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    with closing(Connectors("memory:", asked.store).store()) as store:
        try:
            write(store, asked.documents, asked.batch, asked.days)
            read(store, asked.days, asked.rounds)
        finally:
            store.remove()


def write(store: StoreAdapter, documents: int, batch: int, days: int) -> None:
    """Write all, and say how fast."""
    chance = random.Random(9)
    wall = spent = 0.0
    for first in range(0, documents, batch):
        now = START + days * 86_400_000_000 * first // documents
        outcomes = [outcome(chance, now) for _ in range(min(batch, documents - first))]
        with mock.patch("time.time_ns", lambda now=now: 1000 * now):
            started, used = time.perf_counter(), time.process_time()
            store.write(outcomes)
            wall, spent = wall + time.perf_counter() - started, spent + time.process_time() - used
    print(f"{'write':<40} {documents / wall:>10,.0f} documents/s  {1e6 * spent / documents:.1f} CPU µs a document")


def outcome(chance: random.Random, now: int) -> Outcome:
    """A document of 250 characters with an answer."""
    document = Document(f"{chance.getrandbits(64):x}", "0123456789" * 25, "bench", published_at=now)
    return Outcome(document, (Prediction(chance.choice(LABELS), chance.random(), "language@3f9c2a"),))


def read(store: StoreAdapter, days: int, rounds: int) -> None:
    """Ask, and say how long each answer takes."""
    middle, end = (to_datetime(START + part * days * 43_200_000_000) for part in (1, 2))
    day, minute = timedelta(days=1), timedelta(minutes=1)
    label = LABELS[0]
    questions: dict[str, Callable[[], object]] = {
        "counts by hour, all": lambda: store.count_by_hour("language"),
        "counts by hour, of a day": lambda: store.count_by_hour("language", middle, middle + day),
        "counts by model and label": lambda: store.count(ResultQuery()),
        "newest results": lambda: store.find(ResultQuery()),
        "results since a minute before the end": lambda: store.find(ResultQuery(since=end - minute)),
        "results until the middle": lambda: store.find(ResultQuery(until=middle)),
        "a label, until the middle": lambda: store.find(ResultQuery(until=middle, label=label)),
        "scores above 0.999": lambda: store.find(ResultQuery(min_score=0.999)),
        "a text that none contains": lambda: store.find(ResultQuery(text="nowhere")),
    }
    for name, ask in questions.items():
        took = [timed(ask) for _ in range(rounds)]
        print(f"{name:<40} {1000 * statistics.median(took):>10.1f} ms")


def timed(ask: Callable[[], object]) -> float:
    started = time.perf_counter()
    ask()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
