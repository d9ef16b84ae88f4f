"""An output file that appears whole or not at all."""

import contextlib
import errno
import gzip
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from headrace import runtime
from headrace.durable import replacing
from headrace.errors import system_error


@contextlib.contextmanager
def writing(name: str) -> Iterator[IO[bytes]]:
    """The file to write to. It appears under its name by an atomic rename once it is complete, compressed if the name ends in `.gz`.

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
    with replacing(output) as draft, draft.open("wb") as target:
        if output.suffix == ".gz":
            with gzip.GzipFile(output.stem, "wb", fileobj=target) as packed:
                yield cast(IO[bytes], packed)
        else:
            yield target
