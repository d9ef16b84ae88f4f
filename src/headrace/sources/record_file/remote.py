"""Files of other machines, such as objects in S3, by fsspec. Needs fsspec, of the extra of that name, and the driver of the protocol.

Accounts and keys are the driver's own affair, or fsspec's configuration (`FSSPEC_FTP_PASSWORD`): none is taken from a URL.
"""

import errno
import glob
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar, cast
from urllib.parse import urlsplit

from headrace.errors import HeadraceError, Misconfigured, Unavailable
from headrace.sources.finding import KNOWN, archive_kind, is_data

#: The protocols, by the schemes of their URLs, and what pip installs for each; nothing if fsspec is enough.
DRIVERS: Mapping[str, str] = {
    "abfs": "adlfs",
    "az": "adlfs",
    "ftp": "",
    "gs": "gcsfs",
    "hdfs": "pyarrow",
    "hf": "huggingface_hub",
    "s3": "s3fs",
    "sftp": "paramiko",
    "smb": "smbprotocol",
    "webhdfs": "requests",
}
_URL = re.compile(r"([a-z][a-z0-9]*)://", re.ASCII)
#: What tells that an object was replaced, by the names that the drivers give it.
_STATE = (
    "size",
    "ETag",
    "etag",
    "md5Hash",
    "generation",
    "checksum",
    "mtime",
    "modify",
    "LastModified",
    "last_modified",
)
#: Protocols without a connection that could be lost, so that many files may share what fsspec has opened.
_STATELESS = ("abfs", "az", "gs", "hf", "s3")
_PASSING = (errno.EBUSY, errno.EIO, errno.EAGAIN, errno.ETIMEDOUT, errno.ENETUNREACH, errno.EHOSTUNREACH)
#: Words in the names of errors of drivers that may pass by themselves.
_PASSING_WORDS = re.compile(
    "connect|timeout|timedout|endpoint|throttl|temporar|error_temp|unavailable|incomplete|gaierror", re.IGNORECASE
)

T = TypeVar("T")


def is_remote(path: str) -> bool:
    """Whether a path is the URL of a file on another machine."""
    found = _URL.match(path)
    return found is not None and found[1] in DRIVERS


@contextmanager
def opened(path: str, shown: str, *, buffering: int = -1) -> Iterator[IO[bytes]]:
    """A file to read, on this machine or another one, which is `shown` in messages.

    Raises OSError for one of this machine. For others, Misconfigured and Unavailable, from all that reads it too; Unavailable also in the
    end, if the file was replaced meanwhile.
    """
    if not is_remote(path):
        with Path(path).open("rb", buffering=buffering) as local:
            yield local
        return
    system, name = _system(path, shown)

    def state() -> tuple[object, ...]:
        system.invalidate_cache()
        info = system.info(name)
        return tuple(info.get(part) for part in _STATE)

    before = _telling(shown, state)
    with _Guarded(_telling(shown, lambda: system.open(name, "rb")), shown) as file:
        yield cast("IO[bytes]", file)
    if _telling(shown, state) != before:
        raise Unavailable(f"reading {shown}: it was replaced while it was read")


def found(url: str, *, all_files: bool = False) -> Sequence[str]:
    """The files that a URL stands for, as `finding.find` finds them. Raises Misconfigured for none, and Unavailable."""
    system, name = _system(url, url)

    def look() -> list[str] | None:
        if glob.has_magic(name) and not system.exists(name):
            matches = sorted(system.glob(name, detail=True).items())
            return [
                file
                for match, info in matches
                if _hidden(match)
                <= _hidden(name)  # as on this machine, where `*` does not match a name that begins with a dot
                for file in (_in_folder(system, match, all_files) if info["type"] == "directory" else [match])
            ]
        return _in_folder(system, name, all_files) if system.isdir(name) else None

    names = _telling(url, look)
    if names is None:
        return [url]
    if not names and glob.has_magic(name):
        raise Misconfigured(
            f"no file matches {url}; check the pattern, and quote it, so that the shell leaves it alone"
        )
    if not names:
        raise Misconfigured(f"there are no data files in {url}; known are {KNOWN}; for others say the format")
    return [_url_of(one, url) for one in dict.fromkeys(names)]


def _in_folder(system: Any, name: str, all_files: bool) -> list[str]:
    start = len(name.rstrip("/")) + 1
    return sorted(
        one
        for one in system.find(name)
        if not any(part.startswith(".") for part in one[start:].split("/"))
        and (all_files or is_data(one) or archive_kind(one))
    )


def _hidden(name: str) -> int:
    """How many of the names in a path are hidden ones."""
    return sum(part.startswith(".") for part in name.split("/"))


def _url_of(name: str, url: str) -> str:
    """The URL of a file that fsspec calls so, on the same machine or in the same bucket as that of another URL."""
    scheme, host = urlsplit(url)[:2]
    return f"{scheme}://{host}{name}" if name.startswith("/") else f"{scheme}://{host}/{name.partition('/')[2]}"


def _system(url: str, shown: str) -> tuple[Any, str]:
    """fsspec's file system of a URL, and what the file is called in it."""
    scheme = url.partition(":")[0]
    if "@" in (account := urlsplit(url).netloc) and ":" in account.rpartition("@")[0]:
        raise Misconfigured(
            f"reading {shown}: a password does not belong into a URL; leave it to the driver, or to fsspec"
            f" (FSSPEC_{scheme.upper()}_PASSWORD)"
        )
    try:
        from fsspec.core import url_to_fs
    except ModuleNotFoundError as error:
        raise Misconfigured(f"reading {shown}: {scheme}: needs {error.name}: pip install 'headrace[fsspec]'") from error
    try:
        anew = scheme not in _STATELESS
        system, name = _telling(shown, lambda: url_to_fs(url, skip_instance_cache=anew))
        system.invalidate_cache()  # what it may have listed before
        return system, str(name)
    except ImportError as error:
        driver = DRIVERS[scheme]
        raise Misconfigured(f"reading {shown}: {scheme}: needs {driver or error.name}: pip install {driver}") from error


def _telling(shown: str, call: Callable[[], T]) -> T:
    """The call's value. Raises what a driver raises as Headrace's errors, but for ImportError."""
    try:
        return call()
    except (HeadraceError, ImportError):
        raise
    except FileNotFoundError as error:
        raise Misconfigured(f"reading {shown}: there is no such file; check the name") from error
    except PermissionError as error:
        raise Misconfigured(
            f"reading {shown}: {_said(error)}; check the account that the driver uses, and its permissions"
        ) from error
    except Exception as error:
        passing = isinstance(error, ConnectionError | TimeoutError | EOFError) or _PASSING_WORDS.search(
            type(error).__name__
        )
        if passing or (isinstance(error, OSError) and error.errno in _PASSING):
            raise Unavailable(f"reading {shown}: {_said(error)}") from error
        raise Misconfigured(f"reading {shown}: {_said(error)}") from error


def _said(error: Exception) -> str:
    told = " ".join(str(error).split())
    return f"{type(error).__name__}: {told}" if told else type(error).__name__


class _Guarded(io.RawIOBase):
    """A file of fsspec whose errors are told as Headrace's."""

    def __init__(self, file: Any, shown: str) -> None:
        self._file, self._shown = file, shown

    def read(self, size: int = -1, /) -> bytes:
        return bytes(_telling(self._shown, lambda: self._file.read(size)))

    def readinto(self, buffer: Any, /) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return int(_telling(self._shown, lambda: self._file.seek(offset, whence)))

    def tell(self) -> int:
        return int(self._file.tell())

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        if not self.closed:
            _telling(self._shown, self._file.close)
        super().close()
