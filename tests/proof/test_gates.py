"""Gates: one process is held right behind a step, and none where no gate is armed."""

import os
import random
import threading
from collections import Counter
from pathlib import Path

import pytest

from headrace.brokers.memory import MemoryBroker
from headrace.documents import Body
from headrace.proof.gates import ACKED, CURSOR_SAVED, PUBLISHED, Gates
from headrace.proof.kills import MOMENTS, plan
from headrace.runtime import Stop

PATIENCE = 600.0


@pytest.fixture
def gates(tmp_path: Path) -> Gates:
    return Gates(tmp_path / "gates")


def test_nothing_is_held_at_a_gate_that_is_not_armed(gates: Gates) -> None:
    gates.arm(ACKED)
    gates.reach(PUBLISHED, Stop())
    assert not gates.held(PUBLISHED)
    assert not gates.held(ACKED)


def test_what_reaches_an_armed_gate_is_held_until_the_gate_is_disarmed(gates: Gates) -> None:
    gates.arm(ACKED)
    reaching = threading.Thread(target=gates.reach, args=(ACKED, Stop()))
    reaching.start()
    while not gates.held(ACKED):
        reaching.join(0.01)
    assert gates.held(ACKED) == os.getpid()
    assert reaching.is_alive()
    gates.reach(ACKED, Stop())  # only the first is held
    gates.disarm(ACKED)
    reaching.join(PATIENCE)
    assert not reaching.is_alive()
    assert not gates.held(ACKED)


def test_what_is_asked_to_stop_is_not_held(gates: Gates) -> None:
    stop = Stop()
    stop.request()
    gates.arm(ACKED)
    gates.reach(ACKED, stop)
    gates.disarm(ACKED)


def test_a_watched_adapter_does_the_step_before_it_reaches_the_gate(gates: Gates) -> None:
    broker, stop = MemoryBroker(), Stop()
    stop.request()  # holds nobody, and the gate shows who was there
    watched = gates.watch(broker, {"publish": PUBLISHED}, stop)
    gates.arm(PUBLISHED)
    watched.publish([Body(b"one")])
    assert gates.held(PUBLISHED)
    assert broker.backlog().ready == 1
    assert [one.data for one in watched.receive(100, 0.0)] == [b"one"]


def test_one_kill_is_in_a_publishers_gap_and_two_are_in_both_gaps_that_lose() -> None:
    assert [moment.gate for moment in plan(1, random.Random(1))] == [CURSOR_SAVED]
    assert {moment.gate for moment in plan(2, random.Random(1))} == {CURSOR_SAVED, ACKED}
    assert Counter(plan(30, random.Random(1))).keys() == set(MOMENTS)
    assert plan(0, random.Random(1)) == []
