"""Documents a second from publish to stored and acked, embedded, on this machine; and CPU microseconds a document by stage.

    python benchmarks/pipeline.py [--documents 1000000] [--model trivial|language] [--workers 1]

Documents of 250 characters with random ids go through the SQLite broker, a worker (keeper and predictor) and the SQLite store, which grows
from empty to all of them. The publisher runs beside, as ingest would. Prints one JSON line; figures of one machine under one load: compare
ratios, and run it several times.
"""

import argparse
import json
import os
import random
import secrets
import signal
import string
import tempfile
import time
from pathlib import Path

import psutil

from headrace.brokers.sqlite import SqliteBroker
from headrace.config import Settings
from headrace.documents import Document, microseconds, pack
from headrace.ports import Query
from headrace.stores.sqlite import SqliteStore
from headrace.workers import family

MODELS = {"trivial": "trivial=python:headrace.testing.classifiers:Trivial", "language": "language"}
PUBLISHED_AT_ONCE = 2000


def main() -> None:
    """Run once and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--model", choices=MODELS, default="trivial")
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(Path(folder), options.documents, MODELS[options.model], options.workers)))


def measure(folder: Path, number: int, models: str, workers: int) -> dict[str, object]:
    """One run from an empty queue and store."""
    settings = Settings(
        broker=f"sqlite:///{folder}/queue.db", store=f"sqlite:///{folder}/store.db", models=models, processes=workers
    )
    broker, store = SqliteBroker(folder / "queue.db"), SqliteStore(folder / "store.db")
    crew = family(settings)
    children = [crew.spawn() for _ in range(workers)]
    wait_until_ready(store, workers)
    began = time.monotonic()
    before = cpu(children)
    publish(broker, number)
    published = time.monotonic()
    while (backlog := broker.backlog()).ready or backlog.leased:
        time.sleep(0.02)
    seconds = time.monotonic() - began
    spent = {stage: 1e6 * (used - before[stage]) / number for stage, used in cpu(children).items()}
    memory = {stage: peak >> 20 for stage, peak in memories(children).items()}
    for child in children:
        child.send_signal(signal.SIGTERM)
        child.wait()
    stored = store.count(Query())[""]
    assert stored == number, f"{stored} stored of {number}"
    return {
        "documents": number,
        "workers": workers,
        "models": models,
        "documents_per_second": round(number / seconds),
        "published_per_second": round(number / (published - began)),
        "cpu_microseconds_per_document": {stage: round(used, 1) for stage, used in spent.items()},
        "peak_memory_mib": memory,
    }


def publish(broker: SqliteBroker, number: int) -> None:
    """Random words, 250 characters, each document with a random id."""
    words = ["".join(random.choices(string.ascii_lowercase, k=random.randint(2, 9))) for _ in range(5000)]
    text = " ".join(random.choices(words, k=200_000))
    left = number
    while left:
        now = microseconds()
        size = min(PUBLISHED_AT_ONCE, left)
        starts = random.sample(range(len(text) - 250), size)
        documents = [
            Document(secrets.token_hex(8), text[at : at + 250], "benchmark", published_at=now) for at in starts
        ]
        broker.publish(list(pack(documents)))
        left -= size


def wait_until_ready(store: SqliteStore, workers: int) -> None:
    """Return when every worker has opened its models."""
    while sum(worker.state == "ready" for worker in store.workers()) < workers:
        time.sleep(0.05)


def stages(children: "list[object]") -> dict[str, list[psutil.Process]]:
    """The processes by stage."""
    keepers = [psutil.Process(child.pid) for child in children]  # type: ignore[attr-defined]
    predictors = [process for keeper in keepers for process in keeper.children()]
    return {"publisher": [psutil.Process(os.getpid())], "keeper": keepers, "predictor": predictors}


def cpu(children: "list[object]") -> dict[str, float]:
    """CPU seconds so far, user and system, by stage."""
    return {
        stage: sum(sum(process.cpu_times()[:2]) for process in processes)
        for stage, processes in stages(children).items()
    }


def memories(children: "list[object]") -> dict[str, int]:
    """Peak resident bytes of the largest process, by stage."""
    return {stage: max(peak(process.pid) for process in processes) for stage, processes in stages(children).items()}


def peak(pid: int) -> int:
    """VmHWM of a process, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) << 10
    return 0


if __name__ == "__main__":
    main()
