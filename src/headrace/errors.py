"""The tree of errors, named by what the caller does.

    HeadraceError
    ├── Misconfigured   stop, and correct what the message names
    │   └── Missing     it cannot be found or read; one who has had it before waits for it
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

import errno
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from headrace.masking import mask

#: Errors of the operating system that pass without a change of a setting, and what helps meanwhile. All others are misconfigurations.
PASSING: Mapping[int, str] = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
    errno.EMFILE: "raise the limit of open files (ulimit -n) if this goes on",
    errno.ENFILE: "raise the system's limit of open files (fs.file-max) if this goes on",
    errno.EAGAIN: "raise the limit of processes (ulimit -u, or pids of the container) if this goes on",
    errno.ENOMEM: "give the machine more memory if this goes on",
    errno.EIO: "check the disk if this goes on",
    errno.ESTALE: "check the network file system if this goes on",
    errno.ETIMEDOUT: "check the network file system if this goes on",
    errno.ENOLCK: "check the network file system if this goes on",
    errno.EBUSY: "check what uses it if this goes on",
    errno.EINTR: "try again",
    errno.EBADF: "open it",  # of a standard stream alone
}

_PLAIN: Mapping[int, str] = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk is full",
    errno.EBADF: "it is closed",
}


class HeadraceError(Exception):
    """What Headrace raises on purpose. Secrets in its message are masked. `status` is the exit status of a command that ends with it."""

    status = 1

    def __init__(self, *arguments: object) -> None:
        super().__init__(*(mask(one) if isinstance(one, str) else one for one in arguments))


class Misconfigured(HeadraceError):
    """Trying again cannot help until a setting, a file or a model has changed."""

    status = 2


class Missing(Misconfigured):
    """A file or a model cannot be found or read. One who has had it before waits for it: a file system may be away."""


class Unavailable(HeadraceError):
    """A server, a file or a remote model cannot be reached now; the same call may succeed later."""

    status = 3


class Rejected(HeadraceError):
    """This document or body can never be processed or stored; others are not affected."""


class Conflict(Rejected):
    """A document with this id is stored with another text."""


def system_error(
    doing: str, error: OSError, advice: str, otherwise: type[Misconfigured] = Misconfigured
) -> HeadraceError:
    """What to raise for an error of the operating system: Unavailable if it may pass by itself, otherwise Misconfigured with `advice`.

    `otherwise` is raised instead of Misconfigured.
    """
    passing = PASSING.get(error.errno or 0)
    what = _PLAIN.get(error.errno or 0) or error.strerror or str(error)
    told = f"{doing}: {what}" if doing else what
    return otherwise(f"{told}; {advice}") if passing is None else Unavailable(f"{told}; {passing}")


def did_you_mean(name: str, known: Iterable[str], form: str = "{}") -> str:
    """A part of a message about an unknown name: "did you mean X? ", or nothing if no known name is close. `form` writes X."""
    close = get_close_matches(name, list(known), n=1)
    return f"did you mean {form.format(close[0])}? " if close else ""
