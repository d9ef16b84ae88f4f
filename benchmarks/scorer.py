"""Sentences a second, memory, size and accuracy of the scorer, beside scikit-learn and language identification libraries.

    python benchmarks/scorer.py --data ../shared/data [--rounds 5] [--plot scorer.png] [--only compiled,CLD2]

Needs the extras `train` and `bench`. A TF-IDF pipeline (about 135,000 character 2- and 3-grams; 38 labels) is trained on part of the data,
and compiled. Each candidate runs in its own process, with one thread unless its name says otherwise, on the same sentences. Rounds are
interleaved, so that other load on the machine affects all candidates; figures are medians, a ratio is the median of the rounds' ratios.
On a shared machine, sentences per CPU second are steadier. Accuracy is measured on the hold-out (dev/): a language that a candidate doesn't
know counts as wrong, a code that covers two languages as right for both.
"""

import argparse
import gzip
import json
import multiprocessing
import random
import statistics
import tempfile
from dataclasses import dataclass, field
from itertools import cycle, islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from candidates import CANDIDATES, default_folder, held, megabytes, right, serve

OURS = ("headrace", "scikit-learn")
#: Seconds that a candidate gets in a round, roughly, and for its accuracy at most.
SECONDS = 0.5
ACCURACY_SECONDS = 15.0
#: Features of the pipeline.
FEATURES = 134_886
#: Processes that share a model when memory is measured.
PROCESSES = 10


@dataclass
class Candidate:
    """A candidate's process, and what was measured of it."""

    name: str
    pipe: Connection
    process: Any
    rates: list[float] = field(default_factory=list)
    cpu_rates: list[float] = field(default_factory=list)
    count: int = 0
    accuracy: float = 0.0
    memory: float = 0.0
    first: float = 0.0
    answers: list[str] = field(default_factory=list)

    def ask(self, texts: list[str]) -> tuple[list[str], float, float]:
        """The labels of the texts, and the seconds and CPU seconds that they took."""
        self.pipe.send(texts)
        labels, seconds, used = self.pipe.recv()
        return labels, seconds, used

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)


def main() -> None:
    """Train the pipeline, start the candidates, measure them in turn, print and plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sentences", type=int, default=6000)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--only", default="", help="names of candidates or parts of names, separated by commas")
    parser.add_argument("--work", type=Path, help="folder in which the trained pipeline is kept and reused")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.work or Path(scratch)
        train(options.data / "language", folder)
        rows = read(*sorted((options.data / "language" / "dev").glob("*.jsonl.gz")))
        random.Random(0).shuffle(rows)
        names = [name for name in CANDIDATES if any(part in name for part in options.only.split(","))]
        candidates = [started for name in names if (started := start(name, folder))]
        measure(candidates, rows[: options.sentences], options.rounds)
        show(candidates, rows[: options.sentences])
        for name, where in (("compiled, in batches", folder), ("headrace language", default_folder())):
            together, each, size = share(name, where, PROCESSES)
            print(
                f"{PROCESSES} processes, {name}: {together:.1f} MB of weights together (the file has {size:.1f}); "
                f"{each:.0f} MB each with all else (proportional set size)"
            )
    if options.plot:
        plot(candidates, options.plot)


def read(*paths: Path) -> list[tuple[str, str]]:
    """The texts and labels of compressed JSON Lines files."""
    rows = []
    for path in paths:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            rows += [(row["text"], row["label"]) for row in map(json.loads, lines)]
    return rows


def train(data: Path, folder: Path) -> None:
    """Train the pipeline unless the folder has it, and compile it."""
    import joblib
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import SGDClassifier
    from sklearn.pipeline import make_pipeline

    import headrace

    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "pipeline.joblib").exists():
        rows = read(data / "train" / "sib200_train.jsonl.gz", data / "train" / "ntrex128.jsonl.gz")
        texts, labels = zip(*random.Random(0).sample(rows, 56_000), strict=True)
        vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(2, 3), max_features=FEATURES)
        pipeline = make_pipeline(vectorizer, SGDClassifier(alpha=1e-5, max_iter=5, tol=None, random_state=0))
        pipeline.fit(texts, labels)
        pipeline[-1].coef_ = np.asfortranarray(pipeline[-1].coef_)  # otherwise scikit-learn copies 41 MB for each call
        joblib.dump(pipeline, folder / "pipeline.joblib")
    headrace.compile(joblib.load(folder / "pipeline.joblib")).save(folder)


def start(name: str, folder: Path) -> Candidate | None:
    """The candidate in its own process; None, after printing why, if it can't be started (it may not be installed)."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(name, folder, theirs), daemon=True)
    process.start()
    if trouble := ours.recv():
        print(f"{name} is left out: {trouble}")
        return None
    return Candidate(name, ours, process)


def measure(candidates: list[Candidate], rows: list[tuple[str, str]], rounds: int) -> None:
    """Measure accuracy on all rows, then rates in interleaved rounds of equal length: fast candidates get the rows several times."""
    texts = [text for text, _ in rows]
    for candidate in candidates:
        _, seconds, _ = candidate.ask(texts[:100])
        asked = rows[: max(100, int(100 / seconds * ACCURACY_SECONDS))]
        candidate.answers, seconds, _ = candidate.ask([text for text, _ in asked])
        candidate.count = max(20, int(len(asked) / seconds * SECONDS))
        hits = sum(right(answer, label) for answer, (_, label) in zip(candidate.answers, asked, strict=True))
        candidate.accuracy = hits / len(asked)
        candidate.pipe.send(None)
        candidate.memory, candidate.first = candidate.pipe.recv()
    for _ in range(rounds):
        for candidate in candidates:
            _, seconds, used = candidate.ask(list(islice(cycle(texts), candidate.count)))
            candidate.rates.append(candidate.count / seconds)
            candidate.cpu_rates.append(candidate.count / max(used, 1e-3))
    for candidate in candidates:
        candidate.pipe.send(False)
        candidate.process.join()


def share(name: str, folder: Path, count: int) -> tuple[float, float, float]:
    """Memory of several processes that use one model at the same time, as proportional set size.

    The MB of the weights in all of them together, the mean MB of one process with all else, and the size of the weights' file in MB.
    """
    import psutil

    file = (folder / "weights.safetensors").resolve()
    running = [started for _ in range(count) if (started := start(name, folder))]
    for one in running:
        one.ask(["Guten Morgen"] * 300)
    together = sum(held(one.process.pid, file) for one in running)
    each = statistics.mean(psutil.Process(one.process.pid).memory_full_info().pss for one in running) / 2**20
    for one in running:
        one.pipe.send(False)
        one.process.join()
    return together, each, file.stat().st_size / 2**20


def show(candidates: list[Candidate], rows: list[tuple[str, str]]) -> None:
    """Print a table, and the ratios that benchmarks/README.md gives."""
    print(
        f"\n{len(rows):,} sentences of {sum(len(text) for text, _ in rows) / len(rows):.0f} characters on average, 38 languages\n"
    )
    print(
        f"| {'':31} | sentences/s |     spread      | per CPU s | accuracy | resident MB | package MB | first answer s |"
    )
    print(
        f"|{'-' * 33}|------------:|----------------:|----------:|---------:|------------:|-----------:|---------------:|"
    )
    for one in candidates:
        spread = f"{min(one.rates):,.0f}-{max(one.rates):,.0f}"
        print(
            f"| {one.name:31} | {one.rate:11,.0f} | {spread:>15} | {statistics.median(one.cpu_rates):9,.0f} "
            f"| {one.accuracy:8.4f} | {one.memory:11.0f} "
            f"| {megabytes(CANDIDATES[one.name][1]):10.1f} | {one.first:14.2f} |"
        )
    found = {one.name: one for one in candidates}
    print()
    for fast, slow in [
        ("compiled, in batches", "scikit-learn, in batches"),
        ("compiled, one at a time", "scikit-learn, one at a time"),
        ("compiled, 2 threads", "compiled, in batches"),
        ("headrace language, 2 threads", "headrace language"),
        *(("headrace language", peer) for peer, (_, package) in CANDIDATES.items() if package not in OURS),
    ]:
        if fast in found and slow in found:
            times = [ratio(getattr(found[fast], kind), getattr(found[slow], kind)) for kind in ("rates", "cpu_rates")]
            print(
                f"{fast} / {slow}: {times[0]:.2f}x" + ("" if "2 threads" in fast else f" ({times[1]:.2f}x by CPU time)")
            )
    same = [found[name].answers for name in found if name.startswith(("compiled", "scikit-learn"))]
    alike = all(one == other for answers in same for one, other in zip(answers, same[0], strict=False))
    print(f"compiled and scikit-learn give the same labels: {alike}")


def ratio(fast: list[float], slow: list[float]) -> float:
    """The median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(fast, slow, strict=True))


def plot(candidates: list[Candidate], path: Path) -> None:
    """Plot speed against accuracy."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 5))
    for one in candidates:
        if one.name.endswith(("2 threads", "one at a time")):
            continue
        own = one.name.startswith(("compiled", "headrace"))
        rate = statistics.median(one.cpu_rates)
        axes.plot(rate, one.accuracy, "o", color="tab:blue" if own else "tab:gray")
        above = one.name not in ("scikit-learn, in batches", "headrace language")  # whose labels would cover others
        axes.annotate(
            one.name,
            (rate, one.accuracy),
            (0, 6 if above else -13),
            textcoords="offset points",
            fontsize=8,
            ha="center",
        )
    axes.set(xscale="log", xlabel="sentences a CPU second", ylabel="accuracy on the hold-out, 38 languages")
    axes.margins(x=0.18, y=0.1)
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
