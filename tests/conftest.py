"""The real servers, for the tests that ask for one (`deploy/servers start` starts those that are missing), and how Hypothesis searches."""

import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# The same examples each time, however slow the machine is: what fails is due to the change that is tested, and fails again. Who wants to
# know more searches on, anew each time: pytest --hypothesis-profile search.
settings.register_profile(
    "tests",
    max_examples=100,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.register_profile(
    "search",
    settings.get_profile("tests"),
    max_examples=5000,
    derandomize=False,
    database=settings.get_profile("default").database,
)
settings.load_profile("tests")

# A test run in a script's background ignores SIGINT, under nohup SIGHUP, and so would all commands that the tests start and interrupt.
if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

#: Servers that only `bash .ci/run --all` starts, and why. Without them their tests are skipped, also with CI=true.
LEFT_OUT: Mapping[str, str] = {
    "CORENLP": "its models are half a gigabyte, and it takes 2 GB of memory",
    "JETSTREAM": "it takes minutes to build",
}

FOLDER = Path(os.environ.get("SERVERS_FOLDER", "/tmp/headrace-servers"))


def address(name: str) -> str:
    """The URL of a server. Skips the test where it isn't there; fails where it has to be (CI=true, unless it is LEFT_OUT)."""
    path = FOLDER / "servers.env"
    lines = path.read_text().splitlines() if path.exists() else []
    found = [line.removeprefix(f"{name}=") for line in lines if line.startswith(f"{name}=")]
    if found:
        return found[0]
    if name in LEFT_OUT:
        how = f"deploy/servers install {name.lower()}, then deploy/servers start {name.lower()}"
        pytest.skip(f"{name} runs only where it is asked for, since {LEFT_OUT[name]}: {how}")
    missing = f"no {name} runs here (none in {path}); deploy/servers install, then deploy/servers start"
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


@pytest.fixture(scope="session")
def servers() -> Callable[[str], str]:
    """The URL of any server, by its name in servers.env."""
    return address


@pytest.fixture(scope="session")
def rabbitmq() -> str:
    """The URL of a RabbitMQ node, up to and with the slash before the virtual host."""
    return address("RABBITMQ")


@pytest.fixture(scope="session")
def postgresql() -> str:
    """The URL of a PostgreSQL database that tests may fill with schemas of their own."""
    return address("POSTGRESQL")


@pytest.fixture(scope="session")
def pgbouncer() -> str:
    """The URL of the same database through PgBouncer, in transaction mode."""
    return address("PGBOUNCER")


@pytest.fixture(scope="session")
def kafka() -> str:
    """The URL of a Kafka node, up to and with the slash before the topic."""
    return address("KAFKA")


@pytest.fixture(scope="session")
def redis() -> str:
    """The URL of a Redis server, up to the options."""
    return address("REDIS")


@pytest.fixture(scope="session")
def nats() -> str:
    """The URL of a NATS server with JetStream, up to the options."""
    return address("NATS")


@pytest.fixture(scope="session")
def beanstalkd() -> str:
    """The URL of a beanstalkd, up to the options."""
    return address("BEANSTALKD")


@pytest.fixture(scope="session")
def mongodb() -> str:
    """The URL of a server that speaks MongoDB's protocol, up to and with the slash before the database."""
    return address("MONGODB")
