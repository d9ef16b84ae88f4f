"""Kernels: functions compiled by Numba once on each machine, and cached in a folder that only the user can write to.

Numba's cache consists of pickles: anyone who can write to it can run code as the user. So the folder belongs to the user and has mode
0700; if that is impossible, each process compiles its kernels itself. Numba notices when the file of a cached function changes, but not
when a file changes that the function calls into; so each state of the sources has its own subfolder.
"""

import contextlib
import fcntl
import functools
import hashlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from numba import config, njit, types
from numba.core import event

from headrace.log import logger
from headrace.scoring import cache

LOG = logger("headrace.scoring")
_DECORATING = threading.Lock()  # Numba reads the folder from its global settings, which all threads share


def array(dtype: Any, dimensions: int = 1, *, mutable: bool = False) -> Any:
    """The Numba type of a contiguous array; unless `mutable`, the kernel can't write to it (writable arrays may be passed all the same)."""
    return types.Array(dtype, dimensions, "C", readonly=not mutable)


@functools.cache
def compiled(function: Callable[..., Any], signature: tuple[Any, ...], folder: Path | None = None) -> Any:
    """The function compiled for arguments of these Numba types; calls release the GIL.

    Loading it from the cache takes about 0.1 s. The first process on a machine compiles it and logs a warning, once in a process; others
    that need it meanwhile wait silently. The cache is `folder` (that of `scoring.cache` if not given), or NUMBA_CACHE_DIR if the
    environment sets it. If nothing can be kept there, a warning says so, and each process compiles.
    """
    home = folder or cache.folder()
    own = home / _source_hash(function) if home is not None else None
    with _DECORATING, _cache_folder(own) as caches:
        kernel = njit(nogil=True, error_model="numpy", cache=caches)(function)
    with (
        _compiled_once(own, function.__name__, caches),
        event.install_listener("numba:compile", _CompilationNotice()),
    ):
        kernel.compile(signature)
    kernel.disable_compile()
    return kernel


@contextlib.contextmanager
def _cache_folder(folder: Path | None) -> Iterator[bool]:
    """Set Numba's cache to this folder while functions are decorated. Yields whether they are cached."""
    given = str(config.CACHE_DIR)  # type: ignore[attr-defined]
    if reason := cache.why_not_kept(folder, given):
        _warn_not_kept(reason)
        yield False
        return
    if given:
        yield True
        return
    config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
    try:
        yield True
    finally:
        config.CACHE_DIR = ""  # type: ignore[attr-defined]


@contextlib.contextmanager
def _compiled_once(folder: Path | None, name: str, caches: bool) -> Iterator[None]:
    """Hold the lock of a kernel, so that one process compiles it and others wait; once it is cached, nothing is locked."""
    if not caches or folder is None or not folder.is_dir() or (done := folder / f"{name}.done").exists():
        yield
        return
    with (folder / f"{name}.lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _announced().set()  # the process that holds the lock has said so
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
        done.touch()


def _source_hash(function: Callable[..., Any]) -> str:
    """A hash of the source files of the function and of all compiled functions that it calls, directly or indirectly."""
    waiting, files = [function], {}
    seen = {function}
    while waiting:
        current = waiting.pop()
        path = Path(current.__code__.co_filename)
        files[path.name] = path.read_bytes()
        called = [current.__globals__.get(name) for name in current.__code__.co_names]
        # Functions that Numba compiled have py_func, its intrinsics _defn.
        found = [getattr(kernel, "py_func", getattr(kernel, "_defn", None)) for kernel in called]
        inner = {callee for callee in found if callee is not None}
        waiting += inner - seen
        seen |= inner
    return hashlib.blake2b(b"\0".join(files[name] for name in sorted(files)), digest_size=8).hexdigest()


class _CompilationNotice(event.Listener):
    """Says that a kernel is being compiled. Numba sends no event if the kernel comes from the cache."""

    def on_start(self, _: event.Event) -> None:
        if not _announced().is_set():
            _announced().set()
            LOG.warning("compiling the scorer for this machine; this happens once and takes about 10 seconds")

    def on_end(self, _: event.Event) -> None:
        pass


@functools.cache
def _announced() -> threading.Event:
    """Set once the user has been told that code is compiled: by this process, or by one that it waited for."""
    return threading.Event()


@functools.cache
def _warn_not_kept(reason: str) -> None:
    """Warn once in a process, however many kernels there are, and say nothing more of compiling them."""
    _announced().set()
    cache.warn(reason)
