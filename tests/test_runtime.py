"""Signals, the stop that they request, and children that follow their parents, with real signals and processes."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from support import PATIENCE, alive, until

from headrace import runtime
from headrace.runtime import Stop

WAITING = """
import os
from headrace import runtime
stop = runtime.Stop()
runtime.on_signals(stop, lambda: os.write(1, b"forced\\n"))  # it may come in the middle of a print
print("ready", flush=True)
while not stop.wait(60):
    pass
print("draining", flush=True)
while True:
    stop.wait(0)
"""


@pytest.fixture
def waiting() -> "Iterator[subprocess.Popen[str]]":
    process = subprocess.Popen([sys.executable, "-c", WAITING], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()
        process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_drains_and_the_second_forces(waiting: "subprocess.Popen[str]", number: int) -> None:
    assert waiting.stdout is not None
    waiting.send_signal(number)
    assert waiting.stdout.readline() == "draining\n"
    waiting.send_signal(number)
    assert waiting.stdout.readline() == "forced\n"
    assert waiting.wait(PATIENCE) == 128 + number


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
def test_a_signal_that_is_ignored_from_the_start_stays_ignored(number: signal.Signals) -> None:
    command = ["sh", "-c", f'trap "" {number.name.removeprefix("SIG")}; exec "$@"', "sh", sys.executable, "-c", WAITING]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        process.send_signal(number)
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "draining\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "forced\n"
        assert process.wait(PATIENCE) == 128 + signal.SIGTERM


def test_a_stop_is_requested_once_and_seen_by_all_who_wait() -> None:
    stop = Stop()
    assert not stop.requested
    assert not stop.wait(0.0)
    assert not stop.overdue(0.0)
    seen: list[bool] = []
    threads = [threading.Thread(target=lambda: seen.append(stop.wait(PATIENCE))) for _ in range(3)]
    for thread in threads:
        thread.start()
    stop.request()
    since = stop.since
    stop.request()
    for thread in threads:
        thread.join(PATIENCE)
    assert seen == [True] * 3
    assert stop.since == since
    assert stop.requested
    until(lambda: stop.overdue(0.01))


def test_a_stop_that_is_requested_by_a_signal_while_its_lock_is_held_locks_nothing_up() -> None:
    stop = Stop()
    before = signal.signal(signal.SIGUSR1, lambda *_: stop.request())
    try:
        with stop._changed:
            os.kill(os.getpid(), signal.SIGUSR1)
            until(lambda: stop.requested)
    finally:
        signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize(("status", "words"), [(0, "status 0"), (3, "status 3"), (-9, "SIGKILL"), (-77, "signal -77")])
def test_an_exit_status_is_told_in_words(status: int, words: str) -> None:
    assert runtime.describe(status) == words.replace("--", "-").replace("signal -", "signal ")


@pytest.mark.parametrize("how", ["follow", "input"])
def test_a_child_leaves_when_its_parent_is_killed(how: str) -> None:
    inner = {
        "follow": "runtime.follow_parent(os.getppid(), 9)",
        "input": "runtime.on_end_of_input(lambda: os._exit(0))",
    }[how]
    script = f"import os, time; from headrace import runtime; {inner}; print(os.getpid(), flush=True); time.sleep(600)"
    outer = (
        "import subprocess, sys, time;"
        "child = subprocess.Popen([sys.executable, '-c', sys.argv[1]], stdin=subprocess.PIPE, start_new_session=True);"
        "time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", outer, script], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent.stdout:
        pid = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
    until(lambda: not alive(pid), "the child's end")
