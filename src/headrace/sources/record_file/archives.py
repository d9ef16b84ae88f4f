"""The members of tar and zip archives, read in place, one after the other."""

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, NamedTuple, Protocol, cast

from headrace.errors import Misconfigured
from headrace.sources.compression import Damaged

_DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    ValueError,
    OverflowError,
    NotImplementedError,
)


class Member(NamedTuple):
    """A file in an archive: its name there, what tells it from any other, and what reads it until the next one is asked for.

    What reads it raises Damaged, and Misconfigured for a member that is encrypted.
    """

    name: str
    identity: bytes
    read: Callable[[int], bytes]


class Readable(Protocol):
    """What a tar archive is read from."""

    def read(self, size: int, /) -> bytes: ...
    def seek(self, offset: int, /) -> int: ...
    def tell(self) -> int: ...


class Forward:
    """A stream that can be read and skipped, and knows its place."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read, self._held, self._at = read, b"", 0

    def tell(self) -> int:
        """How many bytes were read or skipped."""
        return self._at

    def seek(self, offset: int, /) -> int:
        """Skip what comes before this place, which is not behind. Stops at the end of the stream."""
        while self._at < offset and self.read(min(offset - self._at, 1 << 20)):
            pass
        return self._at

    def read(self, size: int, /) -> bytes:
        """Exactly so many bytes; fewer at the end of the stream."""
        parts, missing = [], size
        while missing and (chunk := self._held or self._read(1 << 18)):
            parts.append(chunk[:missing])
            self._held = chunk[missing:]
            missing -= len(parts[-1])
        self._at += size - missing
        return b"".join(parts)


def in_tar(file: Readable) -> Iterator[Member]:
    """The regular files of a tar archive. Raises Damaged if it is none, or is damaged or cut short."""
    try:
        tar = tarfile.open(fileobj=cast("IO[bytes]", file), mode="r:")  # noqa: SIM115 (it holds nothing but the file)
        info = tar.next()
    except tarfile.TarError as error:
        raise Damaged(str(error)) from None
    while info is not None:
        if info.isreg() and (content := tar.extractfile(info)) is not None:
            identity = f"{info.name}\0{info.size}\0{info.mtime}".encode(errors="surrogateescape")
            yield Member(info.name, identity, _guarded(content.read))
        info = _next(tar, file)


def in_zip(file: IO[bytes]) -> Iterator[Member]:
    """The files of a zip archive, which has to be a whole: the list of its members is at its end. Raises Damaged if it cannot be read."""
    try:
        packed = zipfile.ZipFile(file)
    except _DAMAGE as error:
        raise Damaged(f"{error}: the list of its members, at its end, cannot be read") from None
    with packed:
        for info in packed.infolist():
            if not info.is_dir() and not stat.S_ISLNK(info.external_attr >> 16):
                identity = f"{info.filename}\0{info.file_size}\0{info.CRC}".encode(errors="surrogateescape")
                yield Member(info.filename, identity, _guarded(_Late(packed, info).read))


class _Late:
    """A member of a zip archive that is opened when it is first read."""

    def __init__(self, packed: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
        self._packed, self._info = packed, info
        self._file: IO[bytes] | None = None

    def read(self, size: int) -> bytes:
        if self._info.flag_bits & 1:
            raise Misconfigured(f"{self._info.filename!r} in the zip archive is encrypted; unpack it first")
        if self._file is None:
            self._file = self._packed.open(self._info)
        return self._file.read(size)


def _next(tar: tarfile.TarFile, file: Readable) -> tarfile.TarInfo | None:
    """The next header; TarFile.next takes a damaged one for the end, and keeps all that it has read."""
    try:
        if tar.offset != file.tell():
            file.seek(tar.offset - 1)
            if not file.read(1):
                raise Damaged("unexpected end of data")
        return tarfile.TarInfo.fromtarfile(tar)
    except (tarfile.EOFHeaderError, tarfile.EmptyHeaderError):  # type: ignore[attr-defined]
        return None
    except (tarfile.TarError, OverflowError, ValueError) as error:
        raise Damaged(str(error)) from None


def _guarded(read: Callable[[int], bytes]) -> Callable[[int], bytes]:
    def guarded(size: int) -> bytes:
        try:
            return read(size)
        except _DAMAGE as error:
            raise Damaged(str(error) or type(error).__name__) from None
        except OSError as error:
            if error.errno is None:  # bz2's word for damage
                raise Damaged(str(error)) from None
            raise

    return guarded
