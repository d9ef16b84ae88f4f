"""What several tests need: waiting for a condition or for bodies, what is logged, calls made again, and setups of predictors."""

import gc
import logging
import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from headrace.errors import Unavailable
from headrace.models.spec import parse
from headrace.ports import Broker, Delivery
from headrace.predictor.settings import PredictorSettings

T = TypeVar("T")
FAULTY = "fake=python:headrace.testing.classifiers:Faulty"
PATIENCE = 600.0


def until(condition: Callable[[], T], what: str = "it") -> T:
    """The condition's value as soon as it is true; fails where that takes too long."""
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.01)
    return value


@contextmanager
def logged(call: Callable[[str], object] = lambda _message: None) -> Iterator[list[str]]:
    """The messages that Headrace logs meanwhile in this process, from info on; `call` gets each, on the thread that logs it."""
    messages: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())
            call(messages[-1])

    logger, listener = logging.getLogger("headrace"), Listener()
    before = logger.level
    logger.addHandler(listener)
    logger.setLevel(logging.INFO)
    try:
        yield messages
    finally:
        logger.removeHandler(listener)
        logger.setLevel(before)


def insist(call: Callable[[], T]) -> T:
    """The call's value, however often it has to be made: by servers that are away, or slower than the patience that the test gave."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return call()
        except Unavailable:
            if time.monotonic() > deadline:
                raise


def again(call: Callable[[], T]) -> T:
    """The value of a call that may find out that its connection was lost, and works the next time."""
    try:
        return call()
    except Unavailable:
        return call()


def come(broker: Broker, *wanted: str) -> list[Delivery]:
    """Deliveries until all of these have come, whatever else does; the server may be away for a while."""
    got = list[Delivery]()

    def all_came() -> bool:
        try:
            got.extend(broker.receive(1 << 30, 0.1))
        except Unavailable:
            return False
        return set(wanted) <= {delivery.data.decode() for delivery in got}

    until(all_came, f"all of {wanted}")
    return got


def setup(
    models: str = FAULTY, *, memory: int = 1 << 30, document_bytes: int = 1 << 20, registry: str = "none"
) -> PredictorSettings:
    """The settings of a predictor of these models."""
    return PredictorSettings(models=parse(models), registry=registry, memory=memory, document_bytes=document_bytes)


def alive(pid: int) -> bool:
    """Whether a process runs; one that is dead and not yet waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def children(pid: int) -> list[int]:
    """The processes that a process started, in the order of their start."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append((int(fields[19]), int(path.parent.name)))
    return [number for _, number in sorted(found)]


def predictors(pid: int) -> list[int]:
    """Those of the children that are predictors, in the order of their start; who runs a test may have others."""
    return [child for child in children(pid) if _is_predictor(child)]


def _is_predictor(pid: int) -> bool:
    try:
        return b"headrace.predictor.child" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False


def descriptors() -> int:
    """How many file descriptors this process has open, beside those of what nobody has any more."""
    gc.collect()
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


@contextmanager
def no_descriptors() -> Iterator[None]:
    """This process can open no file meanwhile."""
    free = os.dup(0)
    os.close(free)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
