"""What RabbitMQ's adapter does beyond the suite: addresses, acks by tag, refusals, and connections that are lost."""

import dataclasses
import gzip
import secrets
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from threading import Timer
from typing import Any, NoReturn

import msgspec
import pika
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pika import exceptions
from pika.adapters.blocking_connection import BlockingChannel
from support import again, come, insist, logged, setup, until
from support.wire import Wire

from headrace.brokers.rabbitmq import RabbitmqBroker, RabbitmqResults
from headrace.brokers.rabbitmq.consumer import AHEAD_BYTES
from headrace.brokers.rabbitmq.errors import translate
from headrace.brokers.rabbitmq.tags import Confirms, Leases
from headrace.brokers.rabbitmq.topology import arguments
from headrace.brokers.rabbitmq.url import parse
from headrace.documents import Body, Document, encode
from headrace.errors import HeadraceError, Misconfigured, Rejected, Unavailable
from headrace.ports import Delivery, ResultQuery
from headrace.runtime import Stop
from headrace.stores.memory import MemoryStore
from headrace.testing.brokers import LARGE, PATIENCE, bodies, data, take
from headrace.testing.outcomes import letters
from headrace.worker.keeper import Keeper

SECRET = "pass:w0rd/x"


class OwnQueue:
    """A queue for one test, and a channel of pika's to look at it."""

    def __init__(self, url: str, channel: BlockingChannel, opened: ExitStack) -> None:
        self.url, self.channel, self._opened = url, channel, opened
        self.name = f"test-{secrets.token_hex(6)}"

    def connect(
        self,
        options: str = "",
        *,
        through: Wire | None = None,
        patience: float = PATIENCE,
        heartbeat: int = 60,
        ahead: int = AHEAD_BYTES,
    ) -> RabbitmqBroker:
        """A broker on this queue."""
        url = self.url
        if through is not None:
            account, _, rest = url.rpartition("@")
            url = f"{account}@127.0.0.1:{through.port}/{rest.partition('/')[2]}"
        address = dataclasses.replace(parse(f"{url}?queue={self.name}{options}"), heartbeat=heartbeat)
        broker = RabbitmqBroker(address, patience=patience, ahead=ahead)
        self._opened.callback(broker.close)
        return broker

    def wire(self) -> Wire:
        """A wire to the server, for one connection that is to be cut."""
        address = parse(self.url)
        return self._opened.enter_context(Wire(*address.hosts[0]))

    def ready(self) -> int:
        """How many bodies are in the queue and not leased."""
        count: int = self.channel.queue_declare(self.name, passive=True).method.message_count
        return count

    def waiting_evicted(self) -> int:
        """How many bodies the server has evicted from the queue and nobody holds."""
        count: int = self.channel.queue_declare(f"{self.name}.evicted", passive=True).method.message_count
        return count


def keep_for_ever(broker: RabbitmqBroker, held: Sequence[Delivery]) -> NoReturn:
    """Call `keep` as a keeper does while its predictor works."""
    while True:
        broker.keep(held)


def publish_for_ever(broker: RabbitmqBroker, published: list[str]) -> NoReturn:
    """Publish one body after another, until that raises."""
    while True:
        broker.publish(bodies("a"))
        published.append("a")


@pytest.fixture
def queue(rabbitmq: str) -> Iterator[OwnQueue]:
    with ExitStack() as opened:
        connection = opened.enter_context(
            closing(pika.BlockingConnection(pika.URLParameters(f"{rabbitmq}?heartbeat=0")))
        )
        channel = connection.channel()
        queue = OwnQueue(rabbitmq, channel, opened)
        opened.callback(lambda: channel.exchange_delete(queue.name))
        opened.callback(lambda: channel.queue_delete(queue.name))
        opened.callback(lambda: channel.queue_delete(f"{queue.name}.evicted"))
        yield queue


def test_a_url_names_servers_account_and_queue() -> None:
    address = parse(
        "amqp://me:pass%3Aw0rd%2Fx@one,two:5673,[::1]:5674/some%2Fhost?queue=q&exchange=e&keys=a.*,b&declare=no"
    )
    assert address.hosts == (("one", 5672), ("two", 5673), ("::1", 5674))
    assert (address.user, address.password, address.vhost) == ("me", SECRET, "some/host")
    assert (address.queue, address.exchange, address.keys, address.declare) == ("q", "e", ("a.*", "b"), False)
    assert address.parameters(4).port == 5673


@pytest.mark.parametrize("path", ["", "/", "/%2F"])
def test_what_a_url_leaves_out_is_what_rabbitmq_has_by_default(path: str) -> None:
    address = parse(f"amqp://host{path}")
    assert (address.user, address.vhost, address.queue, address.to) == ("guest", "/", "headrace", "headrace")
    assert parse(f"amqps://host{path}").hosts == (("host", 5671),)


def test_an_address_shows_no_password() -> None:
    address = parse("amqp://me:pass%3Aw0rd%2Fx@host/v")
    assert SECRET not in f"{address} {address!r}"
    assert str(address) == "amqp://host:5672/v"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("amqp:///v", "is not a host"),
        ("amqp://a,,b/v", "is not a host"),
        ("amqp://host:99999/", "is not a host"),
        ("amqp://host/?quue=x", "did you mean queue"),
        ("amqp://host/?queue=", "1 to 247 bytes"),
        ("amqp://host/?queue=" + "x" * 248, "1 to 247 bytes"),
        ("amqp://host/?exchange=" + "x" * 256, "1 to 255 bytes"),
        ("amqp://host/?declare=maybe", "one of yes, no"),
        ("amqp://host/?heartbeat=0", "from 5 to 3600"),
        ("amqp://host/?cacertfile=/nowhere.pem", "is for amqps"),
        ("amqps://host/?cacertfile=/nowhere.pem", "there is no such file"),
    ],
)
def test_a_wrong_url_is_refused_with_a_hint_how_to_write_it(url: str, told: str) -> None:
    with pytest.raises(Misconfigured, match=told):
        RabbitmqBroker.from_url(url)


@pytest.mark.parametrize(
    ("version", "limit"),
    [("3.10.8", None), ("3.13.7", None), ("4.0.0", -1), ("4.2.1", -1), ("10.0.0", -1), ("", -1)],
)
def test_a_queue_has_no_limit_to_deliveries(version: str, limit: int | None) -> None:
    made = arguments(version)
    assert made["x-queue-type"] == "quorum"
    assert made.get("x-delivery-limit") == limit


@given(st.lists(st.lists(st.integers(1, 12), max_size=6), max_size=12), st.integers(1, 12))
def test_acks_settle_what_is_done_and_nothing_else(turns: list[list[int]], delivered: int) -> None:
    leases = Leases()
    leases.delivered = delivered
    unacked, done = set(range(1, delivered + 1)), set[int]()
    for turn in turns:
        for tag, all_below in leases.finish(turn):
            assert tag in unacked, "the server closes a channel that acks what it doesn't know"
            unacked -= set(range(1, tag + 1)) if all_below else {tag}
        done |= {tag for tag in turn if tag <= delivered}
        assert unacked == set(range(1, delivered + 1)) - done
        for above in range(delivered + 1):
            assert leases.open_above(above) == len({tag for tag in unacked if tag > above})


def test_deliveries_that_went_back_to_the_queue_are_neither_open_nor_acked_alone() -> None:
    leases = Leases()
    for tag in (1, 2, 5, 6):  # pika has rejected 3 and 4
        leases.deliver(tag)
    leases.skip(6)
    assert leases.open_above(0) == 3
    assert leases.open_above(2) == 1
    assert list(leases.finish([3, 4, 6])) == []
    assert list(leases.finish([1, 5])) == [(1, True), (5, False)]
    assert list(leases.finish([2])) == [(2, True)]
    assert leases.open_above(0) == 0


def test_a_batch_that_is_done_in_order_takes_one_ack() -> None:
    leases = Leases()
    leases.delivered = 1000
    assert list(leases.finish(range(1, 501))) == [(500, True)]
    assert list(leases.finish([1000, 501])) == [(501, True), (1000, False)]
    assert list(leases.finish(range(1, 1001))) == [(999, True)]
    assert leases.open_above(0) == 0


def test_confirms_count_what_is_unconfirmed_and_refused() -> None:
    confirms = Confirms()
    for size in (1, 2, 3, 4):
        confirms.add(size)
    confirms.settle(3, multiple=False, taken=True)
    assert (len(confirms), confirms.bytes) == (3, 7)
    confirms.settle(2, multiple=True, taken=False)
    confirms.settle(2, multiple=True, taken=False)
    assert (len(confirms), confirms.bytes, confirms.refused) == (1, 4, 2)
    confirms.settle(4, multiple=True, taken=True)
    assert (len(confirms), confirms.bytes) == (0, 0)


@pytest.mark.parametrize(
    ("error", "kind", "told"),
    [
        (
            exceptions.ChannelClosedByBroker(406, "PRECONDITION_FAILED - inequivalent arg 'x-queue-type'"),
            Misconfigured,
            "declare=no",
        ),
        (exceptions.ChannelClosedByBroker(403, "ACCESS_REFUSED - no"), Misconfigured, "permissions"),
        (exceptions.ChannelClosedByBroker(404, "NOT_FOUND - no queue 'q'"), Misconfigured, "Make it"),
        (exceptions.ChannelClosedByBroker(405, "RESOURCE_LOCKED"), Misconfigured, "exclusively"),
        (
            exceptions.ChannelClosedByBroker(406, "PRECONDITION_FAILED - message size 2 is larger than 1"),
            Rejected,
            "larger",
        ),
        (
            exceptions.ChannelClosedByBroker(406, "PRECONDITION_FAILED - delivery acknowledgement timed out"),
            Unavailable,
            "timed out",
        ),
        (exceptions.ConnectionClosedByBroker(320, "CONNECTION_FORCED - shutdown"), Unavailable, "shutdown"),
        (exceptions.ConnectionClosedByBroker(530, "NOT_ALLOWED - vhost 'v' is down"), Unavailable, "is down"),
        (
            exceptions.ProbableAccessDeniedError("ConnectionClosedByBroker: (530) 'vhost v not found'"),
            Misconfigured,
            "virtual host",
        ),
        (exceptions.ProbableAuthenticationError("StreamLostError: ('reset',)"), Unavailable, "reset"),
        (exceptions.AMQPConnectionError(OSError(111, "Connection refused")), Unavailable, "Connection refused"),
        (exceptions.AMQPConnectionError(), Unavailable, "AMQPConnectionError"),
    ],
)
def test_pikas_errors_become_ours_with_what_to_do(error: BaseException, kind: type[HeadraceError], told: str) -> None:
    made = translate(error, "RabbitMQ at host:1")
    assert type(made) is kind
    assert told in str(made)
    assert str(made).startswith("RabbitMQ at host:1")


def test_a_wrong_password_and_a_missing_virtual_host_are_misconfigured(queue: OwnQueue) -> None:
    host = queue.url.rpartition("@")[2].rstrip("/")
    for url in (f"amqp://guest:{SECRET.replace('/', '%2F')}@{host}", f"amqp://guest:guest@{host}/no-such-host"):
        with pytest.raises(Misconfigured, match="check user, password, virtual host") as caught:
            RabbitmqBroker.from_url(url).publish(bodies("a"))
        assert SECRET not in str(caught.value)


def test_if_no_node_answers_each_is_named() -> None:
    broker = RabbitmqBroker.from_url("amqp://127.0.0.1:1,127.0.0.1:2/")
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1.*127\.0\.0\.1:2: .*refused"):
        broker.publish(bodies("a"))
    broker.close()


def test_a_node_that_does_not_answer_is_passed_over(queue: OwnQueue) -> None:
    account, _, rest = queue.url.rpartition("@")
    broker = RabbitmqBroker.from_url(f"{account}@127.0.0.1:1,{rest}?queue={queue.name}")
    with closing(broker):
        broker.publish(bodies("a"))
        assert data(take(broker, 1)) == ["a"]


def test_a_queue_made_with_other_arguments_is_misconfigured_and_used_with_declare_no(queue: OwnQueue) -> None:
    queue.channel.queue_declare(queue.name, durable=True, arguments={"x-queue-type": "classic"})
    with pytest.raises(Misconfigured, match=r"made with other arguments.*declare=no"):
        queue.connect().publish(bodies("a"))
    queue.channel.exchange_declare(queue.name, "fanout", durable=True)
    queue.channel.queue_bind(queue.name, queue.name)
    broker = queue.connect("&declare=no")
    broker.publish(bodies("a"))
    assert data(take(broker, 1)) == ["a"]


def test_a_missing_queue_with_declare_no_is_misconfigured(queue: OwnQueue) -> None:
    with pytest.raises(Misconfigured, match="leave out declare=no"):
        queue.connect("&declare=no").receive(LARGE, 0)


def test_other_queues_take_the_sources_that_they_want(queue: OwnQueue) -> None:
    queue.connect().publish([])
    broker = queue.connect()
    broker.publish(bodies("made"))
    own = queue.channel.queue_declare("", exclusive=True).method.queue
    queue.channel.queue_bind(own, queue.name, "twitter.#")
    broker.publish([Body(b"a", "twitter.sweden"), Body(b"b", "mastodon"), Body(b"c", "twitter"), Body(b"d", "ö" * 200)])
    assert data(take(broker, 5)) == ["a", "b", "c", "d", "made"]
    assert {queue.channel.basic_get(own, auto_ack=True)[2] for _ in range(2)} == {b"a", b"c"}
    assert queue.channel.basic_get(own)[0] is None


def test_a_queue_takes_only_the_keys_that_the_url_names(queue: OwnQueue) -> None:
    broker = queue.connect("&keys=twitter.%23,mastodon")
    broker.publish([Body(b"a", "twitter.sweden"), Body(b"b", "mastodon")])
    assert data(take(broker, 2)) == ["a", "b"]
    with pytest.raises(Unavailable, match="no queue takes what is published"):
        broker.publish([Body(b"c", "files")])


def test_publishing_to_a_deleted_queue_is_unavailable_and_the_queue_is_made_again(queue: OwnQueue) -> None:
    broker = queue.connect()
    broker.publish(bodies("a"))
    queue.channel.queue_delete(queue.name)
    with pytest.raises(Unavailable, match="no queue takes"):
        broker.publish(bodies("b"))
    broker.publish(bodies("b"))
    assert data(take(broker, 1)) == ["b"]


def test_a_body_beyond_the_limit_is_rejected_and_the_next_goes_through(queue: OwnQueue) -> None:
    broker = queue.connect()
    with pytest.raises(Rejected, match="16,777,217 bytes; the limit is 16,777,216"):
        broker.publish([*bodies("a"), Body(bytes((16 << 20) + 1))])
    broker.publish(bodies("b"))
    assert data(take(broker, 1)) == ["b"]


def test_two_batches_are_fetched_ahead_as_soon_as_the_size_of_bodies_is_known_however_slowly_they_came(
    queue: OwnQueue,
) -> None:
    broker, publisher = queue.connect(), queue.connect()
    for number in range(20):
        publisher.publish([Body(b"%07d" % number + b"x" * 293, "suite")])
        broker.ack(take(broker, 1, limit=1 << 16))
    assert not broker.receive(1 << 16, 0)
    publisher.publish([Body(b"%07d" % number + b"x" * 293, "suite") for number in range(3000)])
    batch = (1 << 16) // 300
    until(lambda: queue.ready() <= 3000 - 2 * batch, "two batches are fetched")
    assert queue.ready() >= 3000 - 4 * batch
    held = broker.receive(1 << 16, PATIENCE)
    seen = [delivery.data for delivery in held]
    while len(seen) < 3000:
        following = broker.receive(1 << 16, PATIENCE)
        assert following, "nothing came while one batch was held"
        broker.ack(held)
        held = following
        seen += [delivery.data for delivery in held]
    assert len(set(seen)) == 3000


def test_large_bodies_that_come_after_many_small_ones_are_held_up_to_a_number_of_bytes(queue: OwnQueue) -> None:
    most, large, number = 1 << 18, 1 << 16, 200
    broker, publisher = queue.connect(ahead=most), queue.connect()
    publisher.publish([Body(b"%d" % number) for number in range(2000)])
    small = 0
    while small < 2000:
        broker.ack(got := take(broker, 1, limit=1 << 16))
        small += len(got)
    publisher.publish([Body(b"%03d" % number + bytes(large)) for number in range(number)])
    seen, held, most_held = set[bytes](), list[Delivery](), 0
    while len(seen) < number:
        broker.keep(held)
        most_held = max(most_held, broker._arrivals.bytes)
        following = broker.receive(1 << 16, PATIENCE)
        assert following, f"{len(seen)} bodies came of {number}"
        broker.ack(held)
        held = following
        seen |= {one.data[:3] for one in held if len(one.data) > large}
    assert most // 2 < most_held <= most
    broker.ack(held)
    broker.close()
    assert queue.ready() == 0


def test_a_body_that_is_larger_than_all_that_may_be_held_comes_alone(queue: OwnQueue) -> None:
    broker = queue.connect(ahead=1000)
    broker.publish([Body(b"%d" % number * 2000) for number in range(8)])
    for _ in range(8):
        broker.ack(take(broker, 1, limit=100))
        assert broker._arrivals.bytes <= 2000
    assert queue.ready() == 0


def test_a_connection_that_is_cut_between_two_calls_is_opened_again(queue: OwnQueue) -> None:
    wire = queue.wire()
    broker = queue.connect(through=wire)
    broker.publish(bodies("a"))
    wire.cut()
    again(lambda: broker.publish(bodies("b")))
    wire.cut()
    come(broker, "a", "b")


def test_leases_end_with_their_connection_and_their_receipts_ack_nothing(queue: OwnQueue) -> None:
    wire = queue.wire()
    broker = queue.connect(through=wire)
    broker.publish(bodies("a", "b"))
    stale = take(broker, 2)
    wire.cut()
    with pytest.raises(Unavailable):
        keep_for_ever(broker, stale)
    broker.keep(stale)
    fresh = take(broker, 2)
    broker.ack(stale)
    broker.close()
    assert data(take(queue.connect(), 2)) == data(fresh) == ["a", "b"]


def test_an_ack_for_a_lost_connection_does_nothing(queue: OwnQueue) -> None:
    wire = queue.wire()
    broker = queue.connect(through=wire)
    broker.publish(bodies("a"))
    held = take(broker, 1)
    wire.cut()
    with pytest.raises(Unavailable):
        keep_for_ever(broker, held)
    broker.ack(held)
    assert data(take(broker, 1)) == ["a"]


def test_publishing_to_a_silent_server_is_unavailable_and_may_have_succeeded(queue: OwnQueue) -> None:
    wire = queue.wire()
    broker = queue.connect(through=wire, patience=0.2)
    insist(lambda: broker.publish(bodies("a")))
    wire.stall()
    with pytest.raises(Unavailable, match="nothing was confirmed"):
        broker.publish(bodies("b"))
    wire.flow()
    patient = queue.connect()
    patient.publish(bodies("c"))
    come(patient, "a", "c")


def test_results_go_to_an_exchange_of_their_own_and_a_queue_where_one_is_named(queue: OwnQueue) -> None:
    address = RabbitmqResults.from_url(queue.url)._address
    assert (address.to, address.queue) == ("headrace.results", "")
    with closing(RabbitmqResults.from_url(f"{queue.url}?queue={queue.name}&keys=language.sv")) as sink:
        sink.publish([Body(b"a", "language.sv"), Body(b"b", "language.en")])
    method, _, body = queue.channel.basic_get(queue.name, auto_ack=True)
    assert (method.exchange, method.routing_key, body) == (queue.name, "language.sv", b"a")
    assert queue.ready() == 0


def test_results_go_on_after_a_connection_was_cut(queue: OwnQueue) -> None:
    wire = queue.wire()
    account, _, rest = queue.url.rpartition("@")
    url = f"{account}@127.0.0.1:{wire.port}/{rest.partition('/')[2]}?queue={queue.name}"
    with closing(RabbitmqResults(parse(url, worked=False), patience=PATIENCE)) as sink:
        sink.publish(bodies("a"))
        wire.cut()
        again(lambda: sink.publish(bodies("b")))
    assert queue.ready() == 2


def test_a_missing_exchange_for_results_with_declare_no_is_misconfigured(queue: OwnQueue) -> None:
    sink = RabbitmqResults.from_url(f"{queue.url}?exchange={queue.name}&declare=no")
    with pytest.raises(Misconfigured, match="leave out declare=no"), closing(sink):
        sink.publish(bodies("a"))


def ask(queue: OwnQueue, data: bytes, **properties: Any) -> None:
    """Publish as another AMQP client may."""
    queue.channel.basic_publish(queue.name, "asking", data, pika.BasicProperties(**properties))


def replied(queue: OwnQueue, to: str) -> tuple[Any, Any, bytes]:
    """The next message in the queue `to`, once it has come."""

    def get() -> tuple[Any, Any, bytes] | None:
        found: tuple[Any, Any, bytes] = queue.channel.basic_get(to, auto_ack=True)
        return found if found[0] is not None else None

    found = until(get, "a reply")
    assert found is not None
    return found


def test_a_reply_goes_to_the_queue_that_a_message_names_with_its_correlation(queue: OwnQueue) -> None:
    broker = queue.connect()
    broker.publish([Body(b"silent")])
    own = queue.channel.queue_declare("", exclusive=True).method.queue
    ask(queue, b"a", reply_to=own, correlation_id="7")
    ask(queue, b"b", reply_to=own)
    found = {one.data: one for one in take(broker, 3)}
    assert found[b"silent"].reply is None
    for name in (b"a", b"b"):
        reply = found[name].reply
        assert reply is not None
        reply(b"answer to " + name)
    broker.ack(list(found.values()))
    broker.close()
    told = [replied(queue, own) for _ in range(2)]
    assert [(one[1].correlation_id, one[2]) for one in told] == [("7", b"answer to a"), (None, b"answer to b")]
    assert queue.channel.basic_get(own)[0] is None


def test_a_reply_reaches_a_publisher_that_uses_direct_reply_to(queue: OwnQueue) -> None:
    broker = queue.connect()
    broker.publish([])
    broker.publish(bodies("first"))
    told = list[bytes]()
    queue.channel.basic_consume(
        "amq.rabbitmq.reply-to", lambda _channel, _method, _properties, data: told.append(data), auto_ack=True
    )
    ask(queue, b"a", reply_to="amq.rabbitmq.reply-to")
    for one in take(broker, 2):
        if one.reply is not None:
            one.reply(b"answer")
        broker.ack([one])

    def answered() -> list[bytes]:
        queue.channel.connection.process_data_events(0.1)
        return told

    until(answered, "the answer")
    assert told == [b"answer"]


@pytest.mark.parametrize("to", ["nowhere", "amq.rabbitmq.reply-to.of-nobody", "x" * 255])
def test_a_reply_that_nobody_waits_for_blocks_nothing(queue: OwnQueue, to: str) -> None:
    broker = queue.connect()
    broker.publish([])
    broker.publish(bodies("first"))
    ask(queue, b"a", reply_to=to)
    held = take(broker, 2)
    for one in held:
        if one.reply is not None:
            one.reply(b"answer")
    broker.ack(held)
    broker.publish(bodies("b"))
    assert data(take(broker, 1)) == ["b"]
    assert queue.ready() == 0


def test_a_reply_is_sent_although_the_connection_that_received_the_question_is_lost(queue: OwnQueue) -> None:
    wire = queue.wire()
    broker = queue.connect(through=wire)
    broker.publish(bodies("first"))
    broker.ack(take(broker, 1))
    own = queue.channel.queue_declare("", exclusive=True).method.queue
    ask(queue, b"a", reply_to=own)
    (held,) = take(broker, 1)
    assert held.reply is not None
    held.reply(b"one")
    assert replied(queue, own)[2] == b"one"
    wire.cut()

    def comes_now() -> bool:
        held.reply(b"two")  # into the void, while it isn't known yet that the connection was lost
        return queue.channel.basic_get(own, auto_ack=True)[2] == b"two"

    until(comes_now, "a reply on another connection")
    with pytest.raises(Unavailable):
        keep_for_ever(broker, [held])
    assert data(take(broker, 1)) == ["a"]


def test_a_reply_is_dropped_if_no_node_answers(queue: OwnQueue) -> None:
    with Wire(*parse(queue.url).hosts[0]) as wire:
        broker = queue.connect(through=wire)
        broker.publish(bodies("first"))
        broker.ack(take(broker, 1))
        ask(queue, b"a", reply_to="nowhere")
        (held,) = take(broker, 1)
    assert held.reply is not None
    held.reply(b"answer")


def test_a_reply_that_is_too_large_is_dropped_and_the_leases_stay(queue: OwnQueue) -> None:
    broker = queue.connect()
    broker.publish(bodies("first"))
    broker.ack(take(broker, 1))
    ask(queue, b"a", reply_to="nowhere")
    (held,) = take(broker, 1)
    assert held.reply is not None
    held.reply(bytes((16 << 20) + 1))
    broker.ack([held])
    broker.close()
    assert queue.ready() == 0


def test_what_the_server_evicts_comes_with_its_reason_and_is_acked_like_all_else(
    queue: OwnQueue,
) -> None:
    broker = queue.connect()
    broker.backlog()
    for number in range(3):
        ask(queue, b"late %d" % number, expiration="1", reply_to="nowhere")
    until(lambda: queue.waiting_evicted() == 3, "what has expired")
    broker.publish(bodies("sound"))
    held = take(broker, 4)
    assert data(held) == ["late 0", "late 1", "late 2", "sound"]
    assert {one.data: one.evicted for one in held if one.evicted} == {b"late %d" % n: "expired" for n in range(3)}
    assert all(one.reply is not None for one in held if one.evicted)
    broker.ack(held[1:])
    broker.close()
    again = take(queue.connect(), 1)
    assert data(again) == data(held[:1])
    queue.connect().ack(again)  # a receipt of another connection


def test_a_queue_that_is_full_by_a_policy_refuses_what_is_published_and_evicts_nothing(queue: OwnQueue) -> None:
    made = dict(arguments(server_version(queue), f"{queue.name}.evicted"))
    queue.channel.queue_declare(f"{queue.name}.evicted", durable=True)
    queue.channel.queue_declare(queue.name, durable=True, arguments={**made, "x-max-length": 2})
    queue.channel.exchange_declare(queue.name, "topic", durable=True)
    queue.channel.queue_bind(queue.name, queue.name, "#")
    broker = queue.connect("&declare=no")
    published = list[str]()
    with pytest.raises(Unavailable, match="refused 1 bodies; the queue is full"):
        publish_for_ever(broker, published)
    assert queue.ready() >= len(published)
    assert queue.waiting_evicted() == 0


def test_a_message_of_plain_text_is_a_document(queue: OwnQueue) -> None:
    broker, store = queue.connect(), MemoryStore()
    broker.publish([Body(encode(Document("ours", "hello", published_at=5)))])
    ask(queue, "Vad är klockan?".encode("latin-1"), content_type="text/plain; charset=iso-8859-1")
    ask(queue, b'{"n": 7, "payload": "mapped"}', content_type="application/json")
    settings = msgspec.structs.replace(setup(), fields="text=payload, id=n")
    Keeper(broker, store, settings, deadline=60.0, stop=Stop(), drain=True).run()
    found = {one.text: one.id for one in store.find(ResultQuery()).items}
    assert found.keys() == {"hello", "Vad är klockan?", "mapped"}
    assert (found["hello"], found["mapped"], letters(store)) == ("ours", "7", [])


def test_a_message_may_be_a_cloudevent_and_its_id_that_of_the_document(queue: OwnQueue) -> None:
    broker, store = queue.connect(), MemoryStore()
    event = {"specversion": "1.0", "id": "7", "source": "/shop", "type": "review"}
    at = datetime(2026, 1, 31, 12, tzinfo=UTC)
    broker.publish([Body(encode(Document("ours", "hello", published_at=5)))])
    headers = {**{f"cloudEvents:{name}": value for name, value in event.items()}, "cloudEvents:time": at, "x": {}}
    ask(queue, b'{"payload": "binary"}', content_type="application/json", headers=headers)
    ask(queue, encode({**event, "id": "8", "data": "structured"}), content_type="application/cloudevents+json")
    ask(queue, b'{"payload": "called m"}', message_id="m")
    settings = msgspec.structs.replace(setup(), fields="text=payload, id=@key")
    Keeper(broker, store, settings, deadline=60.0, stop=Stop(), drain=True).run()
    found = {one.id: (one.text, one.created_at) for one in store.find(ResultQuery()).items}
    assert found == {
        "/shop|7": ("binary", "2026-01-31T12:00:00Z"),
        "/shop|8": ("structured", None),
        "m": ("called m", None),
        "ours": ("hello", None),
    }
    assert letters(store) == []


def test_properties_that_are_not_text_stop_no_worker(queue: OwnQueue) -> None:
    broker, store = queue.connect(), MemoryStore()
    broker.publish([Body(encode(Document("ours", "hello", published_at=5)))])
    for name in ("content_type", "message_id", "reply_to", "correlation_id"):
        ask(queue, encode({"text": name}), **{name: b"\xff"})
    ask(queue, encode({"text": "headers"}), headers={"x": b"\xff", "ce_id": None})
    ask(queue, encode({"text": "encoding"}), content_encoding=b"\xff")
    settings = msgspec.structs.replace(setup(), fields="id=@key")
    Keeper(broker, store, settings, deadline=60.0, stop=Stop(), drain=True).run()
    texts = {one.text for one in store.find(ResultQuery()).items}
    assert texts == {"hello", "content_type", "message_id", "reply_to", "correlation_id", "headers"}
    (letter,) = letters(store)
    assert "is not known" in letter.reason


def test_a_result_as_an_event_has_its_content_type(queue: OwnQueue, rabbitmq: str) -> None:
    with closing(RabbitmqResults.from_url(f"{rabbitmq}?exchange={queue.name}.results&queue={queue.name}")) as sink:
        sink.publish([Body(b"{}", "m.a", "application/cloudevents+json"), Body(b"lines", "m.a")])
    got = [queue.channel.basic_get(queue.name, auto_ack=True) for _ in range(2)]
    assert [(one[2], one[1].content_type) for one in got] == [
        (b"{}", "application/cloudevents+json"),
        (b"lines", "application/jsonl"),
    ]
    queue.channel.exchange_delete(f"{queue.name}.results")


def test_compressed_messages_are_unpacked_or_buried_and_answered(queue: OwnQueue) -> None:
    broker, store, own = queue.connect(), MemoryStore(), queue.channel.queue_declare("", exclusive=True).method.queue
    broker.publish([Body(encode(Document("plain", "hello")))])
    for name, pack in (("gzip", gzip.compress), ("deflate", zlib.compress)):
        ask(queue, pack(encode(Document(name, name))), content_encoding=name.upper(), reply_to=own, correlation_id=name)
    ask(queue, b"\x0b\x02\n\n", content_encoding="br", reply_to=own, correlation_id="br")
    ask(queue, encode(Document("text", "said to be text")), content_encoding="utf-8")
    Keeper(broker, store, setup(), deadline=60.0, stop=Stop(), drain=True).run()
    assert {one.id for one in store.find(ResultQuery()).items} == {"plain", "gzip", "deflate", "text"}
    (letter,) = letters(store)
    assert (letter.data, letter.kind) == (b"\x0b\x02\n\n", "malformed")
    assert "'br' is not known" in letter.reason
    told = {one[1].correlation_id: one[2] for one in (replied(queue, own) for _ in range(3))}
    assert b'"id":"gzip"' in told["gzip"]
    assert b"is not known" in told["br"]
    broker.close()
    assert queue.ready() == 0


def server_version(queue: OwnQueue) -> str:
    """What the server says at the handshake."""
    properties = queue.channel.connection._impl.server_properties
    return str(properties["version"])


def test_heartbeats_go_on_while_a_model_takes_longer_than_their_interval(queue: OwnQueue) -> None:
    broker = queue.connect(heartbeat=2)

    def nothing_is_given_again() -> bool:
        store = MemoryStore()
        insist(lambda: broker.publish([Body(encode(Document(text, text))) for text in ("HANG", "next")]))
        stop = Stop()
        end = Timer(60, stop.request)  # for a worker that is given the same again and again
        end.start()
        with logged() as said:
            Keeper(broker, store, setup(), deadline=4.0, stop=stop, drain=True).run()
        end.cancel()
        assert {letter.kind for letter in letters(store)} <= {"overdue"}
        until(lambda: queue.ready() == 0, "the end of what was published")
        return said == ["stopped: 2 received, 1 stored, 1 buried"]

    # A machine that stands still for four seconds ends the connection, too; but not each time.
    until(nothing_is_given_again, "a run in which nothing was given again, or waited for")


def test_a_connection_that_falls_silent_is_given_up_by_its_heartbeat(queue: OwnQueue) -> None:
    wire = queue.wire()
    broker = queue.connect(through=wire, heartbeat=1)
    insist(lambda: broker.publish(bodies("a")))

    def by_its_heartbeat() -> bool:
        wire.flow()
        held = come(broker, "a")
        wire.stall()
        with pytest.raises(Unavailable) as told:
            keep_for_ever(broker, held)
        return "heartbeat" in str(told.value)  # else it was lost before, as the machine stood still

    until(by_its_heartbeat, "a connection that was given up by its heartbeat")
    come(queue.connect(), "a")
