"""The systems that benchmarks/pipeline.py measures: Headrace, and what people write without it.

Each function runs a system once, from an empty queue, and returns how long it took and how much CPU each process spent.
"""

import json
import os
import random
import secrets
import signal
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import peers
import psutil
import usage

from headrace.config import Settings
from headrace.documents import Document, Outcome, Prediction, microseconds, pack
from headrace.ports import BrokerAdapter, ResultQuery
from headrace.urls import Connectors, apart
from headrace.worker.launch import supervised

MODELS = {"trivial": "trivial=python:headrace.testing.classifiers:Trivial", "language": "language"}
#: Characters of a document.
CHARACTERS = 250
#: Documents that are published at a time.
BATCH = 2000
#: The last documents, which are queried to know whether all are stored.
LAST_DOCUMENTS = 20
#: Seconds after which a run is given up.
TIMEOUT = 1200.0
HERE = Path(__file__).parent


@dataclass
class Run:
    """One run: documents, seconds from the first publish until the last document is stored and acked, CPU seconds and peak MiB by stage."""

    documents: int
    seconds: float
    cpu: dict[str, float] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        return self.documents / self.seconds


@dataclass(frozen=True)
class Workload:
    """What every system is given. `stored` is the number of documents that are in the store before."""

    broker: str
    store: str
    documents: int
    results: str = ""
    stored: int = 0
    workers: int = 1


def headrace(workload: Workload, model: str, *, unpacked: bool = False) -> Run:
    """Run Headrace; if `unpacked`, each document is a body of its own."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as cleanup:
        mark = f"benchmark_{secrets.token_hex(4)}"
        broker, store = apart(_database_url(workload.broker, folder), _database_url(workload.store, folder), mark)
        store = store if workload.store != "none:" else workload.store
        results = f"{workload.results.rstrip('/')}/{mark}_results" if workload.results else ""
        settings = Settings(
            broker=broker, store=store, results=results, models=MODELS[model], processes=workload.workers
        )
        connectors = Connectors(broker, store, results)
        queue = cleanup.enter_context(closing(connectors.broker()))
        cleanup.callback(queue.remove)
        queue.backlog()  # declares queues and tables that are missing
        results_seen = TopicResults(results, workload.documents) if results else StoredResults(connectors, workload)
        cleanup.callback(results_seen.remove)
        workers = _start(settings, cleanup)
        results_seen.ready(queue)
        stages = {"publisher": [psutil.Process()], **_keepers(workers), **usage.servers()}
        before, began = usage.cpu_seconds(stages), time.monotonic()
        last: list[str] = []
        for documents in _documents(workload.documents):
            queue.publish(list(pack(documents, target=1 if unpacked else 16 << 10)))
            last = [document.id for document in documents[-LAST_DOCUMENTS:]]
        _wait_until(lambda: results_seen.has_all(last))
        _wait_until(lambda: not queue.backlog().ready and not queue.backlog().leased)
        run = Run(
            workload.documents,
            time.monotonic() - began,
            usage.difference(before, usage.cpu_seconds(stages)),
            usage.peak_memory(stages),
        )
        results_seen.check()
        return run


def _start(settings: Settings, cleanup: ExitStack) -> "Sequence[subprocess.Popen[bytes]]":
    supervisor = supervised(settings)
    workers = [supervisor.spawn() for _ in range(settings.processes)]
    cleanup.callback(_terminate, workers)
    return workers


class StoredResults:
    """The results as they arrive in a store."""

    def __init__(self, connectors: Connectors, workload: Workload) -> None:
        self._workload = workload
        self._store = connectors.store()
        for documents in _documents(workload.stored):
            before = [Outcome(one, (Prediction("short", 1.0, "before@aaaaaa"),)) for one in documents]
            self._store.write(before)

    def ready(self, _queue: BrokerAdapter) -> None:
        """Wait until every worker has opened its models."""
        _wait_until(lambda: sum(one.state == "ready" for one in self._store.workers()) == self._workload.workers)

    def has_all(self, ids: Sequence[str]) -> bool:
        """Whether the results of all these documents are stored."""
        return len(self._store.find(ResultQuery(ids=ids)).items) == len(ids)

    def check(self) -> None:
        """Assert that all results are stored, and none beside them."""
        whole = self._store.count(ResultQuery()).documents
        assert whole == self._workload.documents + self._workload.stored, f"{whole} are stored"

    def remove(self) -> None:
        self._store.remove()


class TopicResults:
    """The results as they arrive in a topic of Kafka. The CPU that reading them takes is counted as the publisher's."""

    def __init__(self, url: str, documents: int) -> None:
        from confluent_kafka import Consumer

        hosts, _, self._name = url.removeprefix("kafka://").partition("/")
        said = {"bootstrap.servers": hosts, "group.id": self._name, "auto.offset.reset": "earliest"}
        self._consumer = Consumer({**said, "topic.metadata.refresh.interval.ms": 500, "enable.auto.commit": False})
        self._consumer.subscribe([self._name])
        self._hosts, self._seen, self._wanted = hosts, 0, documents + 1

    def ready(self, queue: BrokerAdapter) -> None:
        """Send one document through the whole pipeline, so that all of its connections are open."""
        queue.publish(list(pack([Document("first", "the first document", published_at=microseconds())])))
        _wait_until(lambda: self._read() == 1)

    def has_all(self, _ids: Sequence[str]) -> bool:
        """Whether as many results have arrived as documents were published."""
        return self._read() >= self._wanted

    def check(self) -> None:
        """Assert that none arrived twice."""
        assert self._read() == self._wanted, f"{self._seen} came"

    def remove(self) -> None:
        from confluent_kafka.admin import AdminClient

        self._consumer.close()
        admin = AdminClient({"bootstrap.servers": self._hosts})
        for done in admin.delete_topics([self._name]).values():
            done.result()

    def _read(self) -> int:
        while messages := self._consumer.consume(500, 0.05):
            self._seen += sum(message.value().count(b"\n") + 1 for message in messages if not message.error())
        return self._seen


def _database_url(url: str, folder: str) -> str:
    """The URL, or for an embedded or absent backend, one of a temporary file."""
    return f"sqlite:///{folder}/x.db" if url in ("sqlite:", "none:") else url


def peer(workload: Workload, command: Sequence[str], model: str, *, celery: bool = False) -> Run:
    """Run a worker of benchmarks/peers, which reads from RabbitMQ and writes to PostgreSQL."""
    import pika
    import psycopg

    environment = {**os.environ, "PEER_BROKER": workload.broker, "PEER_STORE": workload.store, "PEER_MODEL": model}
    with (
        closing(pika.BlockingConnection(pika.URLParameters(workload.broker))) as connection,
        psycopg.connect(workload.store, autocommit=True) as table,
        ExitStack() as cleanup,
    ):
        channel = connection.channel()
        channel.queue_delete(peers.QUEUE)
        table.execute(f"DROP TABLE IF EXISTS {peers.TABLE}")
        cleanup.callback(lambda: table.execute(f"DROP TABLE IF EXISTS {peers.TABLE}"))
        cleanup.callback(lambda: channel.queue_delete(peers.QUEUE))
        table.execute(peers.CREATE)
        table.execute(
            f"INSERT INTO {peers.TABLE} SELECT md5(n::text), repeat(md5(n::text), 8), 'sv' FROM generate_series(1, %s) n",
            (workload.stored,),
        )
        channel.queue_declare(peers.QUEUE, durable=True, arguments=None if celery else {"x-queue-type": "quorum"})
        worker = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=HERE, env=environment, stdout=subprocess.PIPE, text=True
        )
        cleanup.callback(_terminate, [worker])
        assert worker.stdout is not None
        ready = next((line for line in worker.stdout if line.strip() == "ready"), None)
        assert ready is not None, f"{command} ended; it said why above"
        found = [psutil.Process(worker.pid), *psutil.Process(worker.pid).children(recursive=True)]
        stages = {"publisher": [psutil.Process()], "worker": found, **usage.servers()}
        before, began = usage.cpu_seconds(stages), time.monotonic()
        documents = [document for some in _documents(workload.documents) for document in some]
        _publish_to_peer(channel, workload, documents, celery=celery)
        ids = [document.id for document in documents]
        query = f"SELECT count(*) FROM {peers.TABLE} WHERE id = ANY(%s)"
        _wait_until(lambda: table.execute(query, (ids,)).fetchone() == (len(ids),))
        return Run(
            len(ids),
            time.monotonic() - began,
            usage.difference(before, usage.cpu_seconds(stages)),
            usage.peak_memory(stages),
        )


def _publish_to_peer(channel: Any, workload: Workload, documents: Sequence[Document], *, celery: bool) -> None:
    """Publish one message for each document: to Celery as its documentation does, to the others in windows of publisher confirms."""
    if celery:
        os.environ["PEER_BROKER"] = workload.broker
        from celery import Celery

        app = Celery("peer", broker=workload.broker)
        app.conf.task_default_queue = peers.QUEUE
        label = app.signature("peers.celery_app.label")
        for document in documents:
            label.apply_async((document.id, document.text))
        return
    from headrace.brokers.rabbitmq.broker import RabbitmqBroker
    from headrace.documents import Body

    exchange = f"{peers.QUEUE}-in"
    channel.exchange_declare(exchange, "topic", durable=True)
    channel.queue_bind(peers.QUEUE, exchange, "#")
    url = f"{workload.broker}?queue={peers.QUEUE}&exchange={exchange}&declare=no"
    with closing(RabbitmqBroker.from_url(url)) as broker:
        broker.publish([Body(json.dumps({"id": one.id, "text": one.text}).encode()) for one in documents])
    channel.exchange_delete(exchange)


def _documents(number: int) -> Iterator[list[Document]]:
    """Documents of random words, of 250 characters, with random ids."""
    words = ["".join(random.choices(string.ascii_lowercase, k=random.randint(2, 9))) for _ in range(5000)]
    text = " ".join(random.choices(words, k=200_000))
    left = number
    while left:
        now, size = microseconds(), min(BATCH, left)
        starts = random.sample(range(len(text) - CHARACTERS), size)
        yield [
            Document(secrets.token_hex(8), text[at : at + CHARACTERS], "benchmark", published_at=now) for at in starts
        ]
        left -= size


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, f"the run was given up after {TIMEOUT:.0f} s"
        time.sleep(0.02)


def _terminate(children: "Sequence[subprocess.Popen[Any]]") -> None:
    for child in children:
        child.send_signal(signal.SIGTERM)
    for child in children:
        child.wait(30)


def _keepers(workers: "Sequence[subprocess.Popen[Any]]") -> dict[str, list[psutil.Process]]:
    keepers = [psutil.Process(child.pid) for child in workers]
    return {"keeper": keepers, "predictor": [one for keeper in keepers for one in keeper.children()]}
