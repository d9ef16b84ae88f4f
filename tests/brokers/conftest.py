"""A topic of Kafka, and a queue on Redis, NATS and beanstalkd, for one test each."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from support.own_queue import ADAPTERS, OwnQueue
from support.own_topic import OwnTopic


@pytest.fixture(params=ADAPTERS)
def kind(request: pytest.FixtureRequest) -> str:
    """The name of a server's fixture."""
    name: str = request.param
    return name


@pytest.fixture
def queue(kind: str, request: pytest.FixtureRequest) -> Iterator[OwnQueue]:
    """A queue on each of the servers, or on those that the test names as `kind`."""
    with ExitStack() as opened:
        yield OwnQueue(kind, request.getfixturevalue(kind), opened)


@pytest.fixture
def topic(kafka: str) -> Iterator[OwnTopic]:
    with ExitStack() as opened:
        topic = OwnTopic(kafka, opened)
        opened.callback(topic.remove)
        yield topic
