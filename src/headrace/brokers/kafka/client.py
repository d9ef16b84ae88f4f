"""What every client of Kafka's driver is told, what it reports between calls, and its errors as Headrace's."""

import logging
from collections.abc import Mapping
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from headrace.brokers.kafka.url import KafkaUrl
from headrace.errors import HeadraceError, Misconfigured, Rejected, Unavailable

ANSWER_SECONDS = 10.0
_MEND: Mapping[int, str] = {
    KafkaError._AUTHENTICATION: "check user, password and mechanism",
    KafkaError.SASL_AUTHENTICATION_FAILED: "check user, password and mechanism",
    KafkaError.UNSUPPORTED_SASL_MECHANISM: "name another mechanism",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "let this user describe, read and write the topic; create it, or let the user do so",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "let this user read with this group, or name another (?group=NAME)",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "let this user write idempotently, and create topics, or create the topic",
    KafkaError.INVALID_REPLICATION_FACTOR: "name a replication that the cluster has nodes for (?replication=N)",
    KafkaError.INVALID_CONFIG: "create the topic yourself, or name other values for partitions, replication and body_bytes",
    KafkaError.POLICY_VIOLATION: "create the topic yourself, or name other values for partitions, replication and body_bytes",
    KafkaError.INVALID_SESSION_TIMEOUT: "name a session that the server allows (?session=SECONDS, its group.min.session.timeout.ms)",
    KafkaError.INCONSISTENT_GROUP_PROTOCOL: "others use this group in another way: name another (?group=NAME)",
}


class Reports:
    """What a client tells between calls. `down` says why no server can be reached, or nothing."""

    def __init__(self) -> None:
        self.down = ""
        self._last = ""
        self._refusal: KafkaError | None = None

    def hear(self, error: KafkaError) -> None:
        """The callback for errors that belong to no call."""
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self.down = self._last or error.str()
        elif error.code() in _MEND:
            self._refusal = error
        else:
            self._last = error.str()

    def check(self, doing: str) -> None:
        """Raises what was told: Misconfigured where we are refused, Unavailable where no server can be reached."""
        if self._refusal is not None:
            raise translate(self._refusal, doing)
        if self.down:
            raise Unavailable(f"{doing}: {self.down}")


def settings(address: KafkaUrl, reports: Reports) -> dict[str, Any]:
    """What the driver is told for any kind of client."""
    # The driver would write each lost connection to standard error; we tell of it ourselves.
    quiet = logging.Logger("headrace.kafka")
    quiet.addHandler(logging.NullHandler())
    return {
        "bootstrap.servers": address.hosts,
        "client.id": "headrace",
        "logger": quiet,
        "error_cb": reports.hear,
        "socket.timeout.ms": int(ANSWER_SECONDS * 1000),
        "socket.connection.setup.timeout.ms": int(ANSWER_SECONDS * 1000),
        "reconnect.backoff.max.ms": 1000,
        **address.security,
    }


def translate(error: KafkaError | KafkaException, doing: str) -> HeadraceError:
    """The error to raise for one of the driver's."""
    told = error.args[0] if isinstance(error, KafkaException) else error
    if not isinstance(told, KafkaError):
        return Unavailable(f"{doing}: {told}")
    if told.code() in _MEND:
        return Misconfigured(f"{doing}: {told.str()}; {_MEND[told.code()]}")
    if told.code() in (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE):
        return Rejected(f"{doing}: {told.str()}")
    return Unavailable(f"{doing}: {told.str()}")
