"""The candidates of benchmarks/sentiment.py, each in a process of its own."""

import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

Predict = Callable[[list[str]], list[str]]


def headrace(_folder: Path, _url: str) -> Predict:
    import headrace

    model = headrace.load("sentiment")
    model.prepare(wait=True)
    return lambda texts: [one.label for one in model.predict(texts)]


def pipeline(folder: Path, _url: str) -> Predict:
    import joblib

    fitted = joblib.load(folder / "pipeline.joblib")
    return lambda texts: fitted.predict(texts).tolist()


def compiled(folder: Path, _url: str) -> Predict:
    import joblib

    import headrace

    fitted = headrace.compile(joblib.load(folder / "pipeline.joblib"))
    return lambda texts: [one.label for one in fitted.predict(texts)]


def vader(_folder: Path, _url: str) -> Predict:
    from headrace.urls import open_classifier

    model = open_classifier("vader:")
    return lambda texts: [one.label for one in model.predict(texts)]


def textblob(_folder: Path, _url: str) -> Predict:
    from textblob import TextBlob

    def label(text: str) -> str:
        polarity = TextBlob(text).sentiment.polarity
        return "positive" if polarity > 0 else "negative" if polarity < 0 else "neutral"

    return lambda texts: list(map(label, texts))


def corenlp(_folder: Path, url: str) -> Predict:
    from headrace.errors import Rejected
    from headrace.urls import open_classifier

    model = open_classifier(url)

    def label(texts: list[str]) -> list[str]:
        try:
            return [one.label for one in model.predict(texts)]
        except Rejected:  # one of them took too long
            return [label([text])[0] for text in texts] if len(texts) > 1 else ["neutral"]

    return label


#: Name → what opens it, and how many texts it gets at once.
CANDIDATES: Mapping[str, tuple[Callable[[Path, str], Predict], int]] = {
    "headrace sentiment": (headrace, 1000),
    "scikit-learn": (pipeline, 1000),
    "scikit-learn, compiled": (compiled, 1000),
    "VADER": (vader, 1000),
    "TextBlob": (textblob, 1000),
    "CoreNLP": (corenlp, 64),
}


def serve(name: str, folder: Path, url: str, pipe: Connection) -> None:
    """Open the candidate and say what it failed on, or nothing; then answer lists of texts with their labels and the seconds taken, and
    None with the peak memory in MiB, until False."""
    opened, size = CANDIDATES[name]
    try:
        predict = opened(folder, url)
        predict(["warm up"] * 10)
    except Exception as error:
        pipe.send(f"{type(error).__name__}: {error}")
        return
    pipe.send("")
    while (asked := pipe.recv()) is not False:
        pipe.send(_answered(predict, asked, size) if asked is not None else _memory())


def _answered(predict: Predict, texts: list[str], size: int) -> tuple[list[str], float]:
    began = time.perf_counter()
    labels = [label for at in range(0, len(texts), size) for label in predict(texts[at : at + size])]
    return labels, time.perf_counter() - began


def _memory() -> Any:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))
