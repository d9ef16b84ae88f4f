"""A secret in a file that may be replaced while it is in use, as those of Kubernetes are."""

import time
from pathlib import Path

from headrace.errors import HeadraceError, Misconfigured, system_error
from headrace.log import logger

SETTLED_NS = 2_000_000_000  #: since its last change after which a file that looks the same has not changed
LOG = logger("headrace.secrets")


class SecretFile:
    """The secret in a file, without the line end after it. `what` names it, and `variable` is the one that has the path.

    It is read at once. Raises Misconfigured or Unavailable if it cannot be read or is empty.
    """

    def __init__(self, path: str, what: str, variable: str) -> None:
        self._path, self._what, self._variable = Path(path), what, variable
        self._stamp: tuple[int, ...] = ()
        self._told = ""
        self._secret = self._read()

    def secret(self) -> bytes:
        """What the file has now. If it cannot be read or is empty, the last secret stands, and the log says so once."""
        try:
            self._secret, self._told = self._read(), ""
        except HeadraceError as error:
            if str(error) != self._told:
                LOG.warning(f"{error}; the secret from before stands")
            self._told = str(error)
        return self._secret

    def _read(self) -> bytes:
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_ino, status.st_dev, status.st_size)
            if stamp == self._stamp:
                return self._secret
            secret = self._path.read_bytes().removesuffix(b"\n").removesuffix(b"\r")
        except OSError as error:
            raise system_error(f"reading {self._what}", error, f"correct {self._variable}") from None
        if not secret:
            raise Misconfigured(f"the file that {self._variable} names is empty; write {self._what} into it")
        self._stamp = stamp if time.time_ns() - status.st_mtime_ns > SETTLED_NS else ()
        return secret
