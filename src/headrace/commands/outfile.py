"""An output file that appears whole or not at all."""

import bz2
import contextlib
import errno
import gzip
import lzma
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, cast

from headrace import runtime
from headrace.durable import replacing
from headrace.errors import system_error
from headrace.sources.compression import promised
from headrace.zstd import load as load_zstd


@contextlib.contextmanager
def writing(name: str) -> Iterator[IO[bytes]]:
    """The file to write to. It appears under its name by an atomic rename once it is complete, compressed if the name ends in `.gz`,
    `.bz2`, `.xz` or `.zst`.

    `-` is standard output. A device or a named pipe is written to as it is. Raises Unavailable if the disk is full, and Misconfigured if
    the file cannot be written.
    """
    output = Path(name)
    try:
        if name == "-":
            with _standard_output() as target:
                yield target
        elif output.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        elif output.exists() and not output.is_file():
            with output.open("wb") as target:
                yield target
        else:
            yield from _replacing(output.resolve())
    except BrokenPipeError:
        raise
    except OSError as error:
        what = "standard output" if name == "-" else f"writing {name}"
        raise system_error(what, error, "check the name, the permissions and the disk") from error


@contextlib.contextmanager
def _standard_output() -> Iterator[IO[bytes]]:
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except OSError:
        runtime.discard_output()
        raise


def _replacing(output: Path) -> Iterator[IO[bytes]]:
    compression = promised(output.name)
    opener = _opener(compression) if compression else None
    with replacing(output) as draft, draft.open("wb") as target:
        if opener is None:
            yield target
        else:
            with opener(target, output) as packed:
                yield cast(IO[bytes], packed)


def _opener(compression: str) -> Callable[[IO[bytes], Path], contextlib.AbstractContextManager[Any]]:
    """What opens a file that compresses into another. Raises Misconfigured if the library for it is missing."""
    if compression == "zstd":
        zstd = load_zstd("writing zstd data")
        return lambda target, _output: cast("contextlib.AbstractContextManager[Any]", zstd.ZstdFile(target, "wb"))
    return _OPENERS[compression]


_OPENERS: Mapping[str, Callable[[IO[bytes], Path], contextlib.AbstractContextManager[Any]]] = {
    "gzip": lambda target, output: gzip.GzipFile(output.stem, "wb", fileobj=target),
    "bzip2": lambda target, _output: bz2.BZ2File(target, "wb"),
    "xz": lambda target, _output: lzma.LZMAFile(target, "wb"),  # noqa: SIM115 (who gets it closes it)
}
