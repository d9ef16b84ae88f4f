"""Lines a second that `headrace ingest` publishes of files: JSON Lines and CSV of the same records, with a mapping; medians of rounds.

    python benchmarks/files.py [--lines 1000000] [--rounds 3]

The records are posts with a text of about 100 characters and four other members, of which `--text`, `--id` and `--created-at` name three;
the others become `meta`. Of the CSV files, one has no quotes, one has them around each text with a comma (half of them), and one around
every cell. They are published to an empty queue in an SQLite file, with their cursors in a store, and all is in the page cache. A round
takes every file in turn, and the ratios are those of a round, as medians. CPU time is that of the process, which has one thread at work.
"""

import argparse
import csv
import json
import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from headrace.brokers.sqlite import SqliteBroker
from headrace.fields import Fields
from headrace.ingest.ingest import Ingest
from headrace.runtime import Stop
from headrace.sources.files import FileSource
from headrace.stores.sqlite import SqliteStore

COLUMNS = ("post_id", "posted", "author", "likes", "body")
WORDS = "the a water power gate river runs down slowly over every stone and what it carries is light today tomorrow"
MAPPING = Fields.parse(text="body", id="post_id", created_at="posted")


class Run(NamedTuple):
    """Seconds of one file."""

    wall: float
    cpu: float


def main() -> None:
    """Publish each file `--rounds` times, after a small one that is not counted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for file in write(Path(folder, "first"), 10_000).values():
            publish(file, 10_000)
        files = write(Path(folder, "all"), options.lines)
        found: dict[str, list[Run]] = {name: [] for name in files}
        for _ in range(options.rounds):
            for name, file in files.items():
                found[name].append(publish(file, options.lines))
    base = found["JSON Lines"]
    for name, runs in found.items():
        wall, cpu = (statistics.median(kind) for kind in zip(*runs, strict=True))
        ratio = statistics.median(one.wall / run.wall for one, run in zip(base, runs, strict=True))
        rates = [options.lines / run.wall for run in runs]
        print(
            f"{name:<24} {options.lines / wall:>9,.0f} lines/s ({min(rates):,.0f}-{max(rates):,.0f}),"
            f" CPU {cpu / options.lines * 1e6:.1f} µs a line, {ratio:.2f} of JSON Lines"
        )


def write(folder: Path, lines: int) -> Mapping[str, Path]:
    """The same records in each format."""
    folder.mkdir()
    with (folder / "posts.jsonl").open("w") as file:
        for record in records(lines):
            file.write(json.dumps(record) + "\n")
    kinds = {
        "plain": ("plain", csv.QUOTE_MINIMAL),
        "half": ("commas", csv.QUOTE_MINIMAL),
        "all": ("commas", csv.QUOTE_ALL),
    }
    for name, (what, quoting) in kinds.items():
        with (folder / f"{name}.csv").open("w", newline="") as file:
            rows = csv.writer(file, quoting=quoting, lineterminator="\n")
            rows.writerow(COLUMNS)
            for record in records(lines):
                text = str(record["body"])
                body = text.replace(",", " ") if what == "plain" else text
                rows.writerow([*list(record.values())[:-1], body])
    return {
        "JSON Lines": folder / "posts.jsonl",
        "CSV without quotes": folder / "plain.csv",
        "CSV, half quoted": folder / "half.csv",
        "CSV, all quoted": folder / "all.csv",
    }


def records(lines: int) -> Iterator[Mapping[str, object]]:
    """Posts, the same at each call; every second text has a comma."""
    chance = random.Random(7)
    for number in range(lines):
        words = chance.choices(WORDS.split(), k=chance.randint(10, 28))
        text = " ".join(words[:5]) + (", " if number % 2 else " ") + " ".join(words[5:])
        posted = f"2026-11-{number % 28 + 1:02}T12:{number % 60:02}:00Z"
        yield dict(zip(COLUMNS, (f"post-{number}", posted, f"user{number % 977}", number % 50, text), strict=True))


def publish(file: Path, lines: int) -> Run:
    """How long it takes to publish a file to an empty queue."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(SqliteBroker(Path(folder, "queue.db"))) as broker,
        closing(SqliteStore(Path(folder, "store.db"))) as store,
    ):
        source = FileSource(str(file), fields=MAPPING)
        work = Ingest(broker, store, stop=Stop())
        wall, cpu = time.perf_counter(), time.process_time()
        work.run(source, source.name)
        took = Run(time.perf_counter() - wall, time.process_time() - cpu)
    assert work.tally.published == lines, work.tally
    return took


if __name__ == "__main__":
    main()
