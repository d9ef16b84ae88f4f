"""SQLite files, as the embedded broker and store both open them: WAL, versioned, and with errors that say what to do."""

import os
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from headrace.errors import HeadraceError, Misconfigured, Rejected, Unavailable

BUSY_SECONDS = 30.0
IN_MEMORY = ("tmpfs", "ramfs")
OVER_NETWORK = ("nfs", "nfs4", "cifs", "smb3", "fuse.sshfs")


def path_of(url: str) -> Path:
    """The file of `sqlite:///relative.db` or `sqlite:////absolute.db`."""
    parts = urlsplit(url)
    path = unquote(parts.path).removeprefix("/")
    if parts.netloc or not path or parts.query or parts.fragment or "\0" in path or path == ":memory:":
        raise Misconfigured(
            f"{url!r} names no file; write sqlite:///queue.db, or sqlite:////var/lib/queue.db for an absolute path"
        )
    return Path(path)


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of a file: of which application, in which version, how they are made, and by which steps those of a version become those
    of the next."""

    application: int
    version: int
    schema: Sequence[str]
    steps: Mapping[int, Sequence[str]] = field(default_factory=dict)


def open_file(path: Path, *, kind: str, tables: Tables, durable: bool) -> sqlite3.Connection:
    """A connection in WAL mode that begins no transaction by itself; a new file gets the tables, an older one those of this version.

    `durable` syncs at every commit (FULL); otherwise a commit survives the process, but the last ones may not survive a loss of power.
    Raises Misconfigured for a file that is something else or of a newer version.
    """
    with translated(f"opening the {kind} {path}"):
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            _check_application(connection, path, kind, tables.application)
            _use_wal(connection)
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
    """What is wrong with the file system that a file is on, where that can be told (Linux)."""
    kind = _file_system(path)
    if kind in IN_MEMORY:
        return [f"{path} is on a {kind}: loses everything when the machine restarts; put it on a disk"]
    if kind in OVER_NETWORK:
        return [f"{path} is on {kind}: its locks, on which the leases rest, don't hold there; put it on a local disk"]
    return []


@contextmanager
def transaction(connection: sqlite3.Connection, doing: str) -> Iterator[None]:
    """A write transaction, begun at once so that it never fails half-way for a lock; rolled back on any error."""
    with translated(doing):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """SQLite's errors as Headrace's."""
    try:
        yield
    except sqlite3.Error as error:
        raise translate(error, doing) from error


def translate(error: sqlite3.Error, doing: str) -> HeadraceError:
    """The error to raise for one of SQLite's."""
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return Misconfigured(
            f"{doing}: the file is damaged or no SQLite database ({error}); name another file, or restore it"
        )
    if code == sqlite3.SQLITE_CANTOPEN:
        return Misconfigured(f"{doing}: the file cannot be opened; check that its folder exists and may be written")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return Misconfigured(f"{doing}: the file may not be written; check its owner and permissions")
    if code == sqlite3.SQLITE_TOOBIG:
        return Rejected(f"{doing}: it is too large for a database ({error})")
    if code == sqlite3.SQLITE_FULL:
        return Unavailable(f"{doing}: the disk is full; free some space, and it goes on by itself")
    if code == sqlite3.SQLITE_IOERR:
        return Unavailable(
            f"{doing}: the disk can't be used now ({error}); see whether it is full, and it goes on by itself"
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Unavailable(f"{doing}: the file cannot be used now ({error})")
    return Misconfigured(f"{doing}: {error}")


def _file_system(path: Path) -> str:
    """Its kind, as mount(8) names it; empty where that can't be told."""
    try:
        device = path.stat().st_dev
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return ""
    numbered = f"{os.major(device)}:{os.minor(device)}"
    kinds = [line.partition(" - ")[2].split()[0] for line in mounts if line.split()[2] == numbered]
    return kinds[0] if kinds else ""


def _use_wal(connection: sqlite3.Connection) -> None:
    # The switch to WAL doesn't wait for a lock as everything else does, so two processes that create a file together race.
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _check_application(connection: sqlite3.Connection, path: Path, kind: str, application: int) -> None:
    """Raises Misconfigured for another's database, before anything in it is changed."""
    connection.execute("BEGIN")  # so that both questions see the same
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
            found = _versions(connection)  # another process may have been first
            statements = tables.schema if found == (0, 0) else _steps(tables, found[1])
            for statement in statements:
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


def _steps(tables: Tables, found: int) -> Iterator[str]:
    for version in range(found, tables.version):
        yield from tables.steps[version]


def _versions(connection: sqlite3.Connection) -> tuple[int, int]:
    application: int = connection.execute("PRAGMA application_id").fetchone()[0]
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return application, version
