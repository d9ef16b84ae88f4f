"""Kernels, compiled once on a machine, and kept in a folder that is the user's own.

Numba's cache is made of pickles: whoever can write there can run code as the user. So the folder has mode 0700 and belongs to the
user; where that can't be had, kernels are compiled anew in each process. Numba notices a change of the file of a function that it has
cached, but not of what that one calls; so each state of the sources has a folder of its own.
"""

import contextlib
import fcntl
import functools
import hashlib
import os
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from numba import config, njit, types
from numba.core import event

_DECORATING = threading.Lock()  # Numba reads the folder from its own settings, which all threads share


def array(dtype: Any, dimensions: int = 1, *, mutable: bool = False) -> Any:
    """The Numba type of a contiguous array, read-only where not said otherwise (a mutable one may be passed for it)."""
    return types.Array(dtype, dimensions, "C", readonly=not mutable)


@functools.cache
def compiled(function: Callable[..., Any], signature: tuple[Any, ...], folder: Path | None = None) -> Any:
    """The function as machine code, for arguments of these Numba types; it releases the GIL.

    Loaded from `folder` (`~/.cache/headrace/numba` if not given) in some 0.1 s; the first time on a machine it is compiled, after a line on
    stderr, by one process, for which others that want it wait in silence, also where they compile another kernel later. Where the
    environment gives NUMBA_CACHE_DIR, that is used.
    """
    folder = (folder or Path.home() / ".cache" / "headrace" / "numba") / _sources(function)
    with _DECORATING, _caching(folder) as caches:
        kernel = njit(nogil=True, error_model="numpy", cache=caches)(function)
    with _first(folder, function.__name__, caches), event.install_listener("numba:compile", _Announcer()):
        kernel.compile(signature)
    kernel.disable_compile()
    return kernel


@contextlib.contextmanager
def _caching(folder: Path) -> Iterator[bool]:
    if given := str(config.CACHE_DIR):  # type: ignore[attr-defined]
        reason = _unwritable(Path(given))
        if reason:
            _say_that_nothing_is_kept(f"{given} (NUMBA_CACHE_DIR)", reason)
        yield not reason
        return
    if reason := _unsafe(folder):
        _say_that_nothing_is_kept(str(folder.parent), reason)
        yield False
        return
    config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
    try:
        yield True
    finally:
        config.CACHE_DIR = ""  # type: ignore[attr-defined]


@contextlib.contextmanager
def _first(folder: Path, name: str, caches: bool) -> Iterator[None]:
    """Whoever compiles a kernel first does it alone; once it is kept, nobody waits for anybody."""
    done = folder / f"{name}.done"
    if not caches or not folder.is_dir() or done.exists():
        yield
        return
    with (folder / f"{name}.lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _told().set()  # by whoever has it
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
        done.touch()


def _sources(function: Callable[..., Any]) -> str:
    """A hash of all files that hold the function or a compiled one that it calls, directly or not."""
    waiting, files = [function], {}
    seen = {function}
    while waiting:
        current = waiting.pop()
        path = Path(current.__code__.co_filename)
        files[path.name] = path.read_bytes()
        called = [current.__globals__.get(name) for name in current.__code__.co_names]
        known = [
            getattr(kernel, "py_func", getattr(kernel, "_defn", None)) for kernel in called
        ]  # _defn: of intrinsics
        inner = {inside for inside in known if inside is not None}
        waiting += inner - seen
        seen |= inner
    return hashlib.blake2b(b"\0".join(files[name] for name in sorted(files)), digest_size=8).hexdigest()


def _unsafe(folder: Path) -> str:
    """Why code must not be loaded from this folder (made if missing), or an empty string."""
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.stat()
        if status.st_uid != os.geteuid():
            return "it belongs to another user"
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return "others may write there; chmod 700 it"
        if not os.access(folder, os.W_OK | os.X_OK):
            return "it can't be written to"
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _unwritable(folder: Path) -> str:
    """Why nothing can be kept in this folder (made if missing), or an empty string."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return error.strerror or str(error)
    return "" if os.access(folder, os.W_OK | os.X_OK) else "it can't be written to"


class _Announcer(event.Listener):
    """Says that code is being compiled; nothing where it came from the cache."""

    def on_start(self, _: event.Event) -> None:
        if not _told().is_set():
            _told().set()
            print("headrace: compiling the scorer for this machine, once; this takes some 10 seconds", file=sys.stderr)

    def on_end(self, _: event.Event) -> None:
        pass


@functools.cache
def _told() -> threading.Event:
    """Set once whoever watches knows that code is being compiled: by this process, or by one that it waited for."""
    return threading.Event()


@functools.cache
def _say_that_nothing_is_kept(where: str, reason: str) -> None:
    """Once in a process, however many kernels there are."""
    print(f"headrace: compiled code is not kept in {where}: {reason}", file=sys.stderr)
