"""What beanstalkd's adapter does beyond the suite: limits that the server was started with, and a server that keeps nothing."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

import greenstalk
import pytest
from support import until
from support.own_servers import claimed

from headrace.brokers.beanstalkd import BeanstalkdBroker
from headrace.errors import Misconfigured, Rejected, Unavailable
from headrace.testing.brokers import bodies, data, take


@pytest.fixture
def forgetful(beanstalkd: str) -> Iterator[str]:
    """A server that keeps everything in memory, and takes jobs of up to 1,000 bytes."""
    assert beanstalkd, "beanstalkd is installed"
    port, claim = claimed()
    with claim, subprocess.Popen(["beanstalkd", "-l", "127.0.0.1", "-p", str(port), "-z", "1000"]) as process:
        until(lambda: answers(port), "beanstalkd")
        yield f"beanstalk://127.0.0.1:{port}?lease=3600"
        process.kill()


def answers(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def test_the_limit_is_what_the_server_was_started_with(forgetful: str, beanstalkd: str) -> None:
    with (
        closing(BeanstalkdBroker.from_url(forgetful)) as small,
        closing(BeanstalkdBroker.from_url(beanstalkd)) as usual,
    ):
        assert (small.body_bytes(), usual.body_bytes()) == (1000, 65_535)
        with pytest.raises(Rejected, match="a body of 1,001 bytes; the limit is 1,000"):
            small.publish(bodies("x" * 1001))


def test_a_server_that_keeps_nothing_is_warned_of(forgetful: str, beanstalkd: str) -> None:
    with closing(BeanstalkdBroker.from_url(forgetful)) as one, closing(BeanstalkdBroker.from_url(beanstalkd)) as other:
        (warning,) = one.warnings()
        assert "start it with -b FOLDER" in warning
        assert other.warnings() == []


def test_a_ready_job_has_an_age_and_removing_deletes_delayed_and_buried_jobs_too(forgetful: str) -> None:
    port = urlsplit(forgetful).port
    with closing(greenstalk.Client(("127.0.0.1", port), encoding=None, use="headrace", watch="headrace")) as client:
        client.put(b"buried")
        client.bury(client.reserve(0))
        client.put(b"delayed", delay=3600)
        client.put(b"ready")
        broker = BeanstalkdBroker.from_url(forgetful)
        backlog = broker.backlog()
        assert (backlog.ready, backlog.leased) == (1, 0)
        assert backlog.oldest is not None
        broker.remove()
        told = client.stats_tube("headrace")
        assert told["current-jobs-buried"] == told["current-jobs-delayed"] == told["current-jobs-ready"] == 0


def test_a_draining_server_is_unavailable_for_publishing_and_still_gives_jobs(forgetful: str) -> None:
    port = urlsplit(forgetful).port
    with closing(BeanstalkdBroker.from_url(forgetful)) as broker:
        broker.publish(bodies("a", "c"))
        held = take(broker, 1, limit=1)
        with closing(greenstalk.Client(("127.0.0.1", port))) as client:
            subprocess.run(["kill", "-USR1", str(client.stats()["pid"])], check=True)  # as before it is stopped
            until(lambda: client.stats()["draining"] == "true")
        with pytest.raises(Unavailable, match="DrainingError"):
            broker.publish(bodies("b"))
        broker.ack(held)
        assert data(take(broker, 1)) == ["c"]


def test_a_server_that_speaks_another_protocol_is_misconfigured(redis: str) -> None:
    address = redis.rpartition("@")[2].removesuffix("/0")
    with (
        pytest.raises(Misconfigured, match="is it beanstalkd"),
        closing(BeanstalkdBroker.from_url(f"beanstalk://{address}")) as one,
    ):
        one.publish(bodies("a"))
