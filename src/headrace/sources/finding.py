"""The files that a path stands for: itself, all data files of a folder, or those that match a pattern."""

import glob
import os
import re
from collections.abc import Sequence
from pathlib import PurePath

from headrace.errors import Misconfigured
from headrace.sources.compression import ENDINGS, bare
from headrace.sources.records import SUFFIXES

_MAY_BE_PACKED = ", ".join(name for name in SUFFIXES if name != ".parquet")
#: The ends of the names of data files, for messages.
KNOWN = f"{_MAY_BE_PACKED}, each also with {', '.join(ENDINGS)}; .parquet, .tar and .zip"
_ARCHIVES = re.compile(r"\.(?:(zip)|(tar(?:\.(?:gz|bz2|xz|zst))?|tgz|tbz2?|txz|tzst))$", re.IGNORECASE)


def archive_kind(name: str) -> str:
    """Whether the name of a file says that it is an archive: `zip`, or `tar`, also compressed; empty for any other file."""
    match = _ARCHIVES.search(name)
    return ("zip" if match[1] else "tar") if match else ""


def is_data(name: str) -> bool:
    """Whether the name of a file says that it holds data of a known format, compressed or not."""
    return PurePath(bare(name)).suffix.lower() in SUFFIXES


def find(path: str, *, all_files: bool = False) -> Sequence[str]:
    """The files that a path stands for, sorted; the path itself if it is no folder and no pattern, whether there is such a file or not.

    A folder stands for the data files in it and in its folders, or for `all_files`; hidden ones are left out. Raises Misconfigured if there
    are none, and for a pattern (`*`, `?`, `[…]`, and `**` for any folders) that no file matches.
    """
    if os.path.isdir(path):  # noqa: PTH112 (Path.is_dir raises where it may not look)
        if not (found := _in_folder(path, all_files)):
            raise Misconfigured(
                f"there are no data files in {_shown(path)}; known are {KNOWN}; for others say the format"
            )
        return found
    if os.path.lexists(path) or not glob.has_magic(path):
        return [path]
    matches = sorted(glob.glob(path, recursive=True))  # noqa: PTH207 (a pattern may be absolute)
    paths = [one for match in matches for one in (_in_folder(match, all_files) if os.path.isdir(match) else [match])]  # noqa: PTH112
    if not paths:
        raise Misconfigured(
            f"no file matches {_shown(path)}; check the pattern, and quote it, so that the shell leaves it alone"
        )
    return list(dict.fromkeys(paths))


def _in_folder(path: str, all_files: bool) -> list[str]:
    found: list[str] = []
    for folder, folders, names in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith(".")]
        inside = [
            name for name in names if not name.startswith(".") and (all_files or is_data(name) or archive_kind(name))
        ]
        found += [os.path.join(folder, name) for name in inside]  # noqa: PTH118 (names may be no Unicode)
    return sorted(one for one in found if os.path.isfile(one))  # noqa: PTH113


def _shown(path: str) -> str:
    return path.encode(errors="backslashreplace").decode()
