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
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FunctionType
from typing import Any

from numba import config, njit, types
from numba.core import cgutils, event
from numba.extending import intrinsic

from headrace.log import logger
from headrace.scoring import borrowing, cache
from headrace.scoring.compiling import COMPILING

LOG = logger("headrace.scoring")
# A part of a kernel is called by the kernel alone, and needs no wrapper for Python; compiling it is quicker without.
_NO_WRAPPERS: Mapping[str, bool] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
_DECORATING = threading.Lock()  # Numba reads the folder from its global settings, which all threads share


def array(dtype: Any, dimensions: int = 1, *, mutable: bool = False) -> Any:
    """The Numba type of a contiguous array; unless `mutable`, the kernel can't write to it (writable arrays may be passed all the same)."""
    return types.Array(dtype, dimensions, "C", readonly=not mutable)


@functools.cache
def compiled(function: Callable[..., Any], signature: tuple[Any, ...], folder: Path | None = None) -> Any:
    """The function compiled for arguments of these Numba types; calls release the GIL.

    Loading it from the cache takes about 0.1 s. The first process on a machine compiles it and logs a warning, once in a process; others
    that need it meanwhile wait silently. (`compiling.Compiler` has it compiled beside, for those that would not wait.) The cache is
    `folder` (that of `scoring.cache` if not given), or NUMBA_CACHE_DIR if the environment sets it. If nothing can be kept there, a
    warning says so, and each process compiles.
    """
    home = folder or cache.folder()
    own = home / _source_hash(function) if home is not None else None
    with _DECORATING, _cache_folder(own) as caches:
        kernel = njit(nogil=True, error_model="numpy", cache=caches)(_with_compiled_callees(function))
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


@functools.cache
def _inner(function: Callable[..., Any]) -> Any:
    """A plain function that a kernel calls, compiled as a part of it: once for numbers of a type, not again for each constant passed."""
    if function in _INTRINSICS:
        return _INTRINSICS[function]
    part = njit(nogil=True, error_model="numpy", **_NO_WRAPPERS)(_with_compiled_callees(function))  # type: ignore[call-overload]
    compile_exactly = part.compile
    part.compile = lambda signature: compile_exactly(tuple(map(types.unliteral, signature)))
    return part


@intrinsic
def _borrowed(_, array: Any):  # type: ignore[no-untyped-def]
    """`borrowing.borrowed` in a kernel."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        view = context.make_array(signature.return_type)(context, builder, value=values[0])
        view.meminfo = cgutils.get_null_value(view.meminfo.type)  # type: ignore[no-untyped-call]
        view.parent = cgutils.get_null_value(view.parent.type)  # type: ignore[no-untyped-call]
        return view._getvalue()

    return array(array), generate


#: What stands in kernels for functions of plain Python.
_INTRINSICS: Mapping[Callable[..., Any], Any] = {borrowing.borrowed: _borrowed}


def _with_compiled_callees(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with `_inner` in place of each plain function that it calls: Numba compiles no others than those that it knows."""
    known = function.__globals__
    inner = {
        name: _inner(known[name])
        for name in function.__code__.co_names
        if isinstance(known.get(name), FunctionType) and known[name] is not function
    }
    if not inner:
        return function
    copy = FunctionType(function.__code__, {**known, **inner}, function.__name__, function.__defaults__)
    return functools.update_wrapper(copy, function, updated=())


def _source_hash(function: Callable[..., Any]) -> str:
    """A hash of the source files of the function and of all functions that it calls, directly or indirectly, and of the files beside
    them, which may define constants."""
    waiting, folders = [function], {Path(__file__).parent}
    seen = {function}
    while waiting:
        current = waiting.pop()
        folders.add(Path(current.__code__.co_filename).parent)
        called = [current.__globals__.get(name) for name in current.__code__.co_names]
        # Functions that Numba compiled have py_func, its intrinsics _defn.
        found = [getattr(one, "py_func", getattr(one, "_defn", one)) for one in called]
        inner = {callee for callee in found if isinstance(callee, FunctionType)}
        waiting += inner - seen
        seen |= inner
    files = [path.read_bytes() for folder in sorted(folders) for path in sorted(folder.glob("*.py"))]
    return hashlib.blake2b(b"\0".join(files), digest_size=8).hexdigest()


class _CompilationNotice(event.Listener):
    """Says that a kernel is being compiled. Numba sends no event if the kernel comes from the cache."""

    def on_start(self, _: event.Event) -> None:
        if not _announced().is_set():
            _announced().set()
            LOG.warning(COMPILING)

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
