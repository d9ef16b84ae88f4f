"""Encrypted connections to real servers with self-signed certificates."""

import re
import secrets
from collections.abc import Callable
from contextlib import closing

import pytest

from headrace.errors import HeadraceError, Misconfigured, Unavailable
from headrace.testing.brokers import bodies, data, take
from headrace.urls import Connectors

Servers = Callable[[str], str]


def place(url: str, name: str) -> str:
    """The URL of another queue (or topic) on the same server."""
    if url.startswith("kafkas:"):
        return url.replace("/?", f"/{name}?group={name}&partitions=1&")
    return f"{url}&queue={name}"


@pytest.mark.parametrize("name", ["RABBITMQ_TLS", "KAFKA_TLS", "REDIS_TLS"])
def test_bodies_go_through_an_encrypted_connection(servers: Servers, name: str) -> None:
    broker = Connectors(place(servers(name), f"test-{secrets.token_hex(6)}"), "memory:").broker()
    with closing(broker):
        broker.publish(bodies("a", "b"))
        held = take(broker, 2)
        assert sorted(data(held)) == ["a", "b"]
        broker.ack(held)
        assert broker.backlog().ready == 0
        broker.remove()


@pytest.mark.parametrize("name", ["RABBITMQ_TLS", "KAFKA_TLS", "REDIS_TLS"])
def test_a_server_whose_certificate_no_authority_signed_is_not_trusted(servers: Servers, name: str) -> None:
    url = re.sub(r"cacertfile=[^&]*", "", place(servers(name), "untrusted")).replace("?&", "?").replace("&&", "&")
    with (
        closing(Connectors(url, "memory:").broker()) as broker,
        pytest.raises(HeadraceError, match=r"(?i)certificate") as caught,
    ):
        broker.publish(bodies("a"))
    assert isinstance(caught.value, Misconfigured | Unavailable)
    assert "headrace:headrace" not in str(caught.value)


def test_a_wrong_password_for_kafka_is_misconfigured(servers: Servers) -> None:
    url = place(servers("KAFKA_TLS"), "locked").replace(":headrace@", ":wrong@")
    with (
        closing(Connectors(url, "memory:").broker()) as broker,
        pytest.raises(Misconfigured, match=r"(?i)authentication"),
    ):
        broker.publish(bodies("a"))
