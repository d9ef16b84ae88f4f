"""Macro recall, accuracy, speed and memory of sentiment models, on tweets that none of ours has learnt from.

    python benchmarks/sentiment.py --data ../shared/data/sentiment [--corenlp corenlp://127.0.0.1:9000] [--rounds 5] [--plot sentiment.png]

Needs the extras `train`, `vader`, `corenlp` and `bench`. The tweets are TweetEval's validation set, and those of SemEval 2013 to 2016 that
`headrace train sentiment` holds out. A scikit-learn pipeline (TF-IDF of words and of characters, logistic regression, classes balanced)
learns from the others of SemEval. Each candidate runs in its own process, with one thread, on the same tweets; CoreNLP is a server, whose
memory is not counted. Rounds are interleaved; tweets a second are medians. ± is a standard error.
"""

import argparse
import multiprocessing
import random
import statistics
import tempfile
from dataclasses import dataclass, field
from itertools import cycle, islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from sentiment_candidates import CANDIDATES, serve

from headrace.training import datasets, holdout
from headrace.training.datasets import Row
from headrace.training.recipes.sentiment import SENTIMENT
from headrace.training.sentiments import NAMES

#: Seconds that a candidate gets in a round, roughly, and tweets that a slow one is asked for at least.
SECONDS, LEAST = 1.0, 16
#: Seconds that a candidate gets for its answers: a slow one is asked about a part of the tweets, drawn at random.
PATIENCE = 120.0
SEMEVAL = "semeval_2013_2016"


@dataclass
class Candidate:
    """A candidate's process, and what was measured of it."""

    name: str
    pipe: Connection
    process: Any
    answers: list[str] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    memory: float = 0.0

    def ask(self, texts: list[str]) -> tuple[list[str], float]:
        """The labels of the texts, and the seconds that they took."""
        self.pipe.send(texts)
        labels, seconds = self.pipe.recv()
        return labels, seconds


def main() -> None:
    """Train the pipeline, measure the candidates in turn, print and plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--corenlp", default="corenlp://127.0.0.1:9000")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--only", default="", help="names of candidates or parts of names, separated by commas")
    options = parser.parse_args()
    learnt, held = semeval(options.data)
    tests = {"held": held, "validation": datasets.read([options.data / "dev" / "tweeteval_val.jsonl.gz"]).rows}
    names = [name for name in CANDIDATES if any(part in name for part in options.only.split(","))]
    with tempfile.TemporaryDirectory() as scratch:
        fit(learnt, Path(scratch))
        candidates = [one for name in names if (one := start(name, Path(scratch), options.corenlp))]
        rows = [(name, row) for name, some in tests.items() for row in some]
        random.Random(0).shuffle(rows)
        measure(candidates, [row.text for _, row in rows], options.rounds)
    show(candidates, rows, list(tests))
    if options.plot:
        plot(candidates, rows, options.plot)


def semeval(data: Path) -> tuple[list[Row], list[Row]]:
    """The rows of SemEval that the default model has learnt from, and those that were held out."""
    known, held = holdout.split(datasets.read([data / "train"]).rows, SENTIMENT.test_size)
    return [row for row in known if row.source == SEMEVAL], [row for row in held if row.source == SEMEVAL]


def fit(rows: list[Row], folder: Path) -> None:
    """Fit the pipeline that a developer would write."""
    import joblib
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline, make_union

    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), min_df=2, sublinear_tf=True)
    classifier = LogisticRegression(C=1.0, class_weight="balanced", max_iter=1000)
    pipeline = make_pipeline(make_union(words, characters), classifier)
    joblib.dump(pipeline.fit([row.text for row in rows], [row.label for row in rows]), folder / "pipeline.joblib")


def start(name: str, folder: Path, url: str) -> Candidate | None:
    """The candidate in its own process; None, after printing why, if it can't be started (it may not be installed)."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(name, folder, url, theirs), daemon=True)
    process.start()
    if trouble := ours.recv():
        print(f"{name} is left out: {trouble}")
        return None
    return Candidate(name, ours, process)


def measure(candidates: list[Candidate], texts: list[str], rounds: int) -> None:
    """Ask each for the texts once, as far as it comes, then measure rates in interleaved rounds of about equal length."""
    counts = {}
    for one in candidates:
        _, seconds = one.ask(texts[:LEAST])
        asked = texts[: max(LEAST, int(LEAST / seconds * PATIENCE))]
        one.answers, seconds = one.ask(asked)
        counts[one.name] = max(LEAST, int(len(asked) / seconds * SECONDS))
        one.pipe.send(None)
        one.memory = one.pipe.recv()
    for _ in range(rounds):
        for one in candidates:
            _, seconds = one.ask(list(islice(cycle(texts), counts[one.name])))
            one.rates.append(counts[one.name] / seconds)
    for one in candidates:
        one.pipe.send(False)
        one.process.join()


def recall(said: list[str], rows: list[Row]) -> tuple[float, float, list[float], float]:
    """Macro recall, its standard error, the recall of each label, and the accuracy."""
    truth, answers = np.array([row.label for row in rows]), np.array(said)
    recalls = [float((answers[truth == label] == label).mean()) for label in NAMES]
    counts = [int((truth == label).sum()) for label in NAMES]
    variance = sum(one * (1 - one) / count for one, count in zip(recalls, counts, strict=True))
    return float(np.mean(recalls)), float(variance**0.5 / len(NAMES)), recalls, float((answers == truth).mean())


def show(candidates: list[Candidate], rows: list[tuple[str, Row]], tests: list[str]) -> None:
    """Print a table of all candidates for each test, and the ratios of speed."""
    for test in tests:
        print(f"\n{test}: {sum(name == test for name, _ in rows):,} tweets\n")
        print(f"| {'':24} | macro recall  | negative | neutral | positive | accuracy | tweets |")
        print(f"|{'-' * 26}|--------------:|---------:|--------:|---------:|---------:|-------:|")
        for one in candidates:
            answered = [(said, row) for said, (name, row) in zip(one.answers, rows, strict=False) if name == test]
            mean, error, recalls, accuracy = recall([said for said, _ in answered], [row for _, row in answered])
            each = " | ".join(
                f"{value:8.3f}" if label != "neutral" else f"{value:7.3f}"
                for label, value in zip(NAMES, recalls, strict=True)
            )
            print(f"| {one.name:24} | {mean:.3f} ± {error:.3f} | {each} | {accuracy:8.3f} | {len(answered):6,} |")
    print(
        f"\n| {'':24} | tweets/s |     spread      | resident MB |\n|{'-' * 26}|---------:|----------------:|------------:|"
    )
    for one in candidates:
        spread = f"{min(one.rates):,.0f}-{max(one.rates):,.0f}"
        print(f"| {one.name:24} | {statistics.median(one.rates):8,.0f} | {spread:>15} | {one.memory:11.0f} |")
    ours = candidates[0]
    for other in candidates[1:]:
        ratio = statistics.median(fast / slow for fast, slow in zip(ours.rates, other.rates, strict=True))
        print(f"{ours.name} / {other.name}: {ratio:.1f}x")


def plot(candidates: list[Candidate], rows: list[tuple[str, Row]], path: Path) -> None:
    """Plot macro recall, over both tests, against speed."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 5))
    for one in candidates:
        mean, error, _, _ = recall(one.answers, [row for _, row in rows][: len(one.answers)])
        rate, own = statistics.median(one.rates), one.name.startswith("headrace")
        axes.errorbar(rate, mean, yerr=error, fmt="o", capsize=3, color="tab:blue" if own else "tab:gray")
        below = one.name == "scikit-learn, compiled"  # beside its twin
        end, offset = (mean - error, -16) if below else (mean + error, 6)
        axes.annotate(one.name, (rate, end), (0, offset), textcoords="offset points", fontsize=9, ha="center")
    axes.set(
        xscale="log",
        xlabel="tweets a second, one process, one thread",
        ylabel="macro recall (bars: one standard error)",
    )
    axes.margins(x=0.18, y=0.15)
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
