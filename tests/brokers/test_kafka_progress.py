"""Where a group goes on in Kafka: after bodies were deleted, a log was cut, or a topic was made anew."""

import re

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import NewPartitions  # type: ignore[attr-defined]
from support import come, until
from support.own_topic import OwnTopic

from headrace.brokers.kafka import KafkaBroker
from headrace.brokers.kafka.client import Reports, settings
from headrace.brokers.kafka.progress import Log, Place, note, resume
from headrace.brokers.kafka.url import parse
from headrace.documents import Body
from headrace.errors import Unavailable
from headrace.testing.brokers import PATIENCE, bodies, data, take

OLD, NEW = "o-_+/8" + "o" * 16, "n" * 22
EIGHT = tuple("abcdefgh")


@pytest.mark.parametrize(
    ("committed", "kept", "log", "place", "told"),
    [
        (-1001, "", Log(3, 9), Place(3), ""),
        (5, "1,2", Log(3, 9), Place(5, "1,2"), ""),
        (9, "", Log(3, 9), Place(9), ""),
        (5, f"1,2;{OLD}", Log(3, 9, OLD), Place(5, f"1,2;{OLD}"), ""),
        (5, f"1,2;{OLD}", Log(3, 9), Place(5, f"1,2;{OLD}"), ""),
        (5, "1,2", Log(3, 9, NEW), Place(5, "1,2"), ""),
        (5, f"1,2;{OLD}", Log(0, 9, NEW), Place(0), r"deleted and made anew.*beginning \(0\)"),
        (10, "", Log(3, 9), Place(3), r"ends at 9, before the group's offset 10.*beginning \(3\)"),
        (10, "", Log(0, 0), Place(0), "ends at 0, before"),
        (5, "", Log(8, 9), Place(8), "3 bodies .* deleted before they were done, between 5 and 7"),
        (5, f"1,2;{OLD}", Log(8, 9, OLD), Place(8, f";{OLD}"), "1 bodies"),
        (5, "1,2,1,3", Log(10, 20), Place(10, "0,2"), "2 bodies .* between 5 and 9"),
        (5, "0,3", Log(8, 9), Place(8), ""),
    ],
)
def test_a_group_goes_on_where_nothing_is_skipped_and_what_was_lost_is_told(
    committed: int, kept: str, log: Log, place: Place, told: str
) -> None:
    found = resume(committed, kept, log, "partition 0")
    assert (found.offset, found.note) == (place.offset, place.note)
    assert re.search(told, found.why) if told else not found.why


def test_a_note_keeps_the_id_of_its_topic_however_long_it_is() -> None:
    long = note(0, ((number * 2 + 1, number * 2 + 2) for number in range(9000)), OLD)
    assert len(long) <= 4000
    assert resume(5, long, Log(0, 9, NEW), "partition 0").offset == 0


def told_of(broker: KafkaBroker, what: str) -> str:
    """Receive until an error tells of this, and return its message."""

    def told() -> str:
        try:
            broker.receive(1, 0.05)
        except Unavailable as error:
            return str(error) if re.search(what, str(error)) else ""
        return ""

    return until(told, f"word of {what}")


def test_bodies_that_the_server_deleted_before_they_were_done_are_reported_once(topic: OwnTopic) -> None:
    broker = topic.connect("&partitions=1")
    broker.publish(bodies("a", "b", "c"))
    broker.ack([delivery for delivery in take(broker, 3) if delivery.data == b"a"])
    broker.close()

    topic.throw_away(2)
    late = topic.connect()
    assert re.search("1 bodies of partition 0 .* deleted", told_of(late, "deleted"))
    assert data(take(late, 1)) == ["c"]


def test_bodies_that_the_server_deletes_while_workers_run_are_reported_too(topic: OwnTopic) -> None:
    broker = topic.connect("&partitions=1")
    for number in range(40):  # more than is fetched ahead
        broker.publish([Body(b"%02d" % number + bytes(1 << 20))])
    take(broker, 1, limit=1)
    topic.throw_away(39)
    assert re.search("39 bodies of partition 0 .* deleted", told_of(broker, "deleted"))
    assert [delivery.data[:2] for delivery in take(broker, 1)] == [b"39"]


def test_an_offset_beyond_the_end_of_the_log_skips_nothing_and_is_told(topic: OwnTopic) -> None:
    topic.make(1)
    topic.put(*EIGHT, partition=0)
    topic.commit(TopicPartition(topic.name, 0, 13))
    broker = topic.connect()
    assert broker.backlog().ready == 8
    told_of(broker, r"partition 0 of kafka://.* ends at 8, before the group's offset 13")
    broker.ack(take(broker, 8))
    broker.close()
    assert topic.offsets()[0].offset == 8
    assert topic.connect().backlog().ready == 0


def test_a_topic_made_anew_skips_nothing_though_it_is_longer_than_the_groups_offset(topic: OwnTopic) -> None:
    before = topic.connect("&partitions=1")
    before.publish(bodies(*"vwxyz"))
    before.ack(take(before, 5))
    before.close()
    (late,) = topic.offsets()
    assert late.offset == 5
    topic.make_anew()
    topic.put(*EIGHT, partition=0)
    topic.commit(late)  # as by a worker that hasn't noticed
    broker = topic.connect()
    assert broker.backlog().ready == 8
    told_of(broker, "partition 0 of kafka://.* was deleted and made anew")
    assert data(take(broker, 8)) == list(EIGHT)


def test_a_topic_made_anew_while_workers_run_skips_nothing(topic: OwnTopic) -> None:
    broker = topic.connect("&partitions=1", refresh=0.1)
    broker.publish(bodies(*"vwxyz"))
    broker.ack(take(broker, 5))
    topic.make_anew()
    topic.put(*EIGHT, partition=0)
    come(broker, *EIGHT)
    assert broker.backlog().ready == 0


def test_new_partitions_are_read_and_published_to_soon(topic: OwnTopic) -> None:
    broker = topic.connect("&partitions=1", refresh=0.1)
    broker.publish(bodies("a"))
    broker.ack(take(broker, 1))
    grown = topic.admin.create_partitions([NewPartitions(topic.name, 2)])[topic.name]
    grown.result(timeout=PATIENCE)
    topic.put("b", partition=1)
    come(broker, "b")

    def published_there() -> bool:
        broker.publish([Body(b"x" * 1000)] * 100)
        return any(one.receipt[0].partition == 1 for one in broker.receive(1 << 30, 0.1))

    until(published_there, "a body in the new partition")


def test_new_partitions_are_noticed_within_half_a_minute_unless_told_otherwise() -> None:
    address = parse("kafka://host/t")
    assert settings(address, Reports())["topic.metadata.refresh.interval.ms"] == 1000 * address.refresh <= 30_000
