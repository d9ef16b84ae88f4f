"""How many texts a second a CoreNLP server labels, by the number of texts in one request.

python benchmarks/corenlp.py corenlp://localhost:9000?parser=shift-reduce texts.jsonl 1 8 32

The file has one JSON object a line, with a member "text". The first WARM_UP texts are asked about before each measurement, and not counted.
"""

import json
import sys
import time
from pathlib import Path

from headrace.urls import open_classifier

WARM_UP = 32
SECONDS = 600  # that a request may take, so that the classifier sends as many texts at once as it is told


def main(url: str, file: str, *sizes: str) -> None:
    """Print a row for each size."""
    texts = [json.loads(line)["text"] for line in Path(file).read_text().splitlines()]
    for size in map(int, sizes):
        classifier = open_classifier(f"{url}{'&' if '?' in url else '?'}timeout={SECONDS}&batch={size}")
        classifier.predict(texts[:WARM_UP])
        began = time.monotonic()
        classifier.predict(texts[WARM_UP:])
        seconds, number = time.monotonic() - began, len(texts) - WARM_UP
        print(
            f"{size:3} texts a request: {number / seconds:6.1f} texts/s, {seconds / number * size:6.3f} s a request",
            flush=True,
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
