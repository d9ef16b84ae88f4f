"""Who takes part in benchmarks/pipeline.py: Headrace, and what people write without it. Each runs once from an empty queue, and tells
how long it took and whose CPU it took.
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
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import peers
import psutil

from headrace.config import Settings
from headrace.documents import Document, Outcome, Prediction, microseconds, pack
from headrace.ports import BrokerAdapter, ResultQuery
from headrace.urls import Connectors, apart
from headrace.worker.launch import family

MODELS = {"trivial": "trivial=python:headrace.testing.classifiers:Trivial", "language": "language"}
SERVERS = ("beam.smp", "postgres", "java", "redis-server", "nats-server", "beanstalkd", "ferretdb")
CHARACTERS = 250
AT_ONCE = 2000
LAST = 20  # documents that are looked for, to tell whether all are stored
PATIENCE = 1200.0
HERE = Path(__file__).parent


@dataclass
class Run:
    """One run: documents, seconds from the first publish to the last document stored and acked, CPU seconds and peak MiB by stage."""

    documents: int
    seconds: float
    cpu: dict[str, float] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        return self.documents / self.seconds


@dataclass(frozen=True)
class Contest:
    """What all are given. `stored` documents are in the store already."""

    broker: str
    store: str
    documents: int
    results: str = ""
    stored: int = 0
    workers: int = 1


def headrace(contest: Contest, model: str, *, unpacked: bool = False) -> Run:
    """Headrace's own workers; `unpacked` puts each document into a body of its own."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as ending:
        mark = f"benchmark_{secrets.token_hex(4)}"
        broker, store = apart(_own(contest.broker, folder), _own(contest.store, folder), mark)
        store = store if contest.store != "none:" else contest.store
        results = f"{contest.results.rstrip('/')}/{mark}_results" if contest.results else ""
        settings = Settings(
            broker=broker, store=store, results=results, models=MODELS[model], processes=contest.workers
        )
        connectors = Connectors(broker, store, results)
        queue = ending.enter_context(closing(connectors.broker()))
        ending.callback(queue.remove)
        queue.backlog()  # makes what is missing
        coming = Topic(results, contest.documents) if results else Stored(connectors, contest)
        ending.callback(coming.remove)
        workers = _start(settings, ending)
        coming.ready(queue)
        stages = {"publisher": [psutil.Process()], **_keepers(workers), **_servers()}
        before, began = _spent(stages), time.monotonic()
        last: list[str] = []
        for documents in _documents(contest.documents):
            queue.publish(list(pack(documents, target=1 if unpacked else 16 << 10)))
            last = [document.id for document in documents[-LAST:]]
        _until(lambda: coming.has(last))
        _until(lambda: not queue.backlog().ready and not queue.backlog().leased)
        run = Run(contest.documents, time.monotonic() - began, _difference(before, _spent(stages)), _peaks(stages))
        coming.check()
        return run


def _start(settings: Settings, ending: ExitStack) -> "Sequence[subprocess.Popen[bytes]]":
    crew = family(settings)
    workers = [crew.spawn() for _ in range(settings.processes)]
    ending.callback(_end, workers)
    return workers


class Stored:
    """What comes out, in a store."""

    def __init__(self, connectors: Connectors, contest: Contest) -> None:
        self._contest = contest
        self._store = connectors.store()
        for documents in _documents(contest.stored):
            before = [Outcome(one, (Prediction("short", 1.0, "before@aaaaaa"),)) for one in documents]
            self._store.write(before)

    def ready(self, _queue: BrokerAdapter) -> None:
        """Wait until every worker has opened its models."""
        _until(lambda: sum(one.state == "ready" for one in self._store.workers()) == self._contest.workers)

    def has(self, ids: Sequence[str]) -> bool:
        """Whether all of these have come."""
        return len(self._store.find(ResultQuery(ids=ids)).items) == len(ids)

    def check(self) -> None:
        """That all have come."""
        whole = self._store.count(ResultQuery()).documents
        assert whole == self._contest.documents + self._contest.stored, f"{whole} are stored"

    def remove(self) -> None:
        self._store.remove()


class Topic:
    """What comes out, in a topic of Kafka's. Reading it is part of the publisher's CPU."""

    def __init__(self, url: str, documents: int) -> None:
        from confluent_kafka import Consumer

        hosts, _, self._name = url.removeprefix("kafka://").partition("/")
        said = {"bootstrap.servers": hosts, "group.id": self._name, "auto.offset.reset": "earliest"}
        self._consumer = Consumer({**said, "topic.metadata.refresh.interval.ms": 500, "enable.auto.commit": False})
        self._consumer.subscribe([self._name])
        self._hosts, self._seen, self._wanted = hosts, 0, documents + 1

    def ready(self, queue: BrokerAdapter) -> None:
        """Have a document go all the way, so that every part of it is open."""
        queue.publish(list(pack([Document("first", "the first document", published_at=microseconds())])))
        _until(lambda: self._read() == 1)

    def has(self, _ids: Sequence[str]) -> bool:
        """Whether so many have come as were published."""
        return self._read() >= self._wanted

    def check(self) -> None:
        """That none came twice."""
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


def _own(url: str, folder: str) -> str:
    """A URL beside which this run can have a place of its own."""
    return f"sqlite:///{folder}/x.db" if url in ("sqlite:", "none:") else url


def peer(contest: Contest, command: Sequence[str], model: str, *, celery: bool = False) -> Run:
    """A worker of benchmarks/peers, which reads from RabbitMQ and writes to PostgreSQL."""
    import pika
    import psycopg

    environment = {**os.environ, "PEER_BROKER": contest.broker, "PEER_STORE": contest.store, "PEER_MODEL": model}
    with (
        closing(pika.BlockingConnection(pika.URLParameters(contest.broker))) as connection,
        psycopg.connect(contest.store, autocommit=True) as table,
        ExitStack() as ending,
    ):
        channel = connection.channel()
        channel.queue_delete(peers.QUEUE)
        table.execute(f"DROP TABLE IF EXISTS {peers.TABLE}")
        ending.callback(lambda: table.execute(f"DROP TABLE IF EXISTS {peers.TABLE}"))
        ending.callback(lambda: channel.queue_delete(peers.QUEUE))
        table.execute(peers.CREATE)
        table.execute(
            f"INSERT INTO {peers.TABLE} SELECT md5(n::text), repeat(md5(n::text), 8), 'sv' FROM generate_series(1, %s) n",
            (contest.stored,),
        )
        channel.queue_declare(peers.QUEUE, durable=True, arguments=None if celery else {"x-queue-type": "quorum"})
        worker = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=HERE, env=environment, stdout=subprocess.PIPE, text=True
        )
        ending.callback(_end, [worker])
        assert worker.stdout is not None
        ready = next((line for line in worker.stdout if line.strip() == "ready"), None)
        assert ready is not None, f"{command} ended; it has told why"
        found = [psutil.Process(worker.pid), *psutil.Process(worker.pid).children(recursive=True)]
        stages = {"publisher": [psutil.Process()], "worker": found, **_servers()}
        before, began = _spent(stages), time.monotonic()
        documents = [document for some in _documents(contest.documents) for document in some]
        _publish_to_peer(channel, contest, documents, celery=celery)
        ids = [document.id for document in documents]
        there = f"SELECT count(*) FROM {peers.TABLE} WHERE id = ANY(%s)"
        _until(lambda: table.execute(there, (ids,)).fetchone() == (len(ids),))
        return Run(len(ids), time.monotonic() - began, _difference(before, _spent(stages)), _peaks(stages))


def _publish_to_peer(channel: Any, contest: Contest, documents: Sequence[Document], *, celery: bool) -> None:
    """A message a document; to Celery as its documentation has it, to the others in windows of confirms."""
    if celery:
        os.environ["PEER_BROKER"] = contest.broker
        from celery import Celery

        app = Celery("peer", broker=contest.broker)
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
    url = f"{contest.broker}?queue={peers.QUEUE}&exchange={exchange}&declare=no"
    with closing(RabbitmqBroker.from_url(url)) as broker:
        broker.publish([Body(json.dumps({"id": one.id, "text": one.text}).encode()) for one in documents])
    channel.exchange_delete(exchange)


def _documents(number: int) -> Iterator[list[Document]]:
    """Random words, 250 characters, each document with a random id."""
    words = ["".join(random.choices(string.ascii_lowercase, k=random.randint(2, 9))) for _ in range(5000)]
    text = " ".join(random.choices(words, k=200_000))
    left = number
    while left:
        now, size = microseconds(), min(AT_ONCE, left)
        starts = random.sample(range(len(text) - CHARACTERS), size)
        yield [
            Document(secrets.token_hex(8), text[at : at + CHARACTERS], "benchmark", published_at=now) for at in starts
        ]
        left -= size


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.02)


def _end(children: "Sequence[subprocess.Popen[Any]]") -> None:
    for child in children:
        child.send_signal(signal.SIGTERM)
    for child in children:
        child.wait(30)


def _keepers(workers: "Sequence[subprocess.Popen[Any]]") -> dict[str, list[psutil.Process]]:
    keepers = [psutil.Process(child.pid) for child in workers]
    return {"keeper": keepers, "predictor": [one for keeper in keepers for one in keeper.children()]}


def _servers() -> dict[str, list[psutil.Process]]:
    """The servers on this machine, by the names of their processes."""
    found: dict[str, list[psutil.Process]] = {}
    for process in psutil.process_iter(["name"]):
        if process.info["name"] in SERVERS:
            found.setdefault(process.info["name"], []).append(process)
    return found


def _spent(stages: dict[str, list[psutil.Process]]) -> dict[str, dict[int, float]]:
    """CPU seconds so far, user and system, by stage and process; of servers also those of children that have ended."""
    found: dict[str, dict[int, float]] = {}
    for stage, processes in stages.items():
        spent = found[stage] = {}
        for process in {*processes, *(_servers().get(stage, []))}:
            with suppress(psutil.NoSuchProcess):
                spent[process.pid] = sum(process.cpu_times()[: 4 if stage in SERVERS else 2])
    return found


def _difference(before: dict[str, dict[int, float]], after: dict[str, dict[int, float]]) -> dict[str, float]:
    """What each stage has spent in between."""
    return {stage: sum(spent - before[stage].get(pid, 0.0) for pid, spent in after[stage].items()) for stage in before}


def _peaks(stages: dict[str, list[psutil.Process]]) -> dict[str, int]:
    """Peak resident MiB of the largest process of ours, by stage (VmHWM)."""
    found = {}
    for stage in ("keeper", "predictor", "worker"):
        for process in stages.get(stage, []):
            lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
            peak = next(int(line.split()[1]) >> 10 for line in lines if line.startswith("VmHWM:"))
            found[stage] = max(peak, found.get(stage, 0))
    return found
