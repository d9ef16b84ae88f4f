"""Encrypted connections to real servers with self-signed certificates."""

import re
import secrets
import ssl
from collections.abc import Callable
from contextlib import closing

import pytest

from headrace.errors import Misconfigured
from headrace.server_url import never_trusted
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
        pytest.raises(Misconfigured, match=r"(?i)certificate.*cacertfile=FILE") as caught,
    ):
        broker.publish(bodies("a"))
    assert "headrace:headrace" not in str(caught.value)


def test_a_certificate_that_has_expired_may_be_renewed_and_one_that_nobody_signed_may_not() -> None:
    error = ssl.SSLCertVerificationError("no")
    for code, told in ((9, ""), (10, ""), (18, "cacertfile=FILE"), (62, "cacertfile=FILE")):
        error.verify_code = code
        assert told in never_trusted(error)
        assert bool(never_trusted(error)) == bool(told)
    assert not never_trusted(OSError("away"))


def test_a_port_that_does_not_encrypt_is_misconfigured(rabbitmq: str) -> None:
    with (
        closing(Connectors(rabbitmq.replace("amqp:", "amqps:"), "memory:").broker()) as broker,
        pytest.raises(Misconfigured, match="does not encrypt on this port"),
    ):
        broker.publish(bodies("a"))


def test_a_wrong_password_for_kafka_is_misconfigured(servers: Servers) -> None:
    url = place(servers("KAFKA_TLS"), "locked").replace(":headrace@", ":wrong@")
    with (
        closing(Connectors(url, "memory:").broker()) as broker,
        pytest.raises(Misconfigured, match=r"(?i)authentication"),
    ):
        broker.publish(bodies("a"))
