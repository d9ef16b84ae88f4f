"""Signals, child processes and waiting, with real signals and real processes."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from support import PATIENCE, alive, logged, until

from headrace import runtime, supervisor
from headrace.runtime import Stop
from headrace.supervisor import Supervisor

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


def child(script: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, start_new_session=True)


def test_a_child_that_dies_is_started_again_until_the_stop() -> None:
    stop, started = Stop(), []

    def spawn() -> "subprocess.Popen[bytes]":
        started.append(child("import time; time.sleep(600)"))
        return started[-1]

    family = Supervisor(spawn, 2)
    statuses: list[int] = []
    thread = threading.Thread(target=lambda: statuses.append(family.run(stop)))
    with logged() as said:
        thread.start()
        until(lambda: len(started) == 2)
        started[0].kill()
        until(lambda: len(started) == 3, "another child")
        stop.request()
        thread.join(PATIENCE)
    assert statuses == [0]
    assert said == ["a worker died (SIGKILL); it is started again"]
    assert [alive(process.pid) for process in started] == [False] * 3


def test_children_that_are_done_stay_away_and_end_the_run() -> None:
    started: list[int] = []

    def spawn() -> "subprocess.Popen[bytes]":
        started.append(1)
        return child("")

    assert Supervisor(spawn, 2).run(Stop()) == 0
    assert len(started) == 2


def test_a_child_that_is_misconfigured_ends_them_all() -> None:
    scripts = ["import sys; sys.exit(2)", "import time; time.sleep(600)"]
    started: list[subprocess.Popen[bytes]] = []

    def spawn() -> "subprocess.Popen[bytes]":
        started.append(child(scripts.pop()))
        return started[-1]

    assert Supervisor(spawn, 2).run(Stop()) == 2
    assert [alive(process.pid) for process in started] == [False, False]


def test_a_child_that_does_not_drain_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "DRAIN_SECONDS", -0.7)
    ready, writing = os.pipe()
    deaf = f"import os, signal, time; signal.signal(15, signal.SIG_IGN); os.write({writing}, b'x'); time.sleep(600)"
    started: list[subprocess.Popen[bytes]] = []

    def spawn() -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-c", deaf]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[writing]))
        return started[-1]

    stop = Stop()
    thread = threading.Thread(target=Supervisor(spawn, 1).run, args=(stop,))
    thread.start()
    assert os.read(ready, 1) == b"x"
    stop.request()
    thread.join(PATIENCE)
    assert started[0].returncode == -signal.SIGKILL
    os.close(ready)
    os.close(writing)


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


def test_a_child_gets_its_first_input_and_the_end_of_it_when_the_parent_lets_go() -> None:
    process = supervisor.start_child("json.tool", [], b'{"a":\n')
    assert process.stdin is not None
    assert process.poll() is None
    process.stdin.close()
    assert process.wait(PATIENCE) == 1
