"""Compiling in the background: one process of the machine compiles the kernels into the cache, and all others go on without them meanwhile.

Nothing here loads Numba.
"""

import contextlib
import fcntl
import functools
import hashlib
import logging
import os
import platform
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import IO

from headrace import config, runtime
from headrace.errors import HeadraceError
from headrace.log import logger
from headrace.scoring import cache

LOG = logger("headrace.scoring")
POLL_SECONDS = 0.1  # between two looks whether the kernels are compiled
FIRST_SECONDS, LONGEST_SECONDS = 1.0, 60.0  # the first pause, and the longest, after compiling has failed
NICENESS = 5  # of the process that compiles: what answers goes first
LIBRARIES = ("numba", "llvmlite", "numpy")  # whose versions the compiled code depends on
COMPILING = "compiling the scorer for this machine; this happens once and takes up to a minute"


class Compiler:
    """Has one process of the machine compile the kernels. It ends with the process that started it; then the next one that needs the
    kernels starts another.

    `python ARGUMENTS FOLDER DONE` compiles them, by `run_child`. They are compiled from `sources`, into `folder` (that of `scoring.cache`
    if not given) or NUMBA_CACHE_DIR. Used by one thread at a time.
    """

    def __init__(self, arguments: Sequence[str], sources: Sequence[Path], folder: Path | None = None) -> None:
        self._arguments, self._sources = arguments, sources
        self._folder = folder or cache.folder()
        self._child: subprocess.Popen[bytes] | None = None
        self._failures = 0
        self._next = 0.0

    def ready(self) -> bool:
        """Whether to load the kernels now: they are compiled, or can be kept nowhere, so that each process has to compile them itself.

        Otherwise a process that compiles them has been started, by this one or another.
        """
        if self.done is None or self.done.exists():
            return True
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + POLL_SECONDS
            self._look_after(self.done)
        return False

    @functools.cached_property
    def done(self) -> Path | None:
        """The file that is there once the kernels are compiled; who compiles them holds the lock beside it. None if nothing can be kept."""
        given = config.numba_cache()
        if cache.why_not_kept(self._folder, given):
            return None
        kept = Path(given) if given else self._folder
        assert kept is not None
        return kept / f"{_key(self._sources)}.done"

    def finish(self) -> None:
        """Say that the kernels are compiled: this process has loaded them."""
        if self.done is not None:
            with contextlib.suppress(OSError):  # then the next process compiles once more
                self.done.touch()

    def _look_after(self, done: Path) -> None:
        child, status = self._child, None if self._child is None else self._child.poll()
        if child is not None and status is None:
            return
        if child is not None and status:
            assert child.stdout is not None
            self._failed(child.stdout.read().decode(errors="replace") or runtime.describe(status))
            return
        try:
            self._start(done)
        except (OSError, HeadraceError) as error:
            self._failed(str(error))

    def _start(self, done: Path) -> None:
        """Start the process that compiles, unless there is one. It holds the lock for as long as it lives, however it ends."""
        with done.with_suffix(".lock").open("wb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            if done.exists():
                return
            with runtime.spawning("starting a process that compiles the scorer"):
                self._child = subprocess.Popen(
                    [sys.executable, *self._arguments, str(self._folder or done.parent), str(done)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    pass_fds=[lock.fileno()],
                    start_new_session=True,
                )
        weakref.finalize(self, _end, self._child, os.getpid())
        if not self._failures:
            LOG.warning(f"{COMPILING}, in which texts are scored more slowly")

    def _failed(self, reason: str) -> None:
        """Try again later; texts are scored more slowly until then."""
        self._child = None
        self._next = time.monotonic() + min(FIRST_SECONDS * 2**self._failures, LONGEST_SECONDS)
        if not self._failures:
            LOG.warning(f"the scorer cannot be compiled, so texts are scored more slowly: {reason}; trying again")
        self._failures += 1


def run_child(compile_all: Callable[[], object]) -> None:
    """Be the process that a `Compiler` has started: compile, and say so by the file that the command names last."""
    runtime.on_end_of_input(lambda: os._exit(1))
    os.nice(NICENESS)
    logging.disable(logging.WARNING)  # the one that started this process has told
    try:
        compile_all()
        Path(sys.argv[2]).touch()
    except Exception as error:
        sys.exit(_told(f"{type(error).__name__}: {error}", sys.stdout))


def _told(reason: str, where: IO[str]) -> int:
    where.write(reason)
    return 1


def _end(child: "subprocess.Popen[bytes]", owner: int) -> None:
    if os.getpid() != owner:  # a copy of the process
        return
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            pipe.close()


def _key(sources: Sequence[Path]) -> str:
    """A hash of all that compiled code depends on: its sources, the libraries, Python and the processor."""
    parts = [path.read_bytes() for path in sorted(sources)]
    parts += [f"{name} {version(name)}".encode() for name in LIBRARIES]
    parts += [sys.version.encode(), platform.machine().encode(), _processor()]
    return hashlib.blake2b(b"\0".join(parts), digest_size=8).hexdigest()


def _processor() -> bytes:
    """The model and the features of the processor, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_bytes().splitlines()
    except OSError:
        return platform.processor().encode()
    names = (b"model name", b"flags", b"Features", b"CPU part")
    return b"\n".join(dict.fromkeys(line for line in lines if line.startswith(names)))
