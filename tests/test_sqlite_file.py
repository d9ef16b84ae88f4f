"""SQLite files that are something else, are not writable, are held by others, or have no room left."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from headrace import sqlite_file
from headrace.brokers.sqlite import SqliteBroker
from headrace.documents import Body
from headrace.errors import Misconfigured, Rejected, Unavailable
from headrace.ports import ResultQuery
from headrace.stores.sqlite import SqliteStore
from headrace.testing.outcomes import labelled, results

Open = Callable[[Path], Any]

# Root may write what nobody may, unless it gives that up.
BOUND_BY_PERMISSIONS = (
    ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override"] if os.getuid() == 0 else []
)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///queue.db", "queue.db"),
        ("sqlite:////var/lib/queue.db", "/var/lib/queue.db"),
        ("sqlite:///a%20b/%C3%B6.db", "a b/ö.db"),
        ("sqlite:///../queue.db", "../queue.db"),
    ],
)
def test_a_url_names_a_file(url: str, path: str) -> None:
    assert sqlite_file.path_of(url) == Path(path)


@pytest.mark.parametrize("adapter", [SqliteBroker, SqliteStore])
class TestFiles:
    def test_a_file_that_is_not_a_database_is_left_alone(self, tmp_path: Path, adapter: Open) -> None:
        path = tmp_path / "a.db"
        path.write_bytes(b"this is a letter to my aunt\n" * 100)
        with pytest.raises(Misconfigured, match="the file is damaged, or not an SQLite database"):
            adapter(path)
        assert path.read_bytes() == b"this is a letter to my aunt\n" * 100

    def test_a_database_of_another_application_is_left_alone(self, tmp_path: Path, adapter: Open) -> None:
        for number, script in enumerate(
            ("CREATE TABLE t (x)", "PRAGMA application_id=7", "PRAGMA application_id=7; CREATE TABLE t (x)")
        ):
            path = tmp_path / f"{number}.db"
            other = sqlite3.connect(path)
            other.executescript(script)
            other.close()
            before = path.read_bytes()
            with pytest.raises(Misconfigured, match="but not Headrace's"):
                adapter(path)
            assert path.read_bytes() == before

    def test_a_file_of_a_newer_version_asks_for_an_upgrade(self, tmp_path: Path, adapter: Open) -> None:
        path = tmp_path / "a.db"
        adapter(path).close()
        newer = sqlite3.connect(path)
        newer.execute("PRAGMA user_version=99")
        newer.close()
        with pytest.raises(Misconfigured, match=r"newer Headrace .*99.* upgrade Headrace"):
            adapter(path)

    def test_an_empty_file_becomes_a_new_one(self, tmp_path: Path, adapter: Open) -> None:
        path = tmp_path / "a.db"
        path.touch()
        adapter(path).close()
        adapter(path).close()

    def test_a_missing_folder_is_misconfigured(self, tmp_path: Path, adapter: Open) -> None:
        with pytest.raises(Misconfigured, match="check that its folder exists"):
            adapter(tmp_path / "missing" / "a.db")

    def test_a_folder_is_not_a_file(self, tmp_path: Path, adapter: Open) -> None:
        with pytest.raises(Misconfigured, match="cannot be opened"):
            adapter(tmp_path)

    def test_a_file_that_is_not_writable_is_misconfigured(self, tmp_path: Path, adapter: Open) -> None:
        path = tmp_path / "a.db"
        adapter(path).close()
        path.chmod(0o444)
        tmp_path.chmod(0o555)
        script = (
            "import sys; from headrace.brokers.sqlite import SqliteBroker; from headrace.stores.sqlite import SqliteStore;"
            f"{adapter.__name__}(sys.argv[1])"
        )
        command = [*BOUND_BY_PERMISSIONS, sys.executable, "-c", script, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "headrace.errors.Misconfigured" in done.stderr
        assert "is not writable; check its owner and permissions" in done.stderr

    def test_a_damaged_file_says_so(self, tmp_path: Path, adapter: Open) -> None:
        path = tmp_path / "a.db"
        adapter(path).close()
        path.write_bytes(path.read_bytes()[:100] + b"\xff" * 20_000)
        with pytest.raises(Misconfigured, match="damaged"):
            adapter(path)


def test_a_file_that_others_hold_for_too_long_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    tables = sqlite_file.Tables(7, 1, ["CREATE TABLE t (x)"])
    with (
        closing(sqlite_file.open_file(path, kind="queue", tables=tables, durable=True)) as holder,
        closing(sqlite_file.open_file(path, kind="queue", tables=tables, durable=True, patience=0.01)) as other,
    ):
        holder.execute("BEGIN EXCLUSIVE")
        with (
            pytest.raises(Unavailable, match="writing: the file cannot be used now"),
            sqlite_file.transaction(other, "writing"),
        ):
            other.execute("INSERT INTO t VALUES (1)")
        holder.execute("COMMIT")
        with sqlite_file.transaction(other, "writing"):
            other.execute("INSERT INTO t VALUES (1)")


def test_a_queue_is_not_a_store(tmp_path: Path) -> None:
    SqliteBroker(tmp_path / "a.db").close()
    with pytest.raises(Misconfigured, match="not Headrace's store"):
        SqliteStore(tmp_path / "a.db")


def test_a_queue_without_room_is_unavailable_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    broker = SqliteBroker(tmp_path / "queue.db")
    broker.publish([Body(b"first")])
    assert broker._publisher is not None
    pages = broker._publisher.execute("PRAGMA page_count").fetchone()[0]
    broker._publisher.execute(f"PRAGMA max_page_count={pages}")
    large = [Body(b"x" * 100_000)]
    for _ in range(2):
        with pytest.raises(Unavailable, match="the disk is full; free some space"):
            broker.publish(large)
    broker._publisher.execute("PRAGMA max_page_count=1000000")
    broker.publish(large)
    assert [len(delivery.data) for delivery in broker.receive(1 << 30, 1.0)] == [5, 100_000]
    broker.close()


@pytest.mark.skipif(os.getuid() != 0 or sys.platform != "linux", reason="needs root, to make a small file system")
def test_a_full_disk_makes_a_store_unavailable_and_it_goes_on_when_there_is_room(tmp_path: Path) -> None:
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(tmp_path)], check=False, capture_output=True
    )
    if done.returncode:
        pytest.skip(f"no small file system can be made here: {done.stderr.decode().strip()}")
    try:
        store = SqliteStore(tmp_path / "store.db")
        store.write([labelled("a")])
        ballast = tmp_path / "ballast"
        with pytest.raises(OSError, match="space"):
            ballast.write_bytes(b"x" * (2 << 20))
        large = [labelled(f"{number}", text="text " * 1000) for number in range(40)]
        with pytest.raises(Unavailable, match=r"full|cannot be used now"):
            store.write(large)
        assert store.count(ResultQuery()).documents == 1
        ballast.unlink()
        store.write(large)
        assert store.count(ResultQuery()).documents == 41
        store.close()
    finally:
        subprocess.run(["umount", "-l", str(tmp_path)], check=True)


def test_a_value_that_is_too_large_for_a_database_is_rejected() -> None:
    connection = sqlite3.connect(":memory:")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 1000)
    with pytest.raises(Rejected, match="too large"), sqlite_file.translated("writing"):
        connection.execute("SELECT ?", ("x" * 2000,))
    connection.close()


def test_a_transaction_that_fails_is_rolled_back_and_the_next_one_works(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    connection.execute("CREATE TABLE t (x NOT NULL)")
    with pytest.raises(Misconfigured, match="doing it"), sqlite_file.transaction(connection, "doing it"):
        connection.executemany("INSERT INTO t VALUES (?)", [(1,), (None,)])
    with sqlite_file.transaction(connection, "doing it"):
        connection.execute("INSERT INTO t VALUES (2)")
    assert connection.execute("SELECT x FROM t").fetchall() == [(2,)]
    connection.close()


WITHOUT_DESCRIPTORS = """
import os, resource, sys
from pathlib import Path
from headrace.brokers.sqlite import SqliteBroker
from headrace.errors import Unavailable
from headrace.stores.sqlite import SqliteStore
free = os.open("/dev/null", os.O_RDONLY)
os.close(free)
resource.setrlimit(resource.RLIMIT_NOFILE, (free, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
for adapter in (SqliteBroker, SqliteStore):
    try:
        adapter(Path(sys.argv[1]) / f"{adapter.__name__}.db")
    except Unavailable as error:
        print(error)
"""


def test_a_process_without_free_descriptors_is_to_try_again(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_DESCRIPTORS, tmp_path], capture_output=True, text=True, check=False
    )
    assert done.stdout.count("raise the limit of open files") == 2, done.stderr


def replace(path: Path) -> None:
    """Put an empty copy of another file in the place of this one, as a restore does."""
    for one in sqlite_file.files_of(path)[1:]:
        one.unlink(missing_ok=True)
    path.with_name("backup.db").replace(path)


def test_a_store_whose_file_is_replaced_or_removed_goes_on_with_the_one_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with closing(SqliteStore(tmp_path / "backup.db")) as backup:
        backup.write([labelled("kept", "fi")])
    with closing(SqliteStore(path)) as store:
        store.write([labelled("lost", "sv"), labelled("lost too", "lt")])
        replace(path)
        assert [one.id for one in results(store)] == ["kept"]
        store.write([labelled("new", "lt")])
        with closing(SqliteStore(path)) as other:
            assert {one.id: one.predictions["language"].label for one in results(other)} == {"kept": "fi", "new": "lt"}
        for one in sqlite_file.files_of(path):
            one.unlink(missing_ok=True)
        store.write([labelled("first", "sv")])
        with closing(SqliteStore(path)) as other:
            assert {one.id: one.predictions["language"].label for one in results(other)} == {"first": "sv"}


def test_a_store_that_is_restored_in_place_uses_the_names_that_there_are(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with closing(SqliteStore(path)) as store, closing(sqlite3.connect(":memory:")) as backup:
        store.write([labelled("kept", "fi")])
        with closing(sqlite3.connect(path)) as source:
            source.backup(backup)
        store.write([labelled("lost", "sv"), labelled("lost too", "lt", source="gone")])
        with closing(sqlite3.connect(path)) as restored:
            backup.backup(restored)
        with closing(SqliteStore(path)) as other:
            other.write([labelled("b", "de", source="x")])
        store.write([labelled("a", "lt", source="gone")])
        assert {one.id: (one.source, one.predictions["language"].label) for one in results(store)} == {
            "kept": ("suite", "fi"),
            "b": ("x", "de"),
            "a": ("gone", "lt"),
        }


def test_what_is_committed_to_a_file_that_was_replaced_meanwhile_is_not_confirmed(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    SqliteStore(tmp_path / "backup.db").close()
    tables = sqlite_file.Tables(7, 1, ["CREATE TABLE t (x)"])
    with closing(sqlite_file.open_file(path, kind="store", tables=tables, durable=True)) as connection:

        def write() -> None:
            with sqlite_file.transaction(connection, "writing"):
                connection.execute("INSERT INTO t VALUES (1)")
                replace(path)

        with pytest.raises(Unavailable, match="replaced or removed"):
            write()
        assert not connection.is_current()


def test_a_queue_whose_file_is_replaced_goes_on_with_the_one_that_is_there_and_acks_nothing_of_it_by_old_receipts(
    tmp_path: Path,
) -> None:
    path = tmp_path / "queue.db"
    with closing(SqliteBroker(tmp_path / "backup.db")) as backup:
        backup.publish([Body(b"kept")])
    with closing(SqliteBroker(path)) as worker, closing(SqliteBroker(path)) as publisher:
        publisher.publish([Body(b"lost")])
        (old,) = worker.receive(100, 0)
        replace(path)
        publisher.publish([Body(b"new")])
        got = worker.receive(100, 0)
        assert [one.data for one in got] == [b"kept", b"new"]
        worker.ack([old])
        assert worker.backlog().leased == 2
        worker.ack(got)
        assert (worker.backlog().ready, worker.backlog().leased) == (0, 0)
