"""The tree of errors, named by what the caller does.

    HeadraceError
    ├── Misconfigured   stop, and correct what the message names
    ├── Unavailable     wait, and try again
    └── Rejected        set this one thing aside, and go on with the rest
        └── Conflict    the id is known, with another text

A driver's exceptions stop at its adapter, which raises one of these. A message says what was being done, to what, and what to do about it.

Other exceptions are signals between modules. Each is caught below the command line, and none reaches a user:

    predictor/frames    Closed           the process at the other end of the pipe is gone
                        Late             no answer came within the deadline
    predictor/process   Gone             made of either: the process died or was killed, and whether that speaks against a document
                        Abandoned        the worker is stopping, and has given its work up
    scoring/linear      Unsupported      this part of a pipeline cannot be compiled; the pipeline is kept instead
    stores/mongodb      AnotherWasFirst  another writer inserted the same key; read again
    proof               Interrupted      the proof was stopped, and has no ledger
    web                 Refused          the request is answered with this HTTP status
                        Oversized        a Rejected: the broker takes no document of this size (422)
"""

from collections.abc import Iterable
from difflib import get_close_matches


class HeadraceError(Exception):
    """What Headrace raises on purpose. `status` is the exit status of a command that ends with it."""

    status = 1


class Misconfigured(HeadraceError):
    """Trying again cannot help until a setting, a file or a model has changed."""

    status = 2


class Unavailable(HeadraceError):
    """A server, a file or a remote model cannot be reached now; the same call may succeed later."""

    status = 3


class Rejected(HeadraceError):
    """This document or body can never be processed or stored; others are not affected."""


class Conflict(Rejected):
    """A document with this id is stored with another text."""


def did_you_mean(name: str, known: Iterable[str], form: str = "{}") -> str:
    """A part of a message about an unknown name: "did you mean X? ", or nothing if no known name is close. `form` writes X."""
    close = get_close_matches(name, list(known), n=1)
    return f"did you mean {form.format(close[0])}? " if close else ""
