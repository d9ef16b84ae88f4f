"""The first signal drains, the second forces, and nothing outlives what was started."""

import signal

import pytest
from driver import FAULTY, PATIENCE, Headrace, Running, kill, post, until


def busy_up(headrace: Headrace, number: int = 2000) -> Running:
    """An `up` with much to do."""
    running = headrace.start("up", "--processes", "2")
    address = running.address()
    sent = [{"text": f"text {place}"} for place in range(1000)]
    for start in range(0, number, 1000):
        body = [{"id": f"{start}-{place}", **one} for place, one in enumerate(sent)]
        assert post(f"{address}/v1/documents", body).status_code == 202
    until(headrace.stored, PATIENCE, "nothing is stored")
    return running


@pytest.mark.parametrize("whom", ["it alone", "its whole group"])
def test_ctrl_c_drains_and_ends_with_status_0_however_far_the_signal_reaches(headrace: Headrace, whom: str) -> None:
    running = busy_up(headrace)

    (running.interrupt if whom == "it alone" else running.interrupt_group)()

    assert running.status() == 0
    running.leaves_nothing()
    assert "Traceback" not in running.printed
    assert not headrace.dead()
    headrace.done("work", "--drain")
    assert headrace.stored() == 2000


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_that_ask_for_the_end_drain_too(headrace: Headrace, number: int) -> None:
    running = headrace.start("up")
    running.address()
    running.child.send_signal(number)
    assert running.status() == 0
    running.leaves_nothing()


def hanging(headrace: Headrace, *command: str) -> Running:
    """A command whose model works on something that never ends."""
    headrace.done("ingest", headrace.write("hang.jsonl", [{"id": "endless", "text": "HANG"}]))
    running = headrace.start(*command, models=FAULTY, deadline=3600)
    if command[0] == "up":
        running.address()
    until(lambda: "1 leased" in headrace.done("status", models=FAULTY), PATIENCE, "nothing is leased")
    return running


@pytest.mark.parametrize("command", [("up",), ("work",), ("work", "--processes", "2")], ids=" ".join)
def test_a_drain_does_not_wait_for_a_model_that_never_ends_and_buries_nothing_for_it(
    headrace: Headrace, command: tuple[str, ...]
) -> None:
    running = hanging(headrace, *command)

    running.interrupt()

    assert running.status() == 0
    running.leaves_nothing()
    assert not headrace.dead()
    assert headrace.waiting() == 1


def test_a_second_signal_forces_and_nothing_outlives_it(headrace: Headrace) -> None:
    running = hanging(headrace, "up")
    running.interrupt()
    running.interrupt()
    assert running.status() in (0, 128 + signal.SIGINT)
    running.leaves_nothing()
    assert headrace.waiting() == 1


def test_a_stop_of_the_predictors_alone_proves_nothing_against_what_they_worked_on(headrace: Headrace) -> None:
    running = hanging(headrace, "work")
    for _ in range(4):
        until(running.predictors, PATIENCE, "no predictor is back")
        stopped = running.predictors()
        kill(stopped, signal.SIGTERM)
        until(lambda stopped=stopped: not {*stopped} & {*running.predictors()}, PATIENCE, "it does not end")
    running.interrupt()
    assert running.status() == 0
    assert not headrace.dead()
    assert headrace.waiting() == 1


@pytest.mark.parametrize("command", [("serve",), ("serve", "--api-only"), ("work",)], ids=" ".join)
def test_every_command_that_runs_ends_at_ctrl_c(headrace: Headrace, command: tuple[str, ...]) -> None:
    running = headrace.start(*command)
    until(running.predictors, PATIENCE, "no predictor has started")
    running.interrupt()
    assert running.status() == 0
    running.leaves_nothing()
    assert "Traceback" not in running.printed
