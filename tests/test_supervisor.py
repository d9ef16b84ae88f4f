"""Child processes: their orders, and how they are kept running and ended, with real processes."""

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support import PATIENCE, alive, logged, until

from headrace import runtime, supervisor
from headrace.config import Settings
from headrace.errors import Unavailable
from headrace.runtime import Stop
from headrace.supervisor import Child, Supervisor


def child(script: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, start_new_session=True)


def test_a_child_that_dies_is_started_again_until_the_stop() -> None:
    stop, started = Stop(), []

    def spawn() -> "subprocess.Popen[bytes]":
        started.append(child("import time; time.sleep(600)"))
        return started[-1]

    workers = Supervisor(spawn, 2)
    statuses: list[int] = []
    thread = threading.Thread(target=lambda: statuses.append(workers.run(stop)))
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


def test_a_child_that_does_not_drain_is_killed() -> None:
    ready, writing = os.pipe()
    deaf = f"import os, signal, time; signal.signal(15, signal.SIG_IGN); os.write({writing}, b'x'); time.sleep(600)"
    started: list[subprocess.Popen[bytes]] = []

    def spawn() -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-c", deaf]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[writing]))
        return started[-1]

    stop = Stop()
    thread = threading.Thread(target=Supervisor(spawn, 1, leave_seconds=0.3).run, args=(stop,))
    thread.start()
    assert os.read(ready, 1) == b"x"
    stop.request()
    thread.join(PATIENCE)
    assert started[0].returncode == -signal.SIGKILL
    os.close(ready)
    os.close(writing)


def test_a_child_gets_its_first_input_and_the_end_of_it_when_the_parent_lets_go() -> None:
    process = supervisor.start_child("json.tool", [], b'{"a":\n')
    assert process.stdin is not None
    assert process.poll() is None
    process.stdin.close()
    assert process.wait(PATIENCE) == 1


class Greeting(msgspec.Struct, frozen=True):
    """The task of the child below."""

    words: str


GREETING = """
import os, sys
sys.path.insert(0, sys.argv[1])
from headrace import runtime, supervisor
from headrace.errors import Misconfigured, Unavailable
from test_supervisor import Greeting

def work(settings, task, stop, standard_input):
    print(task.words, settings.broker, standard_input.readline().decode().strip(), flush=True)
    if task.words == "fail":
        raise Unavailable("the server is away")
    while not stop.wait(60):
        pass

sys.exit(supervisor.run_child(Greeting, work))
"""


def greeting(words: str, **settings: Any) -> Child:
    """A child that prints what it was ordered, and the next line that it is given."""
    order = supervisor.order(Settings(broker="memory:", **settings), Greeting(words))
    command = [sys.executable, "-c", GREETING, str(Path(__file__).parent)]
    started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert started.stdin is not None
    started.stdin.write(order + b"next\n")
    started.stdin.flush()
    return started


def test_a_child_gets_settings_task_and_the_rest_of_its_input_and_ends_at_the_first_signal() -> None:
    with greeting("hello") as started:
        assert started.stdout is not None
        assert started.stdout.readline() == b"hello memory: next\n"
        supervisor.end([started], seconds=PATIENCE)
        assert started.returncode == 0


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_error_of_a_child_is_logged_in_the_form_that_the_settings_want_and_gives_its_status(form: str) -> None:
    with greeting("fail", log_format=form) as started:
        _, errors = started.communicate()
    assert started.returncode == Unavailable.status
    assert (json.loads(errors)["message"] if form == "json" else errors.decode()) in (
        "the server is away",
        "headrace: the server is away\n",
    )


def test_ending_children_that_have_ended_is_no_trouble() -> None:
    ended = child("")
    ended.wait(PATIENCE)
    for _ in range(2):
        supervisor.end([ended])
    assert ended.returncode == 0


def test_a_child_that_the_system_cannot_start_now_is_started_later() -> None:
    stop, started, failures = Stop(), list[Child](), [errno.EAGAIN, errno.EMFILE, errno.ENOMEM]

    def spawn() -> Child:
        with runtime.spawning("starting a worker"):
            if len(started) == 1 and failures:
                number = failures.pop(0)
                raise OSError(number, os.strerror(number))
            started.append(child("import time; time.sleep(600)" if started else "import sys; sys.exit(3)"))
        return started[-1]

    statuses: list[int] = []
    thread = threading.Thread(target=lambda: statuses.append(Supervisor(spawn, 1).run(stop)))
    with logged() as said:
        thread.start()
        until(lambda: len(started) == 2, "another child")
        stop.request()
        thread.join(PATIENCE)
    assert statuses == [0]
    assert not failures
    tried = [message for message in said if "cannot be started" in message]
    assert ["Too many open files; raise the limit of open files (ulimit -n)" in one for one in tried] == [
        False,
        True,
        False,
    ]
