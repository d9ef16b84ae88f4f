"""What a file holds: its content, or those of the members of an archive."""

import contextlib
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import IO

from headrace.errors import Misconfigured
from headrace.file_options import FileOptions
from headrace.sources.compression import Damaged, Unpacked
from headrace.sources.finding import KNOWN, archive_kind, is_data
from headrace.sources.lines import read_until
from headrace.sources.record_file import remote
from headrace.sources.record_file.archives import Forward, Member, Readable, in_tar, in_zip
from headrace.sources.record_file.content import Content, How, TextContent
from headrace.sources.record_file.parquet import Parquet

NAMED = 3  #: members in a message
LOG = logging.getLogger("headrace.sources")


@contextlib.contextmanager
def contents(path: str, shown: str, how: How, closed: Callable[[], bool]) -> Iterator[Iterator[Content]]:
    """The contents of a file, or of standard input (`-`), which ends once it is `closed`.

    Each can be read until the next one is asked for. They raise Damaged if an archive is damaged, Misconfigured if it holds no data files,
    and OSError.
    """
    with contextlib.ExitStack() as opened:
        kind = archive_kind(path)
        if path == "-" and how.options.format == "parquet":
            raise Misconfigured("a Parquet file cannot be read from standard input; give its name")
        if path == "-":
            yield iter([TextContent(read_until(sys.stdin.fileno(), closed), path, shown, how, live=True)])
        elif not kind and is_parquet(path, how.options):
            yield iter([Parquet(path, shown, how)])
        elif not kind:
            file = opened.enter_context(remote.opened(path, shown, buffering=0))
            yield iter([TextContent(file.read, path, shown, how)])
        else:
            packed = opened.enter_context(remote.opened(path, shown))
            yield _data(in_zip(packed) if kind == "zip" else in_tar(_unpacked(packed)), shown, how)


def _unpacked(file: IO[bytes]) -> Readable:
    """A tar archive as it is if it is not compressed, so that members can be skipped, and else decompressed."""
    trial = Unpacked(file.read)
    with contextlib.suppress(Damaged):  # it will be met again
        trial(1)
    file.seek(0)
    return Forward(Unpacked(file.read)) if trial.compression else file


def is_parquet(path: str, options: FileOptions) -> bool:
    """Whether a file is a Parquet file, by what the user says, or by its name."""
    return options.format == "parquet" or (not options.format and path.lower().endswith(".parquet"))


def _data(members: Iterator[Member], shown: str, how: How) -> Iterator[Content]:
    """The contents of the members that are data files, but for Parquet, which cannot be read in place; of all, if their format is given."""
    others: list[str] = []
    number = left_out = 0
    for member in members:
        hidden = any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(member.name).parts)
        if hidden or is_parquet(member.name, how.options) or not (how.options.format or is_data(member.name)):
            left_out += not hidden
            others += [repr(member.name)] if len(others) < NAMED and not hidden else []
            continue
        number += 1
        name = member.name.encode(errors="backslashreplace").decode()
        yield TextContent(member.read, member.name, f"{shown}!{name}", how, member=name, identity=member.identity)
    if not number:
        held = f"it holds {', '.join(others)}" if others else "it is empty"
        raise Misconfigured(
            f"reading {shown}: the archive holds no data files: {held}; known are {KNOWN}; for others say the format"
        )
    if left_out:
        LOG.warning(f"reading {shown}: members that are not data files are left out: {left_out:,}, such as {others[0]}")
