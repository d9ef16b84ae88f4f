"""The embedded queue among processes: leases that end with their owner, and locks that no caller notices."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from support import descriptors, until

from headrace.brokers import lock_file
from headrace.brokers.sqlite import SqliteBroker
from headrace.documents import Body
from headrace.errors import Misconfigured, Unavailable
from headrace.testing.brokers import PATIENCE

HOLDER = """
import sys, time
from headrace.brokers.sqlite import SqliteBroker
held = SqliteBroker(sys.argv[1]).receive(1 << 30, 120)
print(len(held), flush=True)
time.sleep(600)
"""
AS_USER = """
import os, sys
from headrace.brokers.sqlite import SqliteBroker
path, user, silence = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
os.setgroups([])
os.setgid(GROUP)
os.setuid(user)
broker = SqliteBroker(path, silence=silence)
print(len(broker.receive(1 << 30, 120)), flush=True)
sys.stdin.readline()
broker.close()
"""
GROUP, ONE, OTHER = 54321, 54322, 54323  #: a group and two users, which need no name
MANY = """
import sys
from headrace.brokers.sqlite import SqliteBroker
from headrace.documents import Body
broker, name, number = SqliteBroker(sys.argv[1]), sys.argv[2], int(sys.argv[3])
done = 0
for turn in range(number):
    broker.publish([Body(f"{name}-{turn}".encode())])
    held = broker.receive(10, 0.0)
    broker.ack(held)
    done += len(held)
broker.close()
print(done)
"""


def holder(path: Path) -> "subprocess.Popen[bytes]":
    """A process that leases everything and does nothing more."""
    return subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE)


def test_the_lease_of_a_killed_process_comes_back_at_once_and_that_of_a_slow_one_does_not(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    broker = SqliteBroker(path)
    broker.publish([Body(b"a"), Body(b"b")])
    process = holder(path)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == b"2\n"
        os.kill(process.pid, signal.SIGSTOP)  # as slow as can be
        assert broker.receive(1 << 30, 1.2) == []
        process.kill()
        process.wait()
        held = broker.receive(1 << 30, PATIENCE)
    assert sorted(delivery.data for delivery in held) == [b"a", b"b"]
    broker.ack(held)
    broker.close()
    assert [one.name for one in tmp_path.iterdir() if "lease" in one.name] == []


def test_many_processes_on_one_new_file_lose_nothing_and_see_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    command = [sys.executable, "-c", MANY, str(path)]
    processes = [
        subprocess.Popen([*command, f"p{number}", "60"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for number in range(4)
    ]
    ended = [process.communicate(timeout=10 * PATIENCE) for process in processes]
    assert [errors for _, errors in ended] == [b""] * 4
    left = SqliteBroker(path)
    done = sum(int(output) for output, _ in ended)
    rest = left.receive(1 << 30, 0.0)
    assert done + len(rest) == 240
    left.close()


def test_numbers_of_bodies_are_never_given_twice(tmp_path: Path) -> None:
    numbers = []
    for _ in range(3):
        broker = SqliteBroker(tmp_path / "queue.db")
        broker.publish([Body(b"a")])
        (held,) = broker.receive(1000, 1.0)
        numbers.append(held.receipt[1])
        broker.ack([held])
        broker.close()
    assert numbers == [1, 2, 3]


def test_the_oldest_body_is_as_old_as_its_publishing(tmp_path: Path) -> None:
    broker = SqliteBroker(tmp_path / "queue.db")
    broker.publish([Body(b"a")])
    until(lambda: (broker.backlog().oldest or 0) > 0.05)
    broker.close()


def test_receive_returns_what_another_process_publishes_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    broker = SqliteBroker(path)
    script = "import sys; from headrace.brokers.sqlite import *; SqliteBroker(sys.argv[1]).publish([Body(b'a')])"
    process = subprocess.Popen([sys.executable, "-c", script, str(path)])
    assert [delivery.data for delivery in broker.receive(1000, PATIENCE)] == [b"a"]
    process.wait()
    broker.close()


def test_closing_leaves_no_descriptor_and_no_lock_file(tmp_path: Path) -> None:
    before = descriptors()
    for _ in range(3):
        broker = SqliteBroker(tmp_path / "queue.db")
        broker.publish([Body(b"a")])
        assert broker.receive(1000, 1.0)
        broker.close()
    assert descriptors() == before
    assert {one.name for one in tmp_path.iterdir()} == {"queue.db"}


def test_taking_over_that_fails_leaves_the_leases_for_the_next_try(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    broker = SqliteBroker(path)
    broker.publish([Body(b"a")])
    process = holder(path)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == b"1\n"
        process.kill()
        process.wait()
    other = SqliteBroker(path)
    other._consumer.execute("PRAGMA query_only=1")
    before = descriptors()
    with pytest.raises(Misconfigured, match="taking over the leases"):
        other.receive(1000, 1.0)
    assert descriptors() == before
    assert broker.receive(1000, PATIENCE)
    other.close()
    broker.close()


def test_a_queue_in_a_folder_that_is_gone_says_so(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="check that its folder exists"):
        SqliteBroker(tmp_path / "missing" / "queue.db")


def test_a_closed_connection_takes_and_acknowledges_nothing(tmp_path: Path) -> None:
    broker = SqliteBroker(tmp_path / "queue.db")
    broker.close()
    for call in (lambda: broker.receive(1, 0.0), lambda: broker.ack([]), broker.backlog):
        with pytest.raises(Unavailable, match="closed"):
            call()


@pytest.fixture
def shared() -> Iterator[Path]:
    """A queue with two bodies, which a group may use."""
    if os.geteuid() != 0:
        pytest.skip("only root can become two other users")
    with TemporaryDirectory() as name:
        folder, path = Path(name), Path(name) / "queue.db"
        with closing(SqliteBroker(path)) as broker:
            broker.publish([Body(b"a"), Body(b"b")])
        for one, mode in ((folder, 0o770), (path, 0o660)):
            os.chown(one, ONE, GROUP)
            one.chmod(mode)
        yield path


@contextmanager
def received_by(user: int, path: Path, silence: float = 3600.0) -> Iterator["subprocess.Popen[bytes]"]:
    """A process of this user that has leased everything, once there was something."""
    command = [sys.executable, "-c", AS_USER.replace("GROUP", str(GROUP)), str(path), str(user), str(silence)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"2\n"
            yield process
        finally:
            process.kill()


def test_the_lease_of_another_users_killed_process_comes_back(shared: Path) -> None:
    with received_by(ONE, shared) as one:
        one.kill()
        with received_by(OTHER, shared) as other:
            (left,) = shared.parent.glob("*-lease-*")
            assert (left.stat().st_uid, left.stat().st_gid, left.stat().st_mode & 0o777) == (OTHER, GROUP, 0o660)
            other.communicate(b"\n", timeout=PATIENCE)
            assert other.returncode == 0


def test_a_lock_that_may_not_be_opened_holds_while_its_owner_gives_signs_of_life(shared: Path) -> None:
    with received_by(ONE, shared) as one:
        (lock,) = shared.parent.glob("*-lease-*")
        lock.chmod(0o600)
        one.kill()
        one.wait()
        with closing(SqliteBroker(shared)) as root:
            assert root.backlog().leased == 2
        with received_by(OTHER, shared, silence=0.5):
            assert not lock.exists()


def test_a_lock_that_may_not_be_opened_is_asked_for_its_age(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    held = lock_file.hold(lock, tmp_path)
    os.utime(lock, (0, 0))
    lock_file.touch(held)
    assert time.time() - lock.stat().st_mtime < 3600
    with pytest.raises(BlockingIOError):
        lock_file.take_over(lock, 0.0)
    os.close(held)
    taken = lock_file.take_over(lock, 3600.0)
    assert taken is not None
    os.close(taken)
    lock_file.remove(lock)
    lock_file.remove(lock)
    assert lock_file.take_over(lock, 3600.0) is None
