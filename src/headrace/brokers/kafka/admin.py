"""The topic as an administrator sees it: created, its settings read and checked, deleted."""

import time
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from confluent_kafka import KafkaError, KafkaException

# The driver's documentation imports them from here; only its types don't export them.
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic  # type: ignore[attr-defined]

from headrace.brokers.kafka.client import ANSWER_SECONDS, Reports, settings
from headrace.brokers.kafka.errors import translate
from headrace.brokers.kafka.url import KafkaUrl
from headrace.errors import Misconfigured

RECORD_BYTES = 1024  #: the most that a batch of one record holds beside the body
WEEK_MILLISECONDS = 7 * 24 * 3600 * 1000  #: a shorter retention than this is warned of
LOOK_SECONDS = 0.02  #: between two looks whether a deleted topic is gone
_NOT_ALLOWED = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED)


def create(address: KafkaUrl) -> None:
    """Create the topic, as the URL says; if another was faster, leave it. Raises Misconfigured if the server refuses to."""
    config = {"max.message.bytes": str(address.body_bytes + RECORD_BYTES), "cleanup.policy": "delete"}
    if address.replication > 2:
        config["min.insync.replicas"] = "2"
    topic = NewTopic(address.topic, address.partitions, address.replication or -1, config=config)
    admin = AdminClient(settings(address, Reports()))
    _answer(admin.create_topics([topic])[address.topic], f"making {address}", KafkaError.TOPIC_ALREADY_EXISTS)


def read(address: KafkaUrl) -> Mapping[str, str]:
    """The settings of the topic by their names; empty if we may not see them."""
    resource = ConfigResource(ConfigResource.Type.TOPIC, address.topic)
    admin = AdminClient(settings(address, Reports()))
    found = _answer(admin.describe_configs([resource])[resource], f"reading the settings of {address}", *_NOT_ALLOWED)
    return {name: entry.value for name, entry in (found or {}).items()}


def most_body_bytes(address: KafkaUrl, config: Mapping[str, str]) -> int:
    """How large a body may be. Raises Misconfigured for a compacted topic, which deletes bodies that are not done."""
    if "compact" in config.get("cleanup.policy", ""):
        raise Misconfigured(
            f"{address} is compacted: it deletes bodies before they are done. Name another topic, or set its cleanup.policy to delete"
        )
    return int(config["max.message.bytes"]) - RECORD_BYTES if "max.message.bytes" in config else address.body_bytes


def warnings(address: KafkaUrl, config: Mapping[str, str], replicas: int) -> list[str]:
    """A sentence for each setting of the topic by which something that was confirmed can be lost. `replicas`: the fewest of a partition."""
    in_sync = int(config.get("min.insync.replicas", "2"))
    found = []
    if replicas < 2:
        found.append(
            f"{address} has one replica: loses what it has confirmed with the disk of its node, and what is not on that disk yet when the"
            " power fails; make it with three (?replication=3)"
        )
    elif in_sync < 2:
        found.append(
            f"{address} confirms what only one replica has while the others are away, and loses it with that; set min.insync.replicas to 2"
        )
    if config.get("unclean.leader.election.enable") == "true":
        found.append(
            f"{address} may go on with a replica that lacks what was confirmed; set unclean.leader.election.enable to false"
        )
    if 0 <= int(config.get("retention.ms", "-1")) < WEEK_MILLISECONDS:
        hours = int(config["retention.ms"]) / 3_600_000
        found.append(f"{address} deletes what is not done within {hours:,.1f} hours; raise its retention.ms")
    if int(config.get("retention.bytes", "-1")) >= 0:
        found.append(
            f"{address} deletes the oldest bodies of a partition beyond {int(config['retention.bytes']):,} bytes, done or not; set its"
            " retention.bytes to -1"
        )
    return found


def remove(address: KafkaUrl) -> None:
    """Delete the topic if it exists, and the group if it has no members."""
    admin = AdminClient(settings(address, Reports()))
    _answer(
        admin.delete_topics([address.topic])[address.topic], f"deleting {address}", KafkaError.UNKNOWN_TOPIC_OR_PART
    )
    deadline = time.monotonic() + ANSWER_SECONDS
    while address.topic in admin.list_topics(timeout=ANSWER_SECONDS).topics and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
    with suppress(KafkaException):  # the server forgets an empty group by itself
        admin.delete_consumer_groups([address.group])[address.group].result(timeout=ANSWER_SECONDS)


def _answer(future: "Future[Any]", doing: str, *harmless: int) -> Any:
    """The server's answer; None if it is one of the `harmless` errors. The caller keeps the client alive meanwhile."""
    try:
        return future.result(timeout=2 * ANSWER_SECONDS)
    except KafkaException as error:
        if error.args[0].code() in harmless:
            return None
        raise translate(error, doing) from error
