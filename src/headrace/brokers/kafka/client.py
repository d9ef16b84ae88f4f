"""What every client of the driver has: its settings, and what it reports between calls."""

import logging
from typing import Any

from confluent_kafka import KafkaError

from headrace.brokers.kafka.errors import REMEDIES, is_never_trusted, translate
from headrace.brokers.kafka.url import KafkaUrl
from headrace.errors import Unavailable

ANSWER_SECONDS = 10.0  #: how long a server may take to answer, or to let us connect


class Reports:
    """The errors that a client reports between calls. `down` says why no server can be reached; it is empty if one can."""

    def __init__(self) -> None:
        self.down = ""
        self._last = ""
        self._refusal: KafkaError | None = None

    def hear(self, error: KafkaError) -> None:
        """The callback for errors that belong to no call."""
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self.down = self._last or error.str()
        elif error.code() in REMEDIES or is_never_trusted(error):
            self._refusal = error
        else:
            self._last = error.str()

    def check(self, doing: str) -> None:
        """Raise what was reported: Misconfigured if a server refuses us, Unavailable if none can be reached. Otherwise do nothing."""
        if self._refusal is not None:
            raise translate(self._refusal, doing)
        if self.down:
            raise Unavailable(f"{doing}: {self.down}")


def settings(address: KafkaUrl, reports: Reports) -> dict[str, Any]:
    """The driver's settings that all kinds of client share. `reports` hears of errors between calls."""
    # Without a logger, the driver writes each lost connection to standard error; our errors say it already.
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
        "topic.metadata.refresh.interval.ms": int(address.refresh * 1000),
        **address.security,
    }
