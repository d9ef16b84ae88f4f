"""Classifiers that misbehave on request, for tests of what drives classifiers.

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

SECONDS_A_TEXT = 0.001  # that `Checksum` takes
SECONDS_A_STEP = 0.4  # that `Steps` takes
LABELS = 8  # that `Checksum` has: some stores count each label by a query of its own
MOMENT_BITS, SIGNATURE_BITS = 24, 28  # of its scores: milliseconds, and their signature; a float holds both exactly


class Trivial:
    """Labels a text `long` or `short`. Takes next to no time."""

    version = "aaaaaa"
    golden = (("short", "short"), ("long " * 30, "long"))

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        return [Prediction("long" if len(text) > 100 else "short", 1.0) for text in texts]


class Faulty:
    """Predicts `fine`, unless a text of the batch begins with the name of a fault (see FAULTS)."""

    version = "bbbbbb"
    golden = (("sound", "fine"),)

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        for text in texts:
            FAULTS.get(text.partition(" ")[0], _nothing)()
        return [Prediction("fine", 0.5) for _ in texts]


def checksum(text: str) -> str:
    """The label that `Checksum` gives a text."""
    return f"{zlib.crc32(text.encode()) % LABELS:x}"


def signed_score(text: str, moment: int) -> float:
    """The score, between 0 and 1, that `Checksum` gives a text at a moment: a number of MOMENT_BITS bits."""
    signature = zlib.crc32(b"%d %s" % (moment, text.encode())) & ((1 << SIGNATURE_BITS) - 1)
    return ((moment << SIGNATURE_BITS) | signature) / (1 << (MOMENT_BITS + SIGNATURE_BITS))


def is_signed(text: str, score: float) -> bool:
    """Whether `Checksum` may have given the text this score, at any moment."""
    if not 0 <= score < 1:
        return False
    return signed_score(text, int(score * (1 << MOMENT_BITS))) == score


class Checksum:
    """Labels a text by its checksum, so that swapped answers show.

    A score tells the time at which it was given, so that changed answers show, and is signed, so that forged ones do. It has the faults of
    `Faulty`, and is slow enough to be killed in the middle of a batch.
    """

    version = "eeeeee"
    golden = (("sound", checksum("sound")),)

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        for text in texts:
            FAULTS.get(text.partition(" ")[0], _nothing)()
        time.sleep(SECONDS_A_TEXT * len(texts))
        moment = time.time_ns() // 1_000_000 % (1 << MOMENT_BITS)
        return [Prediction(checksum(text), signed_score(text, moment), "") for text in texts]


class Steps(Faulty):
    """As `Faulty`, one text at a time, as a model behind a slow server."""

    version = "ffffff"
    most_texts = 1

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        time.sleep(SECONDS_A_STEP * len(texts))
        return super().predict(texts)


class Broken:
    """Predicts its golden texts when it is opened, and raises on everything afterwards."""

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
    """Gets its golden text wrong."""

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


def _left_behind(*, leave: bool = False) -> None:
    """Starts a process that outlives this one and holds all that it has open; with `leave` in a session of its own, as a daemon."""
    if os.fork():
        return
    if leave:
        os.setsid()
        if os.fork():
            os._exit(0)
    time.sleep(3600)


def _fork() -> None:
    _left_behind()
    _left_behind(leave=True)


def _fork_and_die() -> None:
    _fork()
    _kill()


def _fork_and_hang() -> None:
    _fork()
    _hang()


def _fork_and_return() -> None:
    """Lets a copy of this process return as well."""
    os.fork()


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
    "FORK": _fork,
    "FORKKILL": _fork_and_die,
    "FORKHANG": _fork_and_hang,
    "COPY": _fork_and_return,
    "UNAVAILABLE": _unavailable,
}
