"""The URLs of Redis, NATS and beanstalkd, and how wrong ones are refused."""

import pytest

from headrace.brokers.beanstalkd import BeanstalkdBroker
from headrace.brokers.nats import NatsBroker
from headrace.brokers.queue_url import parse
from headrace.brokers.redis import RedisBroker
from headrace.errors import Misconfigured
from headrace.ports import BrokerAdapter
from headrace.urls import mask

SECRET = "pass:w0rd/x"


def test_a_url_names_servers_account_and_queue() -> None:
    address = parse(
        "nats://me:pass%3Aw0rd%2Fx@one,two:4223,[::1]:4224/some%2Fpath?queue=q-1&lease=5",
        port=4222,
        letters="a-z0-9-",
        several=True,
    )
    assert address.hosts == (("one", 4222), ("two", 4223), ("::1", 4224))
    assert (address.user, address.password, address.path) == ("me", SECRET, "some/path")
    assert (address.queue, address.lease) == ("q-1", 5)


def test_what_a_url_leaves_out_has_a_default() -> None:
    address = parse("redis://host", port=6379, letters="a-z")
    assert (address.hosts, address.queue, address.lease) == ((("host", 6379),), "headrace", 30)
    assert (address.user, address.password, address.path) == ("", "", "")


def test_an_address_shows_no_password() -> None:
    address = parse("redis://me:pass%3Aw0rd%2Fx@[::1]/1", port=6379, letters="a-z")
    assert SECRET not in f"{address} {address!r}"
    assert str(address) == "redis://[::1]:6379/1?queue=headrace"


@pytest.mark.parametrize(
    ("adapter", "url", "told"),
    [
        (RedisBroker, "redis:///0", "is not a host; write redis://host:6379"),
        (RedisBroker, "redis://host:99999/", "is not a host"),
        (RedisBroker, "redis://one,two/", "is not a host"),
        (RedisBroker, "redis://host/first", "'first' is not the number of a database"),
        (RedisBroker, "redis://host/?quue=x", "did you mean queue"),
        (RedisBroker, "redis://host/?queue=", "is not a queue's name"),
        (RedisBroker, "redis://host/?lease=4", "from 5 to 3600"),
        (RedisBroker, "redis://host/?lease=soon", "from 5 to 3600"),
        (NatsBroker, "nats://one,,two/", "several hosts with commas"),
        (NatsBroker, "nats://host/?queue=a.b", "is not a queue's name"),
        (NatsBroker, "nats://host/?queue=" + "x" * 201, "is not a queue's name"),
        (BeanstalkdBroker, "beanstalk://host/?queue=-x", "not beginning with -"),
        (BeanstalkdBroker, "beanstalk://me:secret@host/", "has no account"),
        (BeanstalkdBroker, "beanstalk://host/path", "no path"),
    ],
)
def test_a_wrong_url_is_refused_with_a_hint_how_to_write_it(adapter: type[BrokerAdapter], url: str, told: str) -> None:
    with pytest.raises(Misconfigured, match=told) as caught:
        adapter.from_url(url)
    assert "secret" not in mask(str(caught.value))


def test_certificates_are_for_connections_that_are_encrypted() -> None:
    with pytest.raises(Misconfigured, match="'cacertfile' is not an option of nats://"):
        NatsBroker.from_url("nats://host/?cacertfile=/nowhere.pem")
    with pytest.raises(Misconfigured, match="cacertfile of redis:// is for rediss://, which encrypts"):
        RedisBroker.from_url("redis://host/?cacertfile=/nowhere.pem")
    with pytest.raises(Misconfigured, match=r"cacertfile of rediss:// names '/nowhere.pem': there is no such file"):
        RedisBroker.from_url("rediss://host/?cacertfile=/nowhere.pem")
