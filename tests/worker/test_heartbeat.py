"""What a worker tells the store about itself, and how often."""

from dataclasses import dataclass, field

import pytest

from headrace import metrics
from headrace.errors import Unavailable
from headrace.meter import Meter
from headrace.ports import WorkerStatus
from headrace.stores.memory import MemoryStore
from headrace.worker.heartbeat import BEAT_SECONDS, WAITING, Heartbeat


@dataclass
class Listener:
    """A heartbeat on a clock of its own, and the statuses that the store has got."""

    now: float = 0.0
    away: bool = False
    store_time: int = 0
    statuses: list[WorkerStatus] = field(default_factory=list)
    seen_by_all: list[WorkerStatus] = field(default_factory=list)

    def __post_init__(self) -> None:
        listener = self

        class Store(MemoryStore):
            def time(self) -> int:
                if listener.away:
                    raise Unavailable("the store is away")
                return listener.store_time

            def beat(self, worker: WorkerStatus) -> None:
                if listener.away:
                    raise Unavailable("the store is away")
                listener.statuses.append(worker)

        self.heartbeat = Heartbeat(Store(), self.seen_by_all.append, clock=lambda: self.now)

    def states(self) -> list[str]:
        return [status.state for status in self.statuses]


def test_the_first_state_is_told_at_once() -> None:
    listener = Listener()
    listener.heartbeat.beat("starting")
    assert listener.states() == ["starting"]


def test_a_state_that_lasts_is_told_every_two_seconds() -> None:
    listener = Listener()
    for now in (0.0, 1.0, BEAT_SECONDS - 0.1, BEAT_SECONDS, BEAT_SECONDS + 1):
        listener.now = now
        listener.heartbeat.beat("ready")
    assert listener.states() == ["ready", "ready"]


@pytest.mark.parametrize("state", ["stopped", *WAITING.values()])
def test_a_worker_that_ceases_to_be_at_work_says_so_at_once(state: str) -> None:
    listener = Listener()
    for said in ("working", state, "ready"):
        listener.heartbeat.beat(said)
    assert listener.states() == ["working", state, "ready"]


def test_a_document_now_and_then_costs_no_heartbeat_each() -> None:
    listener = Listener()
    for number in range(10):
        listener.now = number / 10
        listener.heartbeat.beat("ready")
        listener.heartbeat.beat("working")
    assert listener.states() == ["ready"]
    listener.now = BEAT_SECONDS
    listener.heartbeat.beat("working")
    assert listener.states() == ["ready", "working"]


def test_what_the_store_did_not_hear_is_told_again_with_the_next_call() -> None:
    listener = Listener(away=True)
    listener.heartbeat.beat("ready")
    listener.away = False
    listener.heartbeat.beat("ready")
    assert listener.states() == ["ready"]
    assert len(listener.seen_by_all) == 2


def test_a_worker_started_once_by_the_clock_of_the_store_though_that_could_not_be_asked_at_first() -> None:
    listener = Listener(away=True)
    listener.heartbeat.beat("starting")
    listener.away, listener.now, listener.store_time = False, 100.0, 5_000_000_000
    listener.heartbeat.beat("ready")
    listener.now, listener.store_time = 200.0, 7_000_000_000  # set forward in the meantime
    listener.heartbeat.beat("waiting for the broker")
    assert [status.started_at for status in listener.statuses] == [4_900_000_000] * 2


def test_a_status_carries_the_models_the_counts_and_a_snapshot() -> None:
    listener = Listener()
    listener.heartbeat.models = ["language@3f9c2a"]
    listener.heartbeat.meter.add(metrics.RECEIVED, 3)
    listener.heartbeat.beat("working")
    (status,) = listener.statuses
    assert status.models == ("language@3f9c2a",)
    assert status.counts == {
        "received": 3,
        "stored": 0,
        "buried": 0,
        "shadow_failures": 0,
        "predictor_deaths": 0,
    }
    sums = Meter()
    sums.merge(status.metrics)
    assert sums.total(metrics.RECEIVED) == 3
