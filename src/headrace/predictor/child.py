"""The predictor process: a model set behind a pipe. It decodes lines, and translates between frames and the model set.

It holds no connection. `headrace.predictor.process` starts it; it reads frames from standard input and ends when that does.
"""

import contextlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from headrace import config, log
from headrace.burial import bury_bytes
from headrace.documents import Document, Outcome, microseconds
from headrace.errors import HeadraceError, Misconfigured, Rejected, Unavailable
from headrace.log import logger
from headrace.masking import secrets_of
from headrace.models.loading import error_text
from headrace.models.model_set import ModelSet
from headrace.models.registry import Registry
from headrace.predictor import descendants, frames
from headrace.runtime import follow_parent, is_ignored
from headrace.scoring import cache
from headrace.tables import fields_of

LOG = logger("headrace.predictor")
Decoding = Callable[[bytes], Document]
PREPARE_SECONDS = 0.2  # between two looks whether the kernels are compiled
CONTAINER_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def main() -> None:
    """Serve the parent over standard input and output until the input ends."""
    if not is_ignored(signal.SIGINT):
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # so that the exit status shows that the process was asked to end
    reading, writing = _take_pipes()
    start = frames.read_start(reading)
    if start is None:
        return
    follow_parent(start.parent, signal.SIGKILL)
    settings = start.settings
    urls = (settings.registry, *(spec.url for spec in settings.models))
    secrets = frozenset[str]().union(*map(secrets_of, urls))
    log.configure(settings.log, secrets)
    if settings.cache_told:
        logging.getLogger(cache.LOG.name).setLevel(logging.ERROR)
    _limit_memory(settings.memory, settings.sharers)

    own = os.getpid()
    descendants.bind_forks()

    def say(message: frames.Message) -> None:
        if os.getpid() != own:
            os._exit(0)  # a copy of this process that a model forked, and let return
        frames.write_blocking(writing, message)

    turns = Turns(lambda place: say(frames.Working(place)))
    try:
        decoding = partial(fields_of(settings.fields).decode, limit=settings.document_bytes)
        registry = Registry.from_url(settings.registry)
        models = ModelSet.open(settings.models, registry, turns.begin, start.left_out)
        if start.compiled or cache.why_not_kept(cache.folder(), config.numba_cache()):
            _prepare(models, wait=True)  # it compiles, so nobody should wait for an answer meanwhile
        say(frames.Ready(models.versions, models.missing))
        with _preparing(models):
            while (request := frames.read_blocking(reading)) is not None:
                say(_serve(models, request, decoding, turns))
    except MemoryError:
        os._exit(frames.MEMORY_STATUS)
    except HeadraceError as error:
        say(frames.Failed(type(error).__name__, str(error)))
    except (BrokenPipeError, KeyboardInterrupt):
        pass


def _take_pipes() -> tuple[int, int]:
    """The descriptors to read and write frames by. What a model prints must not get between the frames, and it must not read them."""
    reading, writing = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return reading, writing


@contextlib.contextmanager
def _preparing(models: ModelSet) -> Iterator[None]:
    """Get the models ready for many texts on another thread, so that no text waits for a kernel that is being compiled or loaded."""
    ended = threading.Event()

    def prepare() -> None:
        while not _prepare(models) and not ended.wait(PREPARE_SECONDS):
            pass

    thread = threading.Thread(target=prepare, name="kernels")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _prepare(models: ModelSet, *, wait: bool = False) -> bool:
    """Whether there is nothing more to do to have the models ready for many texts: they are, or it was logged why they cannot be."""
    try:
        return models.prepare(wait=wait)
    except Exception as error:
        LOG.warning(f"compiled scorers cannot be loaded, so texts are scored more slowly: {error_text(error)}")
        return True


class Turns:
    """Times the models, which work one after the other: the turn of each ends when the next one begins, or with `end`."""

    def __init__(self, announce: Callable[[int], None] = lambda _place: None) -> None:
        self._announce = announce
        self._begun: list[tuple[int, float]] = []

    def begin(self, place: int) -> None:
        """Announce that the model at this place begins, or goes on."""
        self._begun.append((place, time.monotonic()))
        self._announce(place)

    def end(self) -> dict[int, float]:
        """The seconds of each model since the last end, by its place."""
        begun, self._begun = self._begun, []
        ends = [at for _, at in begun[1:]] + [time.monotonic()]
        seconds: dict[int, float] = {}
        for (place, at), end in zip(begun, ends, strict=False):
            seconds[place] = seconds.get(place, 0.0) + end - at
        return seconds


def label(models: ModelSet, request: frames.Lines, decoding: Decoding, turns: Turns) -> frames.Labelled:
    """One outcome a line, in order; a line that `decoding` rejects is buried. Raises as `ModelSet.label` does."""
    began = time.monotonic()
    outcomes: list[Outcome | None] = []
    documents: list[Document] = []
    for line in request.lines:
        try:
            documents.append(decoding(line))
            outcomes.append(None)
        except Rejected as error:
            outcomes.append(Outcome(None, dead=(bury_bytes(line, str(error), received_at=microseconds()),)))
    turns.end()  # of what failed before
    labelled, shadow_failures = models.label(documents, skip=request.skip)
    model_seconds = turns.end()
    following = iter(labelled)
    made = [next(following) if outcome is None else outcome for outcome in outcomes]
    return frames.Labelled(made, shadow_failures, time.monotonic() - began, model_seconds)


def answer(models: ModelSet, request: frames.Texts) -> frames.Answered:
    """Predictions for each text, in order. Raises as `ModelSet.predict` does, and Rejected for labels that no model has."""
    if request.labels:
        try:
            models = models.restricted(request.labels)
        except Misconfigured as error:  # by the request, not by a setting: the models go on
            raise Rejected(str(error)) from None
    if request.top:
        return frames.Answered(models.top(request.texts, request.top))
    found = models.predict(request.texts, threshold=request.threshold)
    return frames.Answered([{name: [one] for name, one in known.items()} for known in found])


def _serve(models: ModelSet, request: Any, decoding: Decoding, turns: Turns) -> frames.Message:
    try:
        return label(models, request, decoding, turns) if isinstance(request, frames.Lines) else answer(models, request)
    except (Unavailable, Rejected) as error:
        return frames.Failed(type(error).__name__, str(error))
    except msgspec.ValidationError as error:
        return frames.Failed("Rejected", str(error))


def _limit_memory(limit: int, sharers: int) -> None:
    """Let allocations fail in this process before the container's limit kills keeper and predictor together (Linux only)."""
    if sys.platform != "linux":
        return
    import resource

    for file in CONTAINER_LIMITS:
        with contextlib.suppress(OSError, ValueError):  # no such file, or "max"
            limit = min(limit, int(Path(file).read_text()) * 7 // (10 * sharers))
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


if __name__ == "__main__":
    main()
