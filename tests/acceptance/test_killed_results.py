"""Workers that publish results are killed in the middle of their work: every result comes to its consumers, and as it is stored."""

import secrets
from collections.abc import Iterator
from contextlib import closing

import msgspec
import pika
import pytest
from driver import PATIENCE, Headrace, kill, until
from pika.adapters.blocking_connection import BlockingChannel

from headrace.brokers.sqlite import SqliteBroker
from headrace.documents import Body, Document, Result, encode, pack
from headrace.testing.classifiers import checksum
from headrace.worker.results import Burial

DOCUMENTS, KILLS = 3000, 5
STORE = "sqlite:///store.db"


class Consumer:
    """A queue of RabbitMQ that takes all results."""

    def __init__(self, url: str, channel: BlockingChannel) -> None:
        self.queue = f"results-{secrets.token_hex(6)}"
        self.url, self._channel = f"{url}?queue={self.queue}", channel

    def waiting(self) -> int:
        """How many messages have come; none where nobody has made the queue yet."""
        if not self._channel.is_open:
            self._channel = self._channel.connection.channel()
        try:
            return int(self._channel.queue_declare(self.queue, passive=True).method.message_count)
        except pika.exceptions.ChannelClosedByBroker:
            return 0

    def take(self) -> Iterator[tuple[str, bytes]]:
        """Keys and lines of all that has come."""
        while True:
            method, _, data = self._channel.basic_get(self.queue, auto_ack=True)
            if method is None:
                return
            yield from ((method.routing_key, line) for line in data.split(b"\n"))

    def remove(self) -> None:
        """The queue and its exchange."""
        self._channel.queue_delete(self.queue)
        self._channel.exchange_delete(self.queue)


@pytest.fixture
def consumer(rabbitmq: str) -> Iterator[Consumer]:
    with closing(pika.BlockingConnection(pika.URLParameters(f"{rabbitmq}?heartbeat=0"))) as connection:
        made = Consumer(rabbitmq, connection.channel())
        yield made
        made.remove()


@pytest.mark.parametrize(("store", "form"), [(STORE, "json"), ("none:", "json"), (STORE, "cloudevents")])
def test_every_result_is_published_though_workers_are_killed_again_and_again(
    headrace: Headrace, consumer: Consumer, store: str, form: str
) -> None:
    documents = {str(number): f"text {number} ".ljust(250, ".") for number in range(DOCUMENTS)}
    with closing(SqliteBroker(headrace.queue)) as broker:
        broker.publish(list(pack(Document(name, text) for name, text in documents.items())))
        broker.publish([Body(b"no json")])
    settings = {"store": store, "results": consumer.url, "results_format": form, "processes": 2}
    workers = headrace.start("work", **settings)
    for _ in range(KILLS):
        before = consumer.waiting()
        until(
            lambda before=before: consumer.waiting() > before or not headrace.waiting(),
            PATIENCE,
            "nothing is published",
        )
        kill(workers.keepers())
    workers.interrupt()
    workers.status()
    headrace.done("work", "--drain", **settings)

    published: dict[str, set[tuple[str, str]]] = {}
    events: dict[str, str] = {}  # of their ids, the ids of the documents
    buried: list[Burial] = []
    for key, line in consumer.take():
        if form == "cloudevents":
            event = msgspec.json.decode(line)
            assert events.setdefault(event["id"], event["subject"]) == event["subject"]
            line = encode(event["data"])
        if key.startswith("dead."):
            buried.append(msgspec.json.decode(line, type=Burial))
        else:
            result = msgspec.json.decode(line, type=Result)
            published.setdefault(result.id, set()).add((key, result.text))
    assert published == {name: {(f"fake.{checksum(text)}", text)} for name, text in documents.items()}
    if store == "none:":
        assert {(one.kind, one.data) for one in buried} == {("malformed", b"no json")}
    else:
        assert buried == []
        assert {one.id for one in headrace.results()} == set(documents)
    if form == "cloudevents":
        assert sorted(events.values()) == sorted(documents)  # what was published again is the same event
