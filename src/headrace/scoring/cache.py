"""The folder in which compiled code is kept, and why none can be kept there.

Nothing here loads Numba, so that a parent can say it once for all its predictors.
"""

import os
import stat
from pathlib import Path

from headrace import config
from headrace.log import logger

LOG = logger(
    "headrace.scoring.cache"
)  # of its own, so that a predictor whose parent has said it can be told to say it no more


def folder() -> Path | None:
    """`headrace/numba` in the user's folder of caches (XDG_CACHE_HOME, else `~/.cache`); None if the user has no home."""
    caches = config.caches()
    return None if caches is None else caches / "headrace" / "numba"


def why_not_kept(chosen: Path | None, given: str) -> str:
    """Why no compiled code can be kept, or an empty string. `given` is NUMBA_CACHE_DIR, which goes before the folder that was chosen."""
    if given:
        reason = _why_not_writable(Path(given))
        return f"{given} (NUMBA_CACHE_DIR): {reason}" if reason else ""
    if chosen is None:
        return "the user has no home; set HOME, or NUMBA_CACHE_DIR to a folder that can be written to"
    reason = _why_unsafe(chosen)
    return f"{chosen}: {reason}" if reason else ""


def warn(reason: str) -> None:
    """Log that no compiled code is kept."""
    LOG.warning(
        f"compiled code is not kept, so each process that scores many texts compiles for up to a minute first: {reason}"
    )


def _why_unsafe(folder: Path) -> str:
    """Why code must not be loaded from this folder, or an empty string; a missing folder is made, and the one that it is in."""
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


def _why_not_writable(folder: Path) -> str:
    """Why nothing can be cached in this folder, or an empty string; a missing folder is made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return error.strerror or str(error)
    return "" if os.access(folder, os.W_OK | os.X_OK) else "it can't be written to"
