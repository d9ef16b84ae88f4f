"""Recorded tweets a second that `twitter:` reads, and the CPU time that each takes: medians of passes over one file, on one core.

    python benchmarks/tweets.py --data ../shared/data/tweets/streaming_api_v1.jsonl [--tweets 100000] [--rounds 5]

The recording is repeated until it has so many tweets, in a file of its own that is in the page cache. A pass reads, checks and hashes each
line and makes a document of it; nothing is published. As a floor, each round also parses the same lines as JSON. On a shared machine, CPU
microseconds a tweet are steadier than tweets a second. Linux only, because it chooses the core.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path

import msgspec

from headrace.documents import Document
from headrace.sources.twitter import TwitterSource


def main() -> None:
    """Read the file `--rounds` times, after a pass that is not counted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tweets", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "recorded.jsonl")
        lines = options.data.read_bytes().splitlines(keepends=True)
        file.write_bytes(b"".join(islice(cycle(lines), options.tweets)))
        ways: dict[str, Callable[[Path], int]] = {"twitter:": read, "only parsed": parse}
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for turn in range(options.rounds + 1):
            for name, way in ways.items():
                wall, cpu = time.perf_counter(), time.process_time()
                assert way(file) == options.tweets, f"{options.data} holds more than tweets, one a line"
                if turn:
                    found[name].append((time.perf_counter() - wall, time.process_time() - cpu))
        size = file.stat().st_size / options.tweets
    for name, rounds in found.items():
        wall, cpu = (statistics.median(kind) for kind in zip(*rounds, strict=True))
        rates = [options.tweets / one for one, _ in rounds]
        print(
            f"{name:<12} {options.tweets / wall:,.0f} tweets/s ({min(rates):,.0f}-{max(rates):,.0f}),"
            f" CPU {cpu / options.tweets * 1e6:.1f} µs a tweet of {size:,.0f} bytes"
        )


def read(file: Path) -> int:
    """The number of documents in a recording."""
    return sum(isinstance(item, Document) for batch in TwitterSource(file).read() for item in batch.items)


def parse(file: Path) -> int:
    """The number of JSON values in a file, one a line."""
    decode = msgspec.json.Decoder().decode
    with file.open("rb") as lines:
        return sum(decode(line) is not None for line in lines)


if __name__ == "__main__":
    main()
