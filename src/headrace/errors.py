"""The tree of errors, named by what the caller does.

    HeadraceError
    ├── Misconfigured   stop, and mend what the message names
    ├── Unavailable     wait, and try again
    └── Rejected        set this one thing aside; the rest goes on
        └── Conflict    the id is known, with another text

A driver's exceptions stop at its adapter, which raises one of these. A message says what was being done, to what, and what to do about it.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class HeadraceError(Exception):
    """Whatever Headrace raises on purpose. `status` is the exit status of a command that ends with it."""

    status = 1


class Misconfigured(HeadraceError):
    """Trying again cannot help: a setting, a file or a model has to change first."""

    status = 2


class Unavailable(HeadraceError):
    """A server, a file or a remote model cannot be reached now; the same call may succeed later."""

    status = 3


class Rejected(HeadraceError):
    """This document (or body) can never be processed or stored; others are not affected."""


class Conflict(Rejected):
    """A document with this id is stored with another text."""


def did_you_mean(name: str, known: Iterable[str], form: str = "{}") -> str:
    """A part of a message about an unknown name: "did you mean X? ", or nothing if no known name is close. `form` writes X."""
    close = get_close_matches(name, list(known), n=1)
    return f"did you mean {form.format(close[0])}? " if close else ""
