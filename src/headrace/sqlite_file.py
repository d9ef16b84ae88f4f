"""SQLite files as the embedded broker and store open them: in WAL mode, with versioned tables, and with errors that say what to do."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from headrace.errors import PASSING, HeadraceError, Misconfigured, Rejected, Unavailable, system_error

BUSY_SECONDS = 30.0  #: how long to wait for a lock that another process holds
LOOK_SECONDS = 0.01  #: between two attempts to switch to WAL mode
IN_MEMORY = ("tmpfs", "ramfs")
OVER_NETWORK = ("nfs", "nfs4", "cifs", "smb3", "fuse.sshfs")


def path_of(url: str) -> Path:
    """The file of `sqlite:///relative.db` or `sqlite:////absolute.db`. Raises Misconfigured for any other URL."""
    parts = urlsplit(url)
    path = unquote(parts.path).removeprefix("/")
    if parts.netloc or not path or parts.query or parts.fragment or "\0" in path or path == ":memory:":
        raise Misconfigured(
            f"{url!r} does not name a file; write sqlite:///queue.db, or sqlite:////var/lib/queue.db for an absolute path"
        )
    return Path(path)


Step = str | Callable[[sqlite3.Connection], None]


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of a file: the application they belong to, their version, the statements that create them, and for each older version the
    statements, or functions of the connection, that make the next one of it."""

    application: int
    version: int
    schema: Sequence[str]
    steps: Mapping[int, Sequence[Step]] = field(default_factory=dict)


class OpenFile(sqlite3.Connection):
    """A connection that knows which file it has open: the path may come to name another, or none."""

    path: Path
    identity: tuple[int, int]

    def is_current(self) -> bool:
        """Whether the path still names the file that is open here. If not, whatever is written here is lost."""
        return _identity(self.path) == self.identity


def open_file(path: Path, *, kind: str, tables: Tables, durable: bool, patience: float = BUSY_SECONDS) -> OpenFile:
    """A connection in WAL mode that begins no transaction by itself. A new file gets the tables; an older one is upgraded to this version.

    `kind` names the file in messages. `durable` syncs at every commit (FULL); otherwise a commit survives the process, but the last ones
    may not survive a loss of power. `patience`: how many seconds to wait for a lock, now and in every statement. Raises Misconfigured for
    a file that is something else or of a newer version, and Unavailable if another process holds a lock for too long.
    """
    doing = f"opening the {kind} {path}"
    with translated(doing), _system_errors(doing, path):
        connection = sqlite3.connect(
            path, timeout=patience, isolation_level=None, check_same_thread=False, factory=OpenFile
        )
        try:
            connection.path, connection.identity = path, _identity(path) or (0, 0)
            _check_application(connection, path, kind, tables.application)
            _use_wal(connection, patience)
            connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            _check_version(connection, path, kind, tables)
        except BaseException:
            connection.close()
            raise
        return connection


def files_of(path: Path) -> list[Path]:
    """The file, and those that SQLite keeps beside it."""
    return [path, *(path.with_name(f"{path.name}{end}") for end in ("-wal", "-shm"))]


def warnings(path: Path) -> list[str]:
    """What is wrong with the file system that a file is on. Empty if nothing is, or if the system doesn't tell (it does on Linux)."""
    kind = _file_system(path)
    if kind in IN_MEMORY:
        return [f"{path} is on a {kind}: loses everything when the machine restarts; put it on a disk"]
    if kind in OVER_NETWORK:
        return [f"{path} is on {kind}: locks don't hold there, and the leases depend on them; put it on a local disk"]
    return []


@contextmanager
def transaction(connection: sqlite3.Connection, doing: str) -> Iterator[None]:
    """A write transaction, rolled back on any error. It takes the write lock at once, so that it can't fail half-way for want of it.

    Raises Unavailable if the file was replaced or removed by the time it was committed: then nobody will ever read what was written.
    """
    with translated(doing):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        _check_current(connection, doing)


def commit(connection: sqlite3.Connection, statement: str, values: Sequence[object], doing: str) -> None:
    """Execute a statement that is a transaction of its own. It waits for the write lock, and raises, as `transaction` does."""
    with translated(doing):
        connection.execute(statement, values)
    _check_current(connection, doing)


def _check_current(connection: sqlite3.Connection, doing: str) -> None:
    if isinstance(connection, OpenFile) and not connection.is_current():
        raise Unavailable(f"{doing}: the file was replaced or removed meanwhile; it is opened again as it is now")


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Raise SQLite's errors as Headrace's. `doing` begins the message."""
    try:
        yield
    except sqlite3.Error as error:
        raise translate(error, doing) from error


def translate(error: sqlite3.Error, doing: str) -> HeadraceError:
    """The error to raise for one of SQLite's. `doing` begins the message."""
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return Misconfigured(
            f"{doing}: the file is damaged, or not an SQLite database ({error}); name another file, or restore it"
        )
    if code == sqlite3.SQLITE_CANTOPEN:
        return Misconfigured(f"{doing}: the file cannot be opened; check that its folder exists and is writable")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return Misconfigured(f"{doing}: the file is not writable; check its owner and permissions")
    if code == sqlite3.SQLITE_TOOBIG:
        return Rejected(f"{doing}: it is too large for a database ({error})")
    if code == sqlite3.SQLITE_FULL:
        return Unavailable(f"{doing}: the disk is full; free some space, and work goes on by itself")
    if code == sqlite3.SQLITE_IOERR:
        return Unavailable(
            f"{doing}: the disk can't be used now ({error}); check whether it is full. It goes on by itself once the disk works"
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Unavailable(f"{doing}: the file cannot be used now ({error})")
    return Misconfigured(f"{doing}: {error}")


@contextmanager
def _system_errors(doing: str, path: Path) -> Iterator[None]:
    """Raise Unavailable if a file cannot be opened for want of descriptors and the like: SQLite doesn't tell this from a missing folder."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_CANTOPEN:
            try:
                os.close(os.open(path.parent, os.O_RDONLY))
            except OSError as reason:
                if reason.errno in PASSING:
                    raise system_error(doing, reason, "") from error
        raise


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file a path names; None if it names none that can be seen."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _file_system(path: Path) -> str:
    """The kind of a file's file system, as mount(8) names it; empty if the system doesn't tell."""
    try:
        device = path.stat().st_dev
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return ""
    numbered = f"{os.major(device)}:{os.minor(device)}"
    kinds = [line.partition(" - ")[2].split()[0] for line in mounts if line.split()[2] == numbered]
    return kinds[0] if kinds else ""


def _use_wal(connection: sqlite3.Connection, patience: float) -> None:
    # Unlike all other statements, the switch to WAL doesn't wait for a lock, so it fails if two processes create a file together.
    deadline = time.monotonic() + patience
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(LOOK_SECONDS)


def _check_application(connection: sqlite3.Connection, path: Path, kind: str, application: int) -> None:
    """Raises Misconfigured for the database of another application, before anything in it is changed."""
    connection.execute("BEGIN")  # so that both queries see the same state
    found = _versions(connection)[0]
    empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    connection.execute("COMMIT")
    if found != application and not (found == 0 and empty):
        raise Misconfigured(f"{path} is an SQLite database, but not Headrace's {kind}; name another file")


def _check_version(connection: sqlite3.Connection, path: Path, kind: str, tables: Tables) -> None:
    found = _versions(connection)
    if found == (0, 0) or found[1] < tables.version:
        doing = "creating" if found == (0, 0) else "upgrading"
        with transaction(connection, f"{doing} the {kind} {path}"):
            found = _versions(connection)  # another process may have been faster
            statements: Iterable[Step] = tables.schema if found == (0, 0) else _steps(tables, found[1])
            for statement in statements:
                if callable(statement):
                    statement(connection)
                else:
                    connection.execute(statement)
            if found == (0, 0):
                connection.execute(f"PRAGMA application_id={tables.application}")
            if found[1] < tables.version:
                connection.execute(f"PRAGMA user_version={tables.version}")
            found = _versions(connection)
    if found[1] > tables.version:
        raise Misconfigured(
            f"the {kind} {path} was written by a newer Headrace"
            f" (version {found[1]} of its tables, this one knows {tables.version}); upgrade Headrace"
        )


def _steps(tables: Tables, found: int) -> Iterator[Step]:
    for version in range(found, tables.version):
        yield from tables.steps[version]


def _versions(connection: sqlite3.Connection) -> tuple[int, int]:
    application: int = connection.execute("PRAGMA application_id").fetchone()[0]
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return application, version
