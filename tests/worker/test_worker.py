"""A worker in a program: what it takes, when it returns, and what it leaves open."""

import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from support import PATIENCE, until

import headrace
from headrace.brokers.memory import MemoryBroker
from headrace.brokers.sqlite import SqliteBroker
from headrace.documents import Document, microseconds, pack
from headrace.errors import Misconfigured
from headrace.ports import BrokerAdapter, ResultQuery
from headrace.stores.memory import MemoryStore
from headrace.stores.sqlite import SqliteStore

TRIVIAL = "size = python:headrace.testing.classifiers:Trivial"


def publish(broker: BrokerAdapter, *texts: str) -> None:
    broker.publish(list(pack(Document(text, text, published_at=microseconds()) for text in texts)))


def labels(store: MemoryStore | SqliteStore) -> dict[str, str]:
    """The label of each document by its id, from the model `size`."""
    return {result.id: result.predictions["size"].label for result in store.find(ResultQuery()).items}


def test_adapters_are_drained_and_stay_open() -> None:
    broker, store = MemoryBroker(), MemoryStore()
    publish(broker, "a", "b" * 200)
    headrace.Worker(broker=broker, store=store, models=TRIVIAL, deadline=PATIENCE, drain=True).run()
    assert labels(store) == {"a": "short", "b" * 200: "long"}
    publish(broker, "c")
    assert broker.backlog().ready == 1


def test_urls_are_opened_and_drained(tmp_path: Path) -> None:
    queue, path = f"sqlite:///{tmp_path}/queue.db", f"sqlite:///{tmp_path}/store.db"
    with closing(SqliteBroker.from_url(queue)) as broker:
        publish(broker, "a", "b")
    headrace.Worker(broker=queue, store=path, models=TRIVIAL, deadline=PATIENCE, drain=True).run()
    with closing(SqliteStore.from_url(path)) as store:
        assert labels(store) == {"a": "short", "b": "short"}


def test_a_url_and_an_adapter_go_together_and_a_drained_worker_can_run_again(tmp_path: Path) -> None:
    queue, store = f"sqlite:///{tmp_path}/queue.db", MemoryStore()
    worker = headrace.Worker(broker=queue, store=store, models=[TRIVIAL], deadline=PATIENCE, drain=True)
    with closing(SqliteBroker.from_url(queue)) as broker:
        for text in ("a", "b"):
            publish(broker, text)
            worker.run()
    assert labels(store) == {"a": "short", "b": "short"}


def test_several_models_are_given_as_a_list() -> None:
    broker, store = MemoryBroker(), MemoryStore()
    publish(broker, "a", "long" * 30)
    models = [TRIVIAL, "other = python:headrace.testing.classifiers:Trivial if size=long"]
    headrace.Worker(broker=broker, store=store, models=models, deadline=PATIENCE, drain=True).run()
    assert {one.id: sorted(one.predictions) for one in store.find(ResultQuery()).items} == {
        "a": ["size"],
        "long" * 30: ["other", "size"],
    }


def test_results_are_published_to_a_sink_before_the_queue_is_drained() -> None:
    broker, store, sink = MemoryBroker(), MemoryStore(), MemoryBroker()
    publish(broker, "a")
    headrace.Worker(broker=broker, store=store, results=sink, models=TRIVIAL, deadline=PATIENCE, drain=True).run()
    (delivery,) = sink.receive(1 << 20, 0)
    assert b'"label":"short"' in delivery.data


def test_a_model_that_does_not_exist_is_misconfigured_and_takes_nothing_from_the_queue(tmp_path: Path) -> None:
    broker = MemoryBroker()
    publish(broker, "a")
    worker = headrace.Worker(broker=broker, store=MemoryStore(), models="languag", registry=tmp_path)
    with pytest.raises(Misconfigured, match=r"there is no model 'languag'; .*`headrace models list` shows all"):
        worker.run()
    assert (broker.backlog().ready, broker.backlog().leased) == (1, 0)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"models": "language and sentiment"}, "setting models .* can't be read"),
        ({"models": ["shadow language"]}, "names no model that answers"),
        ({"broker": "sqlit:///queue.db"}, "no broker is known .* did you mean sqlite:"),
        ({"store": "none:"}, "the store none: keeps nothing"),
        ({"results": "sqlite:///queue.db"}, "no results are known"),
        ({"deadline": 0}, "the setting deadline is 0"),
        ({"memory": 1}, "the setting memory is 1"),
    ],
)
def test_what_can_be_refused_is_refused_at_once(options: dict[str, str | Sequence[str]], reason: str) -> None:
    given = {"broker": "memory:", "store": "memory:", **options}
    with pytest.raises(Misconfigured, match=reason):
        headrace.Worker(**given)  # type: ignore[arg-type]


def test_another_thread_stops_a_worker_that_waits_for_documents() -> None:
    broker, store = MemoryBroker(), MemoryStore()
    worker = headrace.Worker(broker=broker, store=store, models=TRIVIAL, deadline=PATIENCE)
    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=worker.run)
    thread.start()
    publish(broker, "a")
    until(lambda: labels(store), "the result")
    assert signal.getsignal(signal.SIGTERM) is before, "a thread beside the main one must leave the signals alone"
    worker.stop()
    worker.stop()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    publish(broker, "b")
    worker.run()
    assert broker.backlog().ready == 1, "a worker that was stopped starts nothing"


PROGRAM = f"""
import signal, sys
import headrace
before = signal.getsignal(signal.SIGINT)
headrace.Worker(broker=sys.argv[1], store=sys.argv[2], models={TRIVIAL!r}).run()
assert signal.getsignal(signal.SIGINT) is before
print("returned")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_main_thread_lets_run_return_with_everything_acknowledged(
    number: signal.Signals, tmp_path: Path
) -> None:
    queue, path = f"sqlite:///{tmp_path}/queue.db", f"sqlite:///{tmp_path}/store.db"
    with closing(SqliteBroker.from_url(queue)) as broker, closing(SqliteStore.from_url(path)) as store:
        publish(broker, "a")
        program = subprocess.Popen([sys.executable, "-c", PROGRAM, queue, path], stdout=subprocess.PIPE, text=True)
        until(lambda: labels(store), "the result")
        program.send_signal(number)
        assert program.communicate(timeout=PATIENCE)[0] == "returned\n"
        assert program.returncode == 0
        assert (broker.backlog().ready, broker.backlog().leased) == (0, 0)
