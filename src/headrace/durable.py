"""Files that survive a crash: written as a draft, flushed to disk, put in place by an atomic rename.

Whatever step is interrupted, a reader finds the old file or the new one, whole. A process that is killed may leave a draft behind:
a file or folder beside the target, whose name begins with `.draft-`.
"""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

DRAFT = ".draft-"  # how names of drafts begin


def write(path: Path, data: bytes) -> None:
    """Replace the file, or create it, with these bytes; they have survived a power cut once this returns."""
    with replacing(path) as draft:
        draft.write_bytes(data)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give the path of a draft to create; at the end of the block it replaces `path`, and has survived a power cut.

    When the block raises, the draft is removed and `path` stays as it was. Several processes may replace one file at the same time: the
    last one wins.
    """
    draft = path.with_name(f"{DRAFT}{secrets.token_hex(4)}-{path.name}")
    try:
        yield draft
        flush(draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    if os.access(path.parent, os.R_OK):  # a folder may allow writing and forbid reading
        flush(path.parent)


def place(folder: Path, target: Path) -> None:
    """Rename a folder of finished files, which must not have folders of its own, to `target`, which must not exist."""
    flush(*folder.iterdir(), folder)
    folder.rename(target)
    flush(target.parent)


def sweep(folder: Path) -> None:
    """Remove the drafts in a folder that killed processes left behind. Nobody else may write there meanwhile."""
    for draft in folder.glob(f"{DRAFT}*"):
        if draft.is_dir():
            shutil.rmtree(draft, ignore_errors=True)
        else:
            draft.unlink(missing_ok=True)


def flush(*paths: Path) -> None:
    """Write files to the disk (fsync), or the entries of folders: what they hold now survives a power cut."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
