"""The keeper: what was received is written before it is acknowledged, whatever is away, late or refused meanwhile."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from support import FAULTY, PATIENCE, logged, predictors, setup, until
from support.scraping import samples, value

from headrace import exposition
from headrace.brokers.memory import MemoryBroker, Queue
from headrace.documents import Body, Document, Outcome, encode, microseconds
from headrace.errors import Misconfigured, Rejected, Unavailable
from headrace.meter import Meter
from headrace.models.alias import Aliases
from headrace.models.card import Card
from headrace.models.registry import Registry
from headrace.models.version import Version
from headrace.ports import Backlog, Delivery, ResultQuery, WorkerStatus
from headrace.runtime import Stop
from headrace.scoring.linear import compile  # noqa: A004
from headrace.stores.memory import MemoryStore
from headrace.testing.outcomes import letters, results
from headrace.worker.keeper import Keeper
from headrace.worker.results import ResultPublisher

TRIVIAL = "size=python:headrace.testing.classifiers:Trivial"


class Refusing(MemoryStore):
    """Rejects whatever holds the word."""

    def __init__(self, word: bytes, *, letters_too: int = 0) -> None:
        super().__init__()
        self.word = word
        self.longest = letters_too

    def write(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            if outcome.document is not None and self.word in outcome.document.text.encode():
                raise Rejected("the word is not wanted")
            if self.longest and any(len(letter.data) > self.longest for letter in outcome.dead):
                raise Rejected("the letter is too long")
        super().write(outcomes)


class Away(MemoryStore):
    """Can't be reached for the first writes, and says when it was asked."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times
        self.asked = threading.Event()

    def write(self, outcomes: Sequence[Outcome]) -> None:
        self.times -= 1
        if self.times >= 0:
            self.asked.set()
            raise Unavailable("the store is away: postgresql://me:secret@host/db")
        super().write(outcomes)


class Flaky(MemoryBroker):
    """Loses acknowledgements, or can't be asked for the first deliveries."""

    def __init__(self, queue: Queue, *, acks_lost: int = 0, receives_lost: int = 0) -> None:
        super().__init__(queue)
        self.acks_lost, self.receives_lost = acks_lost, receives_lost

    def receive(self, limit: int, wait: float) -> list[Delivery]:
        self.receives_lost -= 1
        if self.receives_lost >= 0:
            raise Unavailable("the broker is away")
        return super().receive(limit, wait)

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        self.acks_lost -= 1
        if self.acks_lost >= 0:
            raise Unavailable("the broker is away")
        super().ack(deliveries)


def queue_of(*texts: str, a_body: int = 3) -> Queue:
    """A queue with documents whose ids are their texts, some in each body."""
    queue = Queue()
    lines = [encode(Document(text, text)) for text in texts]
    bodies = [Body(b"\n".join(lines[at : at + a_body])) for at in range(0, len(lines), a_body)]
    MemoryBroker(queue).publish(bodies)
    return queue


def drain(queue: Queue, store: MemoryStore, models: str = FAULTY, *, broker: MemoryBroker | None = None) -> list[str]:
    """Work until nothing is ready or leased; what was logged."""
    connection = broker or MemoryBroker(queue)
    with logged() as said:
        Keeper(connection, store, setup(models), deadline=PATIENCE, stop=Stop(), drain=True).run()
    backlog = connection.backlog()
    assert (backlog.ready, backlog.leased) == (0, 0)
    connection.close()
    return said


def stored(store: MemoryStore) -> list[str]:
    return sorted(result.id for result in results(store, limit=1000))


def buried(store: MemoryStore) -> dict[str, str]:
    return {letter.id: letter.kind for letter in letters(store, limit=1000)}


def test_every_document_becomes_one_result() -> None:
    names = sorted(f"text {number}" for number in range(100))
    store = MemoryStore()
    drain(queue_of(*names), store)
    assert stored(store) == names
    assert store.count(ResultQuery()).answers == {"fake": {"fine": 100}}
    assert store.workers() == []


def test_an_empty_queue_is_drained_at_once() -> None:
    store = MemoryStore()
    drain(Queue(), store)
    assert stored(store) == []


def test_bad_input_is_buried_line_by_line_and_nothing_else_is_lost() -> None:
    queue = queue_of("a", "RAISE b", "c", "KILL d", "e")
    deep = b'{"id": "deep", "text": "a", "x": ' + b"[" * 100 + b"]" * 100 + b"}"
    bad = [b"no JSON", b'{"id": "nul", "text": "\\u0000"}', b'{"id": "number", "text": 5}', deep, b'{"text": "\xff"}']
    long = b'{"id": "long", "text": "' + b"x" * (10 << 20) + b'"}'
    for data in (*bad, long, b"", b"\n".join([bad[0], encode(Document("f", "f"))])):
        MemoryBroker(queue).publish([Body(data)])
    store = MemoryStore()
    drain(queue, store)
    assert stored(store) == ["a", "c", "e", "f"]
    found = buried(store)
    named = {name: kind for name, kind in found.items() if len(name) < 32}
    malformed = dict.fromkeys(("nul", "number", "deep", "long"), "malformed")
    assert named == {"RAISE b": "raised", "KILL d": "killed", **malformed}
    assert len(found) == len(named) + 3


def test_while_the_store_is_away_leases_are_kept_and_nothing_is_buried() -> None:
    queue, store = queue_of("a", "b", "c", "d"), Away(times=3)
    kept: list[int] = []

    class Broker(MemoryBroker):
        def keep(self, deliveries: Sequence[Delivery]) -> None:
            if store.asked.is_set() and store.times >= 0:
                kept.append(len(deliveries))
            super().keep(deliveries)

    said = drain(queue, store, broker=Broker(queue))
    assert stored(store) == ["a", "b", "c", "d"]
    assert buried(store) == {}
    assert kept
    assert min(kept) >= 1
    assert len([text for text in said if "waiting for the store" in text]) == 3
    assert not any("secret" in text for text in said)


def test_a_stop_while_the_store_is_away_gives_the_leases_back() -> None:
    queue, store, stop = queue_of("a", "b"), Away(times=1 << 30), Stop()
    broker = MemoryBroker(queue)
    keeper = Keeper(broker, store, setup(), deadline=PATIENCE, stop=stop)
    thread = threading.Thread(target=keeper.run)
    thread.start()
    assert store.asked.wait(PATIENCE)
    assert [worker.state for worker in store.workers()] != []
    stop.request()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    broker.close()
    backlog = MemoryBroker(queue).backlog()
    assert (backlog.ready, backlog.leased) == (1, 0)
    assert store.workers() == []
    store.times = 0
    drain(queue, store)
    assert stored(store) == ["a", "b"]


def test_an_outcome_that_the_store_rejects_is_found_by_halving_and_buried_as_refused() -> None:
    names = [f"text {number}" for number in range(20)]
    store = Refusing(b"unwanted")
    drain(queue_of(*names[:7], "unwanted 1", *names[7:], "unwanted 2"), store)
    assert stored(store) == sorted(names)
    assert buried(store) == {"unwanted 1": "refused", "unwanted 2": "refused"}
    letter = letters(store)[0]
    assert letter.reason == "the word is not wanted"
    assert msgspec.json.decode(letter.data)["text"].startswith("unwanted")


def test_of_what_the_store_rejects_even_as_a_dead_letter_the_beginning_is_buried() -> None:
    store = Refusing(b"unwanted", letters_too=1500)
    queue = queue_of("a", "unwanted" * 300)
    MemoryBroker(queue).publish([Body(b"no JSON" * 1000)])
    drain(queue, store)
    assert stored(store) == ["a"]
    assert sorted(buried(store).values()) == ["refused", "refused"]
    assert all(len(letter.data) <= 1024 for letter in letters(store))


def test_an_acknowledgement_that_fails_is_tried_again() -> None:
    queue, store = queue_of("a", "b"), MemoryStore()
    said = drain(queue, store, broker=Flaky(queue, acks_lost=2))
    assert stored(store) == ["a", "b"]
    assert any("waiting for the broker" in text for text in said)


def test_a_broker_that_is_away_is_waited_for() -> None:
    queue, store = queue_of("a"), MemoryStore()
    drain(queue, store, broker=Flaky(queue, receives_lost=2))
    assert stored(store) == ["a"]


def test_nothing_is_acknowledged_before_it_is_written() -> None:
    happened: list[str] = []

    class Store(MemoryStore):
        def write(self, outcomes: Sequence[Outcome]) -> None:
            super().write(outcomes)
            happened.extend(outcome.document.id for outcome in outcomes if outcome.document)

    class Broker(MemoryBroker):
        def ack(self, deliveries: Sequence[Delivery]) -> None:
            for delivery in deliveries:
                assert msgspec.json.decode(delivery.data)["id"] in happened
            happened.append("ack")
            super().ack(deliveries)

    queue = queue_of(*"abcdefgh", a_body=1)
    drain(queue, Store(), broker=Broker(queue))
    assert "ack" in happened


def test_a_drain_ends_with_the_backlog_however_long_nothing_comes() -> None:
    sizes = [9] * 12

    class Broker(MemoryBroker):
        def receive(self, limit: int, wait: float) -> list[Delivery]:
            return [] if sizes else super().receive(limit, wait)

        def backlog(self) -> Backlog:
            return Backlog(sizes.pop(), None, None) if sizes else super().backlog()

    queue, store = queue_of("a", "b"), MemoryStore()
    drain(queue, store, broker=Broker(queue))
    assert store.count(ResultQuery()).by_model() == {"fake": 2}


def test_a_broken_model_stops_the_worker_and_buries_nothing() -> None:
    queue, store = queue_of("a", "b", "c"), MemoryStore()
    broker = MemoryBroker(queue)
    keeper = Keeper(
        broker,
        store,
        setup("fake=python:headrace.testing.classifiers:Broken"),
        deadline=PATIENCE,
        stop=Stop(),
        drain=True,
    )
    with pytest.raises(Misconfigured, match="broken"):
        keeper.run()
    broker.close()
    assert (stored(store), buried(store), store.workers()) == ([], {}, [])
    assert MemoryBroker(queue).backlog().ready == 1


def test_a_model_that_is_not_there_is_told_before_anything_is_received(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="no model 'nonesuch'"):
        Keeper(
            MemoryBroker(), MemoryStore(), setup("nonesuch", registry=str(tmp_path)), deadline=PATIENCE, stop=Stop()
        ).run()


def test_a_registry_that_goes_away_before_the_models_are_opened_is_waited_for(tmp_path: Path) -> None:
    models, away = tmp_path / "models", tmp_path / "away"
    add(Registry(models, builtin=None), "x", "y", alias="champion")
    queue, store = queue_of("xx", "yy"), MemoryStore()
    broker = MemoryBroker(queue)
    settings = setup("tiny", registry=str(models))
    keeper = Keeper(broker, store, settings, deadline=PATIENCE, stop=Stop(), drain=True)  # which reads the aliases
    models.rename(away)
    with logged(lambda message: away.rename(models) if "waiting for a model" in message else None) as said:
        keeper.run()
    broker.close()
    assert said[0] == f"waiting for a model, and trying again: the model tiny is gone from the registry {models}"
    assert stored(store) == ["xx", "yy"]


def test_weights_that_are_missing_at_the_start_stop_the_worker(tmp_path: Path) -> None:
    add(Registry(tmp_path, builtin=None), "x", "y", alias="champion")
    next(tmp_path.rglob("weights.safetensors")).unlink()
    settings = setup("tiny", registry=str(tmp_path))
    with pytest.raises(Misconfigured, match=r"weights\.safetensors cannot be read"):
        Keeper(MemoryBroker(), MemoryStore(), settings, deadline=PATIENCE, stop=Stop()).run()


def test_a_remote_model_that_is_away_is_waited_for() -> None:
    queue, store, stop = queue_of("UNAVAILABLE a", "b"), MemoryStore(), Stop()
    broker = MemoryBroker(queue)
    with logged(lambda _message: stop.request() if len(said) == 2 else None) as said:
        Keeper(broker, store, setup(), deadline=PATIENCE, stop=stop).run()
    broker.close()
    assert said[:2] == ["waiting for a model, and trying again: the remote model is away"] * 2
    assert (stored(store), buried(store)) == ([], {})
    assert MemoryBroker(queue).backlog().ready == 1


def test_progress_is_counted_and_told() -> None:
    beats: list[dict[str, int]] = []

    class Store(MemoryStore):
        def beat(self, worker: WorkerStatus) -> None:
            beats.append(dict(worker.counts))

    drain(queue_of("a", "RAISE b", "KILL c", "d"), Store(), f"{TRIVIAL}, shadow {FAULTY}")
    last = beats[-1]
    assert (last["received"], last["stored"], last["buried"], last["shadow_failures"]) == (4, 4, 0, 1)
    assert last["predictor_deaths"] == 1  # after which the shadow was not asked again for any of them


def last_snapshot(store: MemoryStore, broker: MemoryBroker | Flaky, models: str, **more: Any) -> str:
    """The last heartbeat of a worker, as Prometheus would read it."""
    beats: list[WorkerStatus] = []
    store.beat = beats.append  # type: ignore[method-assign]
    Keeper(broker, store, setup(models), deadline=PATIENCE, stop=Stop(), drain=True, **more).run()
    assert beats[-1].state == "stopped"
    sums = Meter()
    sums.merge(beats[-1].metrics)
    return exposition.write(sums).decode()


def test_a_worker_counts_and_times_what_it_does() -> None:
    queue, now = Queue(), microseconds()
    with closing(MemoryBroker(queue)) as broker:
        documents = [
            Document("1", "a", source="news", published_at=now - 20_000_000),
            Document("2", "bcd", source="news", published_at=now - 20_000_000),
            Document("3", "RAISE", source="mail", published_at=now),
            Document("4", "e", source="mail"),
        ]
        broker.publish([Body(encode(document), document.source) for document in documents])
        broker.publish([Body(b"no document")])
        text = last_snapshot(MemoryStore(), broker, f"{FAULTY}, shadow {TRIVIAL}")
    assert value(text, "headrace_worker_documents_received_total") == 5
    stored = samples(text)["headrace_worker_documents_stored_total"]
    assert stored == {frozenset({("source", "news")}): 2, frozenset({("source", "mail")}): 1}
    assert value(text, "headrace_worker_dead_letters_total", kind="raised", model="fake") == 1
    assert value(text, "headrace_worker_dead_letters_total", kind="malformed", model="") == 1
    assert value(text, "headrace_worker_answers_total", model="fake", label="fine") == 3
    assert samples(text)["headrace_worker_answers_total"].keys() == {frozenset({("model", "fake"), ("label", "fine")})}
    predictions = samples(text)["headrace_worker_predictions_total"]
    by_role = {(dict(labels)["model"], dict(labels)["role"]): number for labels, number in predictions.items()}
    assert by_role == {("fake", "answer"): 3, ("size", "shadow"): 4}
    assert value(text, "headrace_worker_latency_seconds_bucket", source="news", le="10.0") == 0
    assert value(text, "headrace_worker_latency_seconds_count", source="news") == 2
    assert frozenset({("source", "mail")}) not in samples(text)["headrace_worker_latency_seconds_count"]
    assert value(text, "headrace_worker_batch_documents_sum") == 5
    assert value(text, "headrace_worker_batch_bytes_sum") == sum(map(len, map(encode, documents))) + len(b"no document")
    stages = {dict(labels)["stage"] for labels in samples(text)["headrace_worker_stage_seconds_count"]}
    assert stages == {"receive", "predict", "write", "ack"}
    batches = value(text, "headrace_worker_batch_documents_count")
    assert value(text, "headrace_worker_predict_seconds_count", model="fake") == batches
    assert value(text, "headrace_worker_predict_seconds_count", model="size") == batches


def test_a_worker_counts_what_it_waited_for() -> None:
    queue = queue_of("a", "KILL b")
    with closing(Flaky(queue, receives_lost=2)) as broker:
        text = last_snapshot(Away(times=1), broker, f"{TRIVIAL}, shadow {FAULTY}")
    assert value(text, "headrace_worker_retries_total", what="broker") == 2
    assert value(text, "headrace_worker_retries_total", what="store") == 1
    assert value(text, "headrace_worker_retry_wait_seconds_total", what="broker") > 0
    assert value(text, "headrace_worker_shadow_failures_total") == 1
    assert value(text, "headrace_worker_predictor_deaths_total") == 1


def test_a_document_that_the_store_refuses_is_counted_once_as_refused() -> None:
    with closing(MemoryBroker(queue_of("a", "no thanks", "c"))) as broker:
        text = last_snapshot(Refusing(b"no thanks"), broker, TRIVIAL)
    assert list(samples(text)["headrace_worker_dead_letters_total"].values()) == [1]
    assert value(text, "headrace_worker_dead_letters_total", kind="refused", model="") == 1
    assert sum(samples(text)["headrace_worker_documents_stored_total"].values()) == 2


def test_published_results_and_replies_are_stages_too() -> None:
    queue, results_of = queue_of("a"), Queue()

    class Asking(MemoryBroker):
        def receive(self, limit: int, wait: float) -> list[Delivery]:
            return [replace(one, reply=lambda _data: None) for one in super().receive(limit, wait)]

    store = MemoryStore()
    with closing(Asking(queue)) as broker, closing(MemoryBroker(results_of)) as sink:
        text = last_snapshot(store, broker, TRIVIAL, publisher=ResultPublisher(store, sink))
    stages = {dict(labels)["stage"] for labels in samples(text)["headrace_worker_stage_seconds_count"]}
    assert stages == {"receive", "predict", "write", "publish", "reply", "ack"}


def test_a_predictor_that_is_killed_again_and_again_costs_no_document() -> None:
    names = sorted(f"text {number}" for number in range(3000))
    queue, store, stop = queue_of(*names), MemoryStore(), Stop()
    broker = MemoryBroker(queue)
    keeper = Keeper(broker, store, setup(), deadline=PATIENCE, stop=stop, drain=True)
    thread = threading.Thread(target=keeper.run)
    thread.start()
    killed: set[int] = set()
    while thread.is_alive() and len(killed) < 4:
        before = len(stored(store))
        until(lambda before=before: len(stored(store)) > before or not thread.is_alive())
        for child in predictors(os.getpid()):
            if child not in killed:
                killed.add(child)
                os.kill(child, signal.SIGKILL)
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert store.count(ResultQuery()).answers == {"fake": {"fine": 3000}}
    assert buried(store) == {}


def test_a_keeper_imports_no_model_and_neither_numpy_nor_numba() -> None:
    script = "import headrace.worker.launch, sys; print([m for m in ('numpy', 'numba', 'sklearn') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"


@contextmanager
def drained(thread: threading.Thread, stop: Stop) -> Iterator[None]:
    """At the end of the block the stop is requested, and the thread has ended."""
    try:
        yield
    finally:
        stop.request()
        thread.join(PATIENCE)


def add(registry: Registry, *labels: str, alias: str | None = None) -> Version:
    """A version of `tiny`, trained on next to nothing, with these labels."""
    texts = [label * 3 for label in labels]
    pipeline = make_pipeline(CountVectorizer(analyzer="char"), LogisticRegression()).fit(texts, labels)
    return registry.add("tiny", compile.compile(pipeline), Card("tiny", labels), alias=alias)


def test_results_name_the_version_that_an_alias_means_by_then(tmp_path: Path) -> None:
    registry = Registry(tmp_path, builtin=None)
    first, second = add(registry, "x", "y", alias="champion"), add(registry, "x", "z")
    queue, store, stop = queue_of("xx"), MemoryStore(), Stop()
    broker = MemoryBroker(queue)
    settings = setup("tiny", registry=str(tmp_path))
    keeper = Keeper(broker, store, settings, deadline=PATIENCE, stop=stop, alias_seconds=0.1)
    thread = threading.Thread(target=keeper.run)
    with logged() as said, drained(thread, stop):
        thread.start()
        until(lambda: stored(store) == ["xx"], "the first result")
        registry.promote(str(second))
        until(lambda: said, "the new version")
        MemoryBroker(queue).publish([Body(encode(Document("yy", "yy")))])
        until(lambda: len(stored(store)) == 2, "the second result")
        damaged = add(registry, "x", "zz")
        next(damaged.folder.glob("*.safetensors")).write_bytes(b"damaged")
        Aliases(damaged.folder.parent).promote("champion", damaged.version)  # the registry would refuse
        until(lambda: len(said) == 2, "the refusal")
        MemoryBroker(queue).publish([Body(encode(Document("zz", "zz")))])
        until(lambda: len(stored(store)) == 3, "the third result")
    assert said[0] == f"now serving {second}"
    assert said[1].startswith("the models served stay as they are: ")
    found = {result.id: result.predictions["tiny"].model for result in results(store)}
    assert found == {"xx": str(first), "yy": str(second), "zz": str(second)}
