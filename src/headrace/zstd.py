"""The library for zstd: a part of Python from 3.14 on, before that the extra `zstd`."""

import sys
from typing import Any

from headrace.errors import Misconfigured


def load(what: str) -> Any:
    """The module. Raises Misconfigured, with the command that installs it, if it is missing; `what` needs it."""
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            from backports import zstd
    except ModuleNotFoundError as error:
        raise Misconfigured(f"{what} needs {error.name}: pip install 'headrace[zstd]'") from error
    return zstd
