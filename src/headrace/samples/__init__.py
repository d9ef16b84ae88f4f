"""The samples of `headrace demo`: texts in 38 languages, written for it, published at a pace that one can follow."""

import random
from functools import partial
from importlib.resources import files

from headrace.documents import Document, decode, microseconds, pack
from headrace.errors import Unavailable
from headrace.retrying import patiently, until_stopped
from headrace.runtime import Stop
from headrace.urls import Connectors

PER_SECOND = 8  # samples


def load() -> list[Document]:
    """All samples, in the order of their files."""
    found = sorted(entry.name for entry in files(__name__).iterdir() if entry.name.endswith(".jsonl"))
    return [decode(line) for name in found for line in (files(__name__) / name).read_bytes().splitlines() if line]


def feed(connectors: Connectors, stop: Stop, *, per_second: float = PER_SECOND) -> None:
    """Publish the samples in random order, so many a second, until all are published or the stop is requested.

    Each run gives them new ids, so that the store takes them as new documents. An unavailable broker is waited for.
    """
    run = microseconds()
    samples = load()
    random.Random(run).shuffle(samples)
    broker = connectors.broker()
    try:
        for sample in samples:
            document = Document(
                f"{sample.id}-{run}", sample.text, sample.source, None, sample.meta, published_at=microseconds()
            )
            patiently(partial(broker.publish, list(pack([document]))), until_stopped(stop))
            if stop.wait(1 / per_second):
                return
    except Unavailable:
        return  # the stop came first
    finally:
        broker.close()
