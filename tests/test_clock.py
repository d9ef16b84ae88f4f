"""Clocks that are set back, or forward, in the middle of the work, or that differ: no lease, no order, no answer and no list of workers
rests on them."""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import msgspec
import pytest
from support import PATIENCE, logged, setup

from headrace.brokers.memory import MemoryBroker
from headrace.brokers.sqlite import SqliteBroker
from headrace.burial import bury_bytes
from headrace.commands.erase import erase
from headrace.commands.status import status
from headrace.config import Settings
from headrace.documents import Document, Outcome, Prediction, microseconds, pack, stamp
from headrace.models.registry import Registry
from headrace.ports import BrokerAdapter, ResultQuery, StoreAdapter, WorkerStatus
from headrace.runtime import Stop
from headrace.stores.memory import MemoryStore
from headrace.stores.mongodb import MongodbStore
from headrace.stores.postgresql import PostgresqlStore
from headrace.stores.sqlite import SqliteStore
from headrace.testing.brokers import LARGE, bodies, data, take
from headrace.testing.outcomes import document, labelled, labels, letters, results
from headrace.web.console.snapshot import Snapshots
from headrace.web.console.view import worker
from headrace.web.services import Services
from headrace.web.state import AppState
from headrace.worker.heartbeat import Heartbeat
from headrace.worker.keeper import Keeper

HOUR, DAY = 3_600.0, 86_400.0
SetClock = Callable[[float], None]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """Sets this process's clock: forward by so many seconds of its right time, or back."""
    right, right_ns = time.time, time.time_ns

    def move(seconds: float) -> None:
        monkeypatch.setattr(time, "time", lambda: right() + seconds)
        monkeypatch.setattr(time, "time_ns", lambda: right_ns() + int(seconds * 1e9))

    return move


def addressed(postgresql: str, schema: str) -> str:
    """The URL of the store in this schema."""
    return f"{postgresql}{'&' if '?' in postgresql else '?'}schema={schema}"


@contextmanager
def removed(store: StoreAdapter) -> Iterator[None]:
    """Remove the store after the block."""
    try:
        yield
    finally:
        store.remove()


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoreAdapter]:
    made: StoreAdapter
    if request.param == "memory":
        made = MemoryStore()
    elif request.param == "sqlite":
        made = SqliteStore(tmp_path / "store.db")
    else:
        made = PostgresqlStore(request.getfixturevalue("postgresql"), schema=f"clock_{secrets.token_hex(6)}")
    yield made
    made.remove()


@pytest.fixture(params=["sqlite", "rabbitmq"])
def connect(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], BrokerAdapter]]:
    opened: list[BrokerAdapter] = []
    if request.param == "rabbitmq":
        from headrace.brokers.rabbitmq import RabbitmqBroker

        url = f"{request.getfixturevalue('rabbitmq')}?queue=clock-{secrets.token_hex(6)}"

    def open_() -> BrokerAdapter:
        made = SqliteBroker(tmp_path / "queue.db") if request.param == "sqlite" else RabbitmqBroker.from_url(url)
        opened.append(made)
        return made

    yield open_
    for one in opened[1:]:
        one.close()
    opened[0].remove()


@pytest.mark.parametrize("seconds", [-DAY, DAY])
def test_a_lease_is_held_whatever_the_clock_says(
    connect: Callable[[], BrokerAdapter], clock: SetClock, seconds: float
) -> None:
    one, two = connect(), connect()
    one.publish(bodies("a", "b"))
    held = take(one, 2)
    clock(seconds)
    one.keep(held)
    assert two.receive(LARGE, 0.7) == []
    oldest = two.backlog().oldest
    assert oldest is None or oldest >= 0
    one.ack(held[:1])
    one.close()
    assert data(take(two, 1)) == [held[1].data.decode()]


def test_the_newest_comes_first_and_the_first_answer_stands_though_the_clock_was_set_back(
    store: StoreAdapter, clock: SetClock
) -> None:
    store.write([labelled("before"), Outcome(None, dead=(bury_bytes(b"x", "first"),))])
    clock(-DAY)
    store.write([labelled("after"), labelled("before", "da"), Outcome(None, dead=(bury_bytes(b"y", "second"),))])
    assert [one.id for one in results(store)] == ["after", "before"]
    assert [one.reason for one in letters(store)] == ["second", "first"]
    assert labels(store) == {"sv": 2}
    first = store.find(ResultQuery(), limit=1)
    assert [one.id for one in results(store, page=first.next)] == ["before"]


def test_what_is_erased_stays_erased_though_the_clock_was_set_back_before_it_was(
    store: StoreAdapter, clock: SetClock
) -> None:
    published = document("a", published_at=microseconds())
    outcome = Outcome(published, (Prediction("sv", 0.5, "language@aaaaaa"),))
    store.write([outcome])
    clock(-DAY)
    store.erase(["a"])
    store.write([outcome])  # delivered again
    assert results(store) == []


@pytest.mark.parametrize("seconds", [-DAY, DAY])
def test_workers_are_listed_though_the_clock_was_set(store: StoreAdapter, clock: SetClock, seconds: float) -> None:
    def beat(name: str, state: str) -> None:
        store.beat(WorkerStatus(name, microseconds(), microseconds(), state))

    beat("one", "ready")
    beat("two", "ready")
    clock(seconds)
    beat("two", "working")
    assert [(one.name, one.state) for one in store.workers()] == [("one", "ready"), ("two", "working")]
    beat("one", "working")
    beat("two", "working")
    assert [(one.name, one.state) for one in store.workers()] == [("one", "working"), ("two", "working")]
    assert all(one.seen_at <= store.time() for one in store.workers())


@pytest.mark.parametrize("seconds", [-HOUR, HOUR])
@pytest.mark.parametrize("server", ["sqlite", "postgresql", "mongodb"])
def test_a_worker_whose_host_has_another_time_than_the_store_is_shown_by_the_clock_of_the_store(
    request: pytest.FixtureRequest, tmp_path: Path, clock: SetClock, server: str, seconds: float
) -> None:
    name = f"clock_{secrets.token_hex(6)}"
    opened: dict[str, Callable[[], StoreAdapter]] = {
        "sqlite": lambda: SqliteStore(tmp_path / "store.db"),
        "postgresql": lambda: PostgresqlStore(request.getfixturevalue(server), schema=name),
        "mongodb": lambda: MongodbStore(f"{request.getfixturevalue(server)}db", prefix=name),
    }
    store = opened[server]()
    with removed(store):
        begun = store.time()
        store.beat(WorkerStatus("another", begun, begun, "ready"))
        clock(seconds)
        heartbeat = Heartbeat(store)
        heartbeat.beat("starting")
        first = {one.name: one for one in store.workers()}
        heartbeat.beat("working")
        heartbeat.beat("waiting for the broker")
        clock(0.0)
        last = {one.name: one for one in store.workers()}
        (name,) = last.keys() - {"another"}  # the heartbeat's
        assert last["another"] == first["another"]
        assert begun <= first[name].seen_at <= last[name].seen_at <= store.time()
        assert first[name].started_at == last[name].started_at
        assert abs(last[name].started_at - begun) < PATIENCE * 1e6


@pytest.mark.parametrize("seconds", [-HOUR, HOUR])
def test_a_reader_whose_host_has_another_time_than_the_store_shows_who_is_at_work(
    postgresql: str, tmp_path: Path, clock: SetClock, capsys: pytest.CaptureFixture[str], seconds: float
) -> None:
    name = f"clock_{secrets.token_hex(6)}"
    store = PostgresqlStore(postgresql, schema=name)
    with removed(store):
        Heartbeat(store).beat("working")
        clock(seconds)
        settings = Settings(store=addressed(postgresql, name), broker=f"sqlite:///{tmp_path}/queue.db")
        assert status(json=True, settings=settings) == 0
        (told,) = msgspec.json.decode(capsys.readouterr().out)["workers"]
        assert told["state"] == "working"
        state = AppState.from_services(
            Services(store=store, connect=MemoryBroker().connect, registry=Registry("nowhere", builtin=None))
        )
        totals = anyio.run(Snapshots(state).totals)
        assert [worker(one, microseconds() + totals.ahead)["tone"] for one in totals.workers] == ["well"]


@pytest.mark.parametrize(("seconds", "told"), [(0.0, ""), (-HOUR, "s behind"), (HOUR, "s ahead")])
def test_who_erases_with_another_time_than_the_store_is_warned(
    postgresql: str, clock: SetClock, capsys: pytest.CaptureFixture[str], seconds: float, told: str
) -> None:
    name = f"clock_{secrets.token_hex(6)}"
    store = PostgresqlStore(postgresql, schema=name)
    with removed(store):
        clock(seconds)
        with logged() as said:
            erase("a", settings=Settings(store=addressed(postgresql, name)))
        assert [told in one for one in said] == [True] * bool(told)
        assert capsys.readouterr().out == "1 erased\n"


def test_a_worker_goes_on_though_the_clock_is_set_back_between_publishing_and_working(
    store: StoreAdapter, connect: Callable[[], BrokerAdapter], clock: SetClock
) -> None:
    broker = connect()
    documents = [stamp(Document(f"{number}", f"text {number}"), microseconds()) for number in range(100)]
    broker.publish(list(pack(documents)))
    clock(-DAY)
    Keeper(connect(), store, setup(), deadline=PATIENCE, stop=Stop(), drain=True).run()
    assert store.count(ResultQuery()).documents == 100
    assert letters(store) == []
