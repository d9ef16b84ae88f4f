"""The fixtures of tests that run against Redis, NATS and beanstalkd alike."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from support.own_queue import ADAPTERS, OwnQueue


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
