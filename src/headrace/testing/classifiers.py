"""Classifiers that misbehave on request, for tests of whatever drives them.

--models "fake=python:headrace.testing.classifiers:Faulty"
"""

import os
import signal
import sys
import time
import zlib
from collections.abc import Callable, Mapping, Sequence

from headrace.documents import Prediction
from headrace.errors import Unavailable

SECONDS_A_TEXT = 0.001
LABELS = 32


class Trivial:
    """Labels a text by whether it is long. Costs next to nothing."""

    version = "aaaaaa"
    golden = (("short", "short"), ("long " * 30, "long"))

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        return [Prediction("long" if len(text) > 100 else "short", 1.0) for text in texts]


class Faulty:
    """Predicts `fine`, unless a text of the batch begins with a word in capitals that names a fault."""

    version = "bbbbbb"
    golden = (("sound", "fine"),)

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        for text in texts:
            FAULTS.get(text.partition(" ")[0], _nothing)()
        return [Prediction("fine", 0.5) for _ in texts]


def checksum(text: str) -> str:
    """The label that `Checksum` gives a text."""
    return f"{zlib.crc32(text.encode()) % LABELS:x}"


class Checksum:
    """Labels a text by its checksum, so that a swapped answer is seen, and scores by the clock, so that a changed one is.

    Its faults are those of `Faulty`; it takes its time, so that there is a middle of a batch.
    """

    version = "eeeeee"
    golden = (("sound", checksum("sound")),)

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        for text in texts:
            FAULTS.get(text.partition(" ")[0], _nothing)()
        time.sleep(SECONDS_A_TEXT * len(texts))
        return [Prediction(checksum(text), time.time(), "") for text in texts]


class Broken:
    """Predicted its golden texts when it was opened, and raises on everything ever after."""

    version = "cccccc"
    golden = (("sound", "fine"),)

    def __init__(self) -> None:
        self._calls = 0

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        self._calls += 1
        if self._calls > 1:
            raise RuntimeError("broken")
        return [Prediction("fine", 0.5) for _ in texts]


class Refusing:
    """Gets its own golden text wrong."""

    version = "dddddd"
    golden = (("sound", "something else"),)

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        return [Prediction("fine", 0.5) for _ in texts]


def _nothing() -> None:
    pass


def _raise() -> None:
    raise ValueError("this text is too much")


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def _exit() -> None:
    os._exit(3)


def _asked() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def _grow() -> None:
    kept = []
    while True:
        kept.append(bytearray(64 << 20))


def _hang() -> None:
    while True:
        time.sleep(3600)


def _spin() -> None:
    while True:
        pass


def _interrupt() -> None:
    raise KeyboardInterrupt


def _shut() -> None:
    """Closes every descriptor, the pipe to the keeper among them, and lives on."""
    os.closerange(0, 256)
    _hang()


def _chatter() -> None:
    """Writes to standard output and reads from standard input, as a library may."""
    print("chatter", flush=True)
    sys.stdin.read(1)


def _unavailable() -> None:
    raise Unavailable("the remote model is away")


FAULTS: Mapping[str, Callable[[], None]] = {
    "RAISE": _raise,
    "KILL": _kill,
    "EXIT": _exit,
    "ASKED": _asked,
    "GROW": _grow,
    "HANG": _hang,
    "SPIN": _spin,
    "INTERRUPT": _interrupt,
    "SHUT": _shut,
    "CHATTER": _chatter,
    "UNAVAILABLE": _unavailable,
}
