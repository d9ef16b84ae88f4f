"""Classifiers of the acceptance tests, which predictors import by name."""

import time
import zlib
from collections.abc import Sequence

from headrace.documents import Prediction
from headrace.testing.classifiers import FAULTS

SECONDS_A_TEXT = 0.001


def checksum(text: str) -> str:
    """The right label of a text."""
    return f"{zlib.crc32(text.encode()):08x}"


class Checksum:
    """Labels a text by its checksum, so that a swapped answer is seen, and scores by the clock, so that a changed one is.

    Faults are those of `headrace.testing.classifiers.Faulty`; takes its time, so that there is a middle of a batch.
    """

    version = "eeeeee"
    golden = (("sound", checksum("sound")),)

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        for text in texts:
            FAULTS.get(text.partition(" ")[0], lambda: None)()
        time.sleep(SECONDS_A_TEXT * len(texts))
        return [Prediction(checksum(text), time.time(), "") for text in texts]
