"""Publishing to RabbitMQ: a window of messages that are not confirmed yet, and a deadline where nothing moves."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

import pika

from headrace.brokers.rabbitmq.connection import Link
from headrace.errors import Unavailable

WINDOW, WINDOW_BYTES = 1024, 8 << 20
CONFIRM_SECONDS, BLOCKED_SECONDS = 30.0, 5.0  # of no progress
KEY_BYTES = 255


@dataclass(frozen=True, slots=True)
class Message:
    """What is published to an exchange. `mandatory`: a queue must take it."""

    exchange: str
    key: str
    data: bytes
    mandatory: bool = True


def send(link: Link, messages: Iterable[Message], patience: float, doing: str) -> None:
    """Return once the server has confirmed all; `patience`: for how many seconds nothing may move.

    Raises Unavailable where something was refused, was not taken by any queue, or takes too long; some may have been published. Then
    the link must not publish again: what is not confirmed would be taken for part of it.
    """
    _unblocked(link, patience, doing)
    link.confirm()
    properties = pika.BasicProperties(
        content_type="application/jsonl", delivery_mode=pika.DeliveryMode.Persistent, timestamp=int(time.time())
    )
    for one in messages:
        if len(link.confirms) >= WINDOW or link.confirms.bytes >= WINDOW_BYTES:
            _confirmed(link, WINDOW // 2, WINDOW_BYTES // 2, patience, doing)
        link.publish(one.exchange, _cut(one.key), one.data, properties, mandatory=one.mandatory)
    _confirmed(link, 0, 0, patience, doing)
    if link.unroutable:
        raise Unavailable(f"{doing}: no queue takes what is published ({link.unroutable}); bind one to it")
    if link.confirms.refused:
        raise Unavailable(
            f"{doing}: the server refused {link.confirms.refused} bodies; the queue is full, or has no leader"
        )


def _confirmed(link: Link, most: int, most_bytes: int, patience: float, doing: str) -> None:
    """Wait until so few are unconfirmed. Raises Unavailable where the server confirms nothing for long, or blocks us."""
    while len(link.confirms) > most or link.confirms.bytes > most_bytes:
        before = len(link.confirms)
        moved = link.wait(lambda: len(link.confirms) < before or link.blocked, patience)  # noqa: B023
        if link.blocked:
            _unblocked(link, patience, doing)
        elif not moved:
            raise Unavailable(f"{doing}: nothing was confirmed for {patience:.0f} seconds")


def _unblocked(link: Link, patience: float, doing: str) -> None:
    """Wait until the server lets us publish. Raises Unavailable where that takes long."""
    if not link.wait(lambda: not link.blocked, min(BLOCKED_SECONDS, patience)):
        raise Unavailable(
            f"{doing}: the server takes nothing now ({link.blocked}); it goes on by itself once that is over"
        )


def _cut(key: str) -> str:
    """A routing key has up to 255 bytes."""
    return key if len(key) <= KEY_BYTES // 4 else key.encode()[:KEY_BYTES].decode(errors="ignore")
