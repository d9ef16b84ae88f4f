"""Lines a second of `headrace score`, its CPU time a line and its memory, on one core and on all: medians over whole processes, in turn.

    python benchmarks/score.py [--lines 600000] [--rounds 3]

The input is JSON Lines made of the samples of `headrace demo`, with an id and a text. Loading and compiling count, except that a run on
fewer lines comes first, which has the scorer compiled. On a shared machine, CPU microseconds a line are steadier than lines a second. Linux
only, because it chooses the cores.
"""

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import msgspec

from headrace import samples


def main() -> None:
    """Score the file on one core and on all in turn, `--rounds` times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=600_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    every = sorted(os.sched_getaffinity(0))
    subprocess.run([sys.executable, "-m", "headrace", "models", "compile"], check=True, stdout=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "in.jsonl")
        write(file, options.lines)
        found: dict[int, list[tuple[float, float, float]]] = {1: [], len(every): []}
        for _ in range(options.rounds):
            for count, runs in found.items():
                runs.append(run(file, every[:count]))
    for count, runs in found.items():
        wall, cpu, memory = (statistics.median(kind) for kind in zip(*runs, strict=True))
        rates = [options.lines / one[0] for one in runs]
        print(
            f"{count} cores: {options.lines / wall:,.0f} lines/s ({min(rates):,.0f}-{max(rates):,.0f}),"
            f" CPU {cpu / options.lines * 1e6:.1f} µs a line, {memory:.0f} MiB"
        )


def write(file: Path, lines: int) -> None:
    """Write so many lines: samples in random order, the same in each run."""
    texts = [sample.text for sample in samples.load()]
    chosen = random.Random(1).choices(texts, k=lines)
    with file.open("wb") as target:
        for number, text in enumerate(chosen):
            target.write(msgspec.json.encode({"id": str(number), "text": text}) + b"\n")


def run(file: Path, cores: list[int]) -> tuple[float, float, float]:
    """The wall and CPU seconds of one process, and the most memory that it had, in MiB."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "headrace", "score", str(file), str(file.with_name("out.jsonl"))],
        stderr=subprocess.DEVNULL,
        preexec_fn=partial(os.sched_setaffinity, 0, cores),
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


if __name__ == "__main__":
    main()
