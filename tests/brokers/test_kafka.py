"""What Kafka's adapter does beyond the suite: addresses, prefixes and notes, refusals, and partitions that go to others."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier

import msgspec
import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from hypothesis import given
from hypothesis import strategies as st
from support import come, insist, setup, until
from support.own_topic import OwnTopic

from headrace.brokers.kafka import KafkaBroker, KafkaResults
from headrace.brokers.kafka.admin import RECORD_BYTES, warnings
from headrace.brokers.kafka.assignment import Assignment
from headrace.brokers.kafka.errors import translate
from headrace.brokers.kafka.member import AHEAD_KILOBYTES, FETCH_BYTES
from headrace.brokers.kafka.progress import NOTE_CHARACTERS, done_above
from headrace.brokers.kafka.url import KafkaUrl, parse
from headrace.documents import Body, Document, encode
from headrace.errors import HeadraceError, Misconfigured, Rejected, Unavailable
from headrace.ports import Backlog, Delivery
from headrace.runtime import Stop
from headrace.stores.memory import MemoryStore
from headrace.testing.brokers import LARGE, PATIENCE, bodies, data, take
from headrace.testing.outcomes import letters, results
from headrace.worker.keeper import Keeper

SECRET = "pass:w0rd/x"


def test_a_url_names_servers_account_and_queue() -> None:
    address = parse(
        "kafkas://me:pass%3Aw0rd%2Fx@one,two:5673,[::1]:5674/texts?group=g&partitions=3&replication=3&mechanism=SCRAM-SHA-512"
        "&session=20&poll=60&body_bytes=4096"
    )
    assert address.hosts == "one:9092,two:5673,[::1]:5674"
    assert (address.topic, address.group, address.partitions, address.replication) == ("texts", "g", 3, 3)
    assert (address.session, address.poll, address.body_bytes) == (20, 60, 4096)
    assert address.security == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "me",
        "sasl.password": SECRET,
    }


@pytest.mark.parametrize("path", ["", "/"])
def test_what_a_url_leaves_out_has_a_default(path: str) -> None:
    address = parse(f"kafka://host{path}")
    assert address == KafkaUrl("host:9092", security={"security.protocol": "PLAINTEXT"})
    assert (address.topic, address.group) == ("headrace", "headrace")
    assert parse(f"kafkas://host{path}").security == {"security.protocol": "SSL"}
    assert parse(f"kafka://me:x@host{path}").security["security.protocol"] == "SASL_PLAINTEXT"


def test_an_address_shows_no_password() -> None:
    address = parse("kafkas://me:pass%3Aw0rd%2Fx@host/t")
    assert SECRET not in f"{address} {address!r}"
    assert str(address) == "kafkas://host:9092/t"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("kafka:///t", "is not a host"),
        ("kafka://a,,b/t", "is not a host"),
        ("kafka://host:99999/", "is not a host"),
        ("kafka://host/a/b", "is not a topic's name"),
        ("kafka://host/..", "is not a topic's name"),
        ("kafka://host/" + "x" * 250, "is not a topic's name"),
        ("kafka://host/?gruop=x", "did you mean group"),
        ("kafka://host/?group=", "1 to 255 bytes"),
        ("kafka://host/?partitions=0", "from 1 to 10000"),
        ("kafka://host/?replication=many", "from 0 to 99"),
        ("kafka://host/?session=20&poll=10", "poll of kafka:// is a number from 20"),
        ("kafka://me:x@host/?mechanism=MD5", "is one of PLAIN"),
        ("kafka://host/?mechanism=PLAIN", "is for a user and a password"),
        ("kafka://host/?cacertfile=/nowhere.pem", "is for kafkas:"),
        ("kafkas://host/?cacertfile=/nowhere.pem", "there is no such file"),
    ],
)
def test_a_wrong_url_is_refused_with_a_hint_how_to_write_it(url: str, told: str) -> None:
    with pytest.raises(Misconfigured, match=told):
        KafkaBroker.from_url(url)


@given(
    st.sets(st.integers(0, 40)),
    st.integers(0, 10),
    st.lists(st.tuples(st.integers(0, 40), st.sets(st.integers(0, 40)), st.booleans()), max_size=8),
)
def test_the_next_owner_of_a_partition_gets_what_is_not_done_and_nothing_else(
    offsets: set[int], first: int, turns: list[tuple[int, set[int], bool]]
) -> None:
    there = sorted(offset for offset in offsets if offset >= first)  # the others were deleted, or hold no body
    done = set[int]()
    assignment, left = Assignment(0, first), list(there)
    delivered = set[int]()
    for number, finished, given_away in turns:
        came, left = left[:number], left[number:]
        for offset in came:
            if assignment.take(offset):
                assert offset not in done, "what is done must not come again"
                delivered.add(offset)
        assignment.finish(finished)
        done |= finished & delivered
        assert assignment.open == len(delivered - done)
        committed, note = assignment.state
        assert not {offset for offset in there if offset < committed} - done, (
            "the server goes on above what is not done"
        )
        assert done_above(note) >= len({offset for offset in done if offset >= committed})
        if given_away:
            assignment, left = Assignment(0, committed, note), [offset for offset in there if offset >= committed]
            delivered.clear()
    committed, note = assignment.state
    last = Assignment(0, committed, note)
    assert {offset for offset in there if offset >= committed and last.take(offset)} == set(there) - done


def test_what_is_done_in_order_needs_no_note() -> None:
    assignment = Assignment(0, 5)
    for offset in range(5, 1000):
        assignment.take(offset)
    assert not assignment.has_changed
    assignment.finish(range(5, 500))
    assert assignment.state == (500, "")
    assignment.finish(range(600, 700))
    assert assignment.state == (500, "100,100")
    assert assignment.has_changed
    assignment.mark_committed(assignment.state)
    assert not assignment.has_changed


def test_a_note_that_is_too_long_for_the_server_is_cut_and_stays_true() -> None:
    assignment = Assignment(0)
    for offset in range(9000):
        assignment.take(offset)
    assignment.finish(range(1, 9000, 2))
    committed, note = assignment.state
    assert (committed, len(note) <= NOTE_CHARACTERS) == (0, True)
    following = Assignment(0, committed, note)
    again = {offset for offset in range(9000) if following.take(offset)}
    assert set(range(0, 9000, 2)) <= again
    assert len(again) == 9000 - done_above(note) < 9000


@pytest.mark.parametrize("note", ["", "x", "1,-2", "1;2", "1.5,2", ",", "9" * 30, "7"])
def test_a_note_that_is_not_ours_says_that_nothing_is_done(note: str) -> None:
    assignment = Assignment(0, 3, note)
    assert [offset for offset in range(10) if assignment.take(offset)] == list(range(3, 10))
    assert done_above(note) == 0


def test_offsets_without_a_body_count_as_done_once_they_were_passed() -> None:
    assignment = Assignment(0, 3)
    assignment.take(3)
    assignment.reach(6)
    assert assignment.state == (3, "1,2")
    assignment.finish([3])
    assert assignment.state == (6, "")


@pytest.mark.parametrize(
    ("code", "kind", "told"),
    [
        (KafkaError._AUTHENTICATION, Misconfigured, "check user"),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, Misconfigured, "let this user"),
        (KafkaError.GROUP_AUTHORIZATION_FAILED, Misconfigured, "this group"),
        (KafkaError.INVALID_REPLICATION_FACTOR, Misconfigured, "replication"),
        (KafkaError.INVALID_SESSION_TIMEOUT, Misconfigured, "session"),
        (KafkaError.INCONSISTENT_GROUP_PROTOCOL, Misconfigured, "another"),
        (KafkaError.MSG_SIZE_TOO_LARGE, Rejected, "large"),
        (KafkaError._MSG_TIMED_OUT, Unavailable, "timed out"),
        (KafkaError.NOT_ENOUGH_REPLICAS, Unavailable, "replicas"),
    ],
)
def test_the_drivers_errors_become_ours_with_what_to_do(code: int, kind: type[HeadraceError], told: str) -> None:
    for error in (KafkaError(code), KafkaException(KafkaError(code))):
        made = translate(error, "publishing to kafka://host/t")
        assert type(made) is kind
        assert told in str(made).lower() or told in str(made)
        assert str(made).startswith("publishing to kafka://host/t: ")


@pytest.mark.parametrize(
    ("config", "replicas", "told"),
    [
        ({}, 3, ""),
        ({"min.insync.replicas": "2", "retention.ms": "604800000", "retention.bytes": "-1"}, 3, ""),
        ({"min.insync.replicas": "1"}, 1, "one replica"),
        ({"min.insync.replicas": "1"}, 3, "min.insync.replicas to 2"),
        ({"unclean.leader.election.enable": "true"}, 3, "unclean"),
        ({"retention.ms": "3600000"}, 3, "within 1.0 hours"),
        ({"retention.bytes": "1000000"}, 3, "1,000,000 bytes"),
    ],
)
def test_settings_that_lose_something_are_warned_of(config: dict[str, str], replicas: int, told: str) -> None:
    found = warnings(KafkaUrl("host:9092"), config, replicas)
    assert [told in one for one in found] == ([True] if told else [])


def test_if_no_server_answers_every_call_says_so_at_once_and_without_the_password() -> None:
    broker = KafkaBroker.from_url("kafka://me:pass%3Aw0rd%2Fx@127.0.0.1:1,127.0.0.1:2/t")
    for call in (lambda: broker.publish(bodies("a")), lambda: broker.receive(LARGE, 0), broker.backlog):
        with pytest.raises(
            Unavailable, match=r"connecting to kafka://127\.0\.0\.1:1,127\.0\.0\.1:2/t: .*refused"
        ) as caught:
            call()
        assert SECRET not in str(caught.value)
    broker.keep([])
    broker.close()


def test_a_missing_topic_is_created_as_the_url_says(topic: OwnTopic) -> None:
    topic.connect("&partitions=5&body_bytes=5000").publish([])
    broker = topic.connect("&partitions=5&body_bytes=5000")
    assert broker.body_bytes() == 5000
    broker.publish([Body(b"x" * 5000)])
    assert len(topic.admin.list_topics(topic.name).topics[topic.name].partitions) == 5
    assert topic.connect().body_bytes() == 5000


def test_connections_that_create_a_topic_at_once_agree_on_its_limit(topic: OwnTopic) -> None:
    gate = Barrier(4)

    def most(number: int) -> int:
        broker = topic.connect(f"&partitions=1&body_bytes={5000 + number}")
        gate.wait()
        return broker.body_bytes()

    with ThreadPoolExecutor(4) as beside:
        limits = list(beside.map(most, range(4)))
    assert limits == [topic.connect().body_bytes()] * 4


def test_a_replication_beyond_the_number_of_nodes_is_misconfigured(topic: OwnTopic) -> None:
    with pytest.raises(Misconfigured, match=r"replication=N"):
        topic.connect("&replication=5").publish(bodies("a"))


def test_a_session_that_the_server_does_not_allow_is_misconfigured(topic: OwnTopic) -> None:
    broker = topic.connect("&session=1")
    with pytest.raises(Misconfigured, match=r"group.min.session.timeout.ms"):
        take(broker, 1)


def test_a_compacted_topic_is_refused(topic: OwnTopic) -> None:
    topic.make(cleanup_policy="compact")
    with pytest.raises(Misconfigured, match=r"compacted.*cleanup\.policy"):
        topic.connect().publish(bodies("a"))


def test_an_existing_topic_is_used_as_it_is_and_its_limit_counts(topic: OwnTopic) -> None:
    topic.make(max_message_bytes="3000")
    broker = topic.connect()
    most = 3000 - RECORD_BYTES
    with pytest.raises(Rejected, match=f"{most + 1:,} bytes; the limit is {most:,}"):
        broker.publish([*bodies("a"), Body(bytes(most + 1))])
    broker.publish([Body(b"x" * most)])
    assert data(take(broker, 1)) == ["x" * most]


def test_a_topic_that_was_deleted_is_created_again(topic: OwnTopic) -> None:
    broker = topic.connect(patience=1)
    insist(lambda: broker.publish(bodies("a")))
    topic.admin.delete_topics([topic.name])[topic.name].result()
    until(lambda: topic.name not in topic.admin.list_topics(timeout=PATIENCE).topics, "the end of the topic")
    insist(lambda: broker.publish(bodies("b")))
    assert set(data(come(topic.connect(), "b"))) == {"b"}


def test_many_small_bodies_come_in_large_batches_and_two_batches_can_be_held(topic: OwnTopic) -> None:
    broker = topic.connect()
    broker.publish([Body(b"%07d" % number + b"x" * 293, "suite") for number in range(3000)])
    seen = list[bytes]()
    held = broker.receive(1 << 16, PATIENCE)
    sizes = list[int]()
    while len(seen) + len(held) < 3000:
        following = broker.receive(1 << 16, PATIENCE)
        assert following, "nothing came while one batch was held"
        broker.ack(held)
        seen += [delivery.data for delivery in held]
        sizes.append(len(held))
        held = following
    seen += [delivery.data for delivery in held]
    assert len(set(seen)) == 3000
    assert max(sizes) == (1 << 16) // 300


def test_large_bodies_that_come_after_many_small_ones_are_held_up_to_a_number_of_bytes(topic: OwnTopic) -> None:
    broker, large = topic.connect("&partitions=2"), 1 << 19
    broker.publish([Body(b"%d" % number) for number in range(3000)])
    small = 0
    while small < 3000:
        broker.ack(got := take(broker, 1, limit=1 << 16))
        small += len(got)
    broker.publish([Body(bytes(large)) for _ in range(40)])
    taken, most_held = 0, 0
    while taken < 40:
        broker.ack(got := take(broker, 1, limit=1 << 16))
        taken += len(got)
        most_held = max(most_held, broker._arrivals.bytes)
    assert most_held <= (AHEAD_KILOBYTES << 10) + FETCH_BYTES + large


def test_bodies_of_one_source_go_to_several_partitions(topic: OwnTopic) -> None:
    broker = topic.connect()
    seen = set[int]()

    def several_have_some() -> bool:
        broker.publish([Body(b"x" * 1000, "one source")] * 100)
        seen.update(delivery.receipt[0].partition for delivery in take(broker, 1))
        return len(seen) > 1

    until(several_have_some, "a body in another partition")


def test_the_backlog_counts_what_is_not_done_and_has_its_age(topic: OwnTopic) -> None:
    worker, other = topic.connect(), topic.connect()
    other.publish(bodies("a", "b", "c", "d"))
    held = take(worker, 4)
    worker.ack(held[1:3])
    assert worker.backlog().ready == 0

    def without_what_is_done() -> Backlog | None:
        worker.keep(held)
        told = other.backlog()
        return told if told.ready == 2 and told.oldest is not None else None  # the age, where it comes soon

    backlog = until(without_what_is_done, "word of what is done")
    assert backlog is not None
    assert backlog.leased is None
    assert backlog.oldest is not None
    assert 0 <= backlog.oldest < 3600
    assert worker.backlog().ready == 0
    worker.ack(held)
    worker.close()
    assert (other.backlog().ready, other.backlog().oldest) == (0, None)


def test_records_of_transactions_do_not_count_as_backlog(topic: OwnTopic) -> None:
    broker = topic.connect("&partitions=1")
    broker.publish(bodies("a"))
    producer = Producer({"bootstrap.servers": topic.server, "transactional.id": topic.name})
    producer.init_transactions(PATIENCE)
    producer.begin_transaction()
    producer.produce(topic.name, b"b")
    producer.commit_transaction(PATIENCE)
    broker.ack(take(broker, 2))
    assert until(lambda: [broker.receive(LARGE, 0.01), broker.backlog().ready == 0][1])


def all_that_is_left(broker: KafkaBroker) -> list[Delivery]:
    """Receive as the only worker of the group until it holds everything."""
    got = list[Delivery]()

    def has_all() -> bool:
        got.extend(broker.receive(LARGE, 0.05))
        return broker.backlog().ready == 0

    until(has_all, "the end of the backlog")
    return got


def test_two_workers_and_a_rebalance_lose_nothing_and_stale_receipts_ack_nothing(topic: OwnTopic) -> None:
    one = topic.connect()
    one.body_bytes()  # makes the topic
    for partition in range(4):
        topic.put(*(f"{partition}-{number}" for number in range(100)), partition=partition)
    held = take(one, 400)
    two = topic.connect()
    got = list[Delivery]()

    def second_has_some() -> bool:
        one.keep(held)
        got.extend(two.receive(LARGE, 0.02))
        return bool(got)

    until(second_has_some, "what the first had to give away")
    one.ack(held)
    one.close()
    got += all_that_is_left(two)
    again = {delivery.data for delivery in got}
    assert 0 < len(again) < 400
    two.close()  # nothing of it is done
    third = topic.connect()
    assert {delivery.data for delivery in all_that_is_left(third)} == again


def stands(broker: KafkaBroker, delivery: Delivery) -> bool:
    """Whether a lease is still valid, as far as the worker knows."""
    assignment = delivery.receipt[0]
    return broker._member is not None and broker._member._assigned.get(assignment.partition) is assignment


def test_a_worker_that_stops_calling_loses_its_leases_and_can_go_on(topic: OwnTopic) -> None:
    alive, stuck = topic.connect("&partitions=2"), topic.connect("&partitions=2&session=6&poll=6")
    published = set[bytes]()
    holding: dict[str, list[Delivery]] = {"alive": [], "stuck": []}

    def both_have_some() -> bool:
        names = [secrets.token_hex(4) for _ in range(2)]
        for partition, name in enumerate(names):
            topic.put(name, partition=partition)
        published.update(name.encode() for name in names)
        for name, broker in (("alive", alive), ("stuck", stuck)):
            holding[name] += broker.receive(LARGE, 0.05)
            holding[name] = [one for one in holding[name] if stands(broker, one)]
        return all(holding.values())

    alive.body_bytes()  # makes the topic
    until(both_have_some, "a body for each")
    kept, lost = ({one.data for one in holding[name]} for name in ("alive", "stuck"))
    more = set[bytes]()

    def what_was_stuck_came() -> bool:
        alive.keep(holding["alive"])
        more.update(one.data for one in alive.receive(LARGE, 0.05))
        return lost <= more

    until(what_was_stuck_came, "what the stuck one had")
    assert not kept & more, "what is kept must not come again"
    stuck.ack(holding["stuck"])  # stale
    alive.close()
    come(stuck, *(name.decode() for name in published))


def produce(topic: OwnTopic, value: bytes, key: bytes | None = None, **headers: bytes | None) -> None:
    """Publish as another program would."""
    producer = Producer({"bootstrap.servers": topic.server})
    named: list[tuple[str, str | bytes | None]] = [(name.replace("__", "-"), value) for name, value in headers.items()]
    producer.produce(topic.name, value, key, headers=named)
    assert producer.flush(PATIENCE) == 0


def test_a_header_names_the_content_encoding(topic: OwnTopic) -> None:
    broker = topic.connect()
    broker.publish(bodies("plain"))
    produce(topic, b"packed", Content__Encoding=b"gzip", other=None)
    assert {one.data: one.encoding for one in take(broker, 2)} == {b"plain": "", b"packed": "gzip"}


def test_headers_and_the_key_are_handed_over(topic: OwnTopic) -> None:
    broker = topic.connect()
    broker.publish(bodies("ours"))
    produce(topic, b"theirs", b"k", Content__Type=b"text/plain; charset=latin-1", ce_id=b"7", other=None)
    produce(topic, b"binary", b"\xff")
    found = {one.data: (one.content_type, one.headers, one.key) for one in take(broker, 3)}
    headers = (("Content-Type", "text/plain; charset=latin-1"), ("ce_id", "7"))
    assert found[b"theirs"] == ("text/plain; charset=latin-1", headers, "k")
    assert found[b"ours"] == found[b"binary"] == ("", (), "")


def test_a_topic_of_others_is_taken_as_it_is(topic: OwnTopic) -> None:
    broker, store = topic.connect(), MemoryStore()
    broker.publish([Body(encode(Document("ours", "of ours", published_at=5)))])
    produce(topic, b'{"payload": {"body": "of json"}}', b"k1")
    produce(topic, "gr\xfcn".encode("latin-1"), b"k2", content__type=b"text/plain; charset=iso-8859-1")
    event = {"ce_specversion": b"1.0", "ce_id": b"7", "ce_source": b"/shop", "ce_type": b"review"}
    produce(topic, b'{"payload": {"body": "of binary mode"}}', content__type=b"application/json", **event)
    structured = {"specversion": "1.0", "id": "8", "source": "/shop", "type": "review", "data": "of structured mode"}
    produce(topic, encode(structured), b"k3", content__type=b"application/cloudevents+json; charset=UTF-8")
    produce(topic, b"\0\1", content__type=b"application/cloudevents+avro")
    settings = msgspec.structs.replace(setup(), fields="text=/payload/body, id=@key")
    Keeper(broker, store, settings, deadline=60.0, stop=Stop(), drain=True).run()
    found = {one.text: one.id for one in results(store)}
    assert found == {
        "of ours": "ours",
        "of json": "k1",
        "gr\xfcn": "k2",
        "of binary mode": "/shop|7",
        "of structured mode": "k3",  # as fields say
    }
    assert [letter.data for letter in letters(store)] == [b"\0\1"]
    assert broker.backlog().ready == 0


def test_a_result_as_an_event_has_its_content_type(topic: OwnTopic, kafka: str) -> None:
    with closing(KafkaResults.from_url(f"{kafka}{topic.name}?partitions=1")) as sink:
        sink.publish([Body(b"{}", "m.a", "application/cloudevents+json"), Body(b"lines", "m.a")])
    found = {one.data: (one.content_type, one.key) for one in take(topic.connect(), 2)}
    assert found == {b"{}": ("application/cloudevents+json", "m.a"), b"lines": ("", "m.a")}


def test_a_reader_of_another_group_gets_everything_too(topic: OwnTopic) -> None:
    broker = topic.connect()
    broker.publish(bodies("a", "b"))
    broker.ack(take(broker, 2))
    reader = Consumer(
        {"bootstrap.servers": topic.server, "group.id": f"{topic.name}-x", "auto.offset.reset": "earliest"}
    )
    reader.subscribe([topic.name])
    seen = set[bytes | None]()

    def all_came() -> bool:
        message = reader.poll(0.1)
        if message is not None and message.error() is None:
            seen.add(message.value())
        return len(seen) == 2

    until(all_came, "what was published")
    reader.close()
    assert seen == {b"a", b"b"}
