"""Which topic of a name it is: Kafka gives each topic an id, and another one if it is deleted and made anew."""

import time
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from headrace.brokers.kafka.client import ANSWER_SECONDS, Reports, settings
from headrace.brokers.kafka.url import KafkaUrl

NO_ID = "A" * 22  #: the id that a server before 2.8 gives every topic


class Identity:
    """The id of the topic that an address names. If the server cannot tell it, or this user may not ask, the id is unknown; that is not an
    error."""

    def __init__(self, address: KafkaUrl) -> None:
        self._address = address
        self._client: AdminClient | None = None
        self._asked: Future[Any] | None = None
        self._asked_at = 0.0

    def ask(self) -> str:
        """The id; empty if it is not known."""
        return self._answer(self._ask(), ANSWER_SECONDS)

    def differs(self, topic_id: str) -> bool:
        """Whether the topic has another id by now. It asks at intervals of the address's `refresh`, and never waits for the answer."""
        if self._asked is None:
            if topic_id and time.monotonic() - self._asked_at >= self._address.refresh:
                self._asked = self._ask()
            return False
        if not self._asked.done():
            return False
        asked, self._asked = self._asked, None
        return self._answer(asked, 0.0) not in ("", topic_id)

    def _ask(self) -> "Future[Any]":
        self._client = self._client or AdminClient(settings(self._address, Reports()))
        self._asked_at = time.monotonic()
        answers = self._client.describe_topics(TopicCollection([self._address.topic]), request_timeout=ANSWER_SECONDS)
        return answers[self._address.topic]

    def _answer(self, asked: "Future[Any]", seconds: float) -> str:
        with suppress(KafkaException, TimeoutError):
            told = str(asked.result(timeout=seconds).topic_id)
            return "" if told == NO_ID else told
        return ""
