"""What Redis, NATS and beanstalkd have in common beyond the suite: leases that run out, lost connections, servers that die."""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest
from support import again, come, insist, until
from support.own_servers import OwnServers
from support.wire import Wire

from headrace.brokers.beanstalkd import BeanstalkdBroker
from headrace.brokers.nats import NatsBroker
from headrace.brokers.queue_url import QueueUrl, parse
from headrace.brokers.redis import RedisBroker
from headrace.errors import Misconfigured, Unavailable
from headrace.ports import BrokerAdapter, Delivery
from headrace.testing.brokers import LARGE, PATIENCE, bodies, data, take

ADAPTERS = {"redis": RedisBroker, "nats": NatsBroker, "beanstalkd": BeanstalkdBroker}
SHORT = 2.0  # seconds of a lease that is to run out; beanstalkd has no shorter ones
LONG = 3600.0  # of one that is not


class Provisioned:
    """A queue of one test's own."""

    def __init__(self, kind: str, url: str, opened: ExitStack) -> None:
        self._opened = opened
        self._make: Callable[..., BrokerAdapter] = ADAPTERS[kind]
        self.address: QueueUrl = parse(f"{url}?queue=test-{secrets.token_hex(6)}", port=1, letters="a-z0-9-")
        opened.callback(lambda: self._make(self.address).remove())

    def move(self) -> None:
        """From now on another queue."""
        left, self.address = self.address, replace(self.address, queue=f"test-{secrets.token_hex(6)}")
        self._opened.callback(lambda: self._make(left).remove())

    def connect(self, *, through: Wire | None = None, lease: float = LONG, patience: float = PATIENCE) -> BrokerAdapter:
        """A broker on this queue."""
        hosts = self.address.hosts if through is None else (("127.0.0.1", through.port),)
        broker = self._make(replace(self.address, hosts=hosts, lease=lease), patience=patience)
        self._opened.callback(broker.close)
        return broker

    def wire(self) -> Wire:
        """A wire to the server, for connections that are to be cut."""
        return self._opened.enter_context(Wire(*self.address.hosts[0]))


@pytest.fixture(params=ADAPTERS)
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def place(kind: str, request: pytest.FixtureRequest) -> Iterator[Provisioned]:
    with ExitStack() as opened:
        yield Provisioned(kind, request.getfixturevalue(kind), opened)


class Lease:
    """For how long a lease is good. Where the machine was so slow that it may have run out, there is nothing to be shown."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds - 1  # in the last second of a lease beanstalkd takes it for run out

    def is_good(self) -> bool:
        return time.monotonic() < self._end


@pytest.mark.parametrize("kind", ["redis", "nats"])  # beanstalkd 1.12 overlooks it now and then
def test_what_a_worker_holds_that_gives_no_sign_of_life_goes_to_another(place: Provisioned) -> None:
    one, two = place.connect(lease=SHORT), place.connect(lease=SHORT)
    one.publish(bodies("a", "b"))
    stale = take(one, 2)
    come(two, "a", "b")
    one.ack(stale)
    one.keep(stale)
    one.close()
    two.close()
    come(place.connect(lease=SHORT), "a", "b")


@pytest.mark.parametrize("kind", ["redis", "nats"])
def test_a_lease_that_ran_out_takes_nothing_from_who_has_the_next(place: Provisioned) -> None:
    one, two = place.connect(lease=SHORT), place.connect(lease=SHORT)
    one.publish(bodies("a"))

    def shown() -> bool:
        stale, fresh = come(one, "a"), list[Delivery]()
        while not fresh:
            lease = Lease(SHORT)
            fresh = two.receive(LARGE, 0.1)
        one.ack(stale)
        one.keep(stale)
        came = two.receive(LARGE, 0.1)
        assert came == [] or not lease.is_good()
        return lease.is_good()

    until(shown, "an attempt within one lease")
    one.close()
    two.close()
    come(place.connect(lease=SHORT), "a")


@pytest.mark.parametrize("kind", ["beanstalkd"])
def test_what_a_connection_held_that_is_gone_goes_to_another_at_once(place: Provisioned) -> None:
    wire = place.wire()
    one, two = place.connect(through=wire), place.connect()
    one.publish(bodies("a", "b"))
    stale = take(one, 2)
    wire.cut()
    fresh = come(two, "a", "b")
    again(lambda: one.ack(stale))
    two.close()
    assert data(fresh) == ["a", "b"]
    assert data(take(place.connect(), 2)) == ["a", "b"]


def test_a_lease_that_is_kept_does_not_run_out(place: Provisioned) -> None:
    def shown() -> bool:
        place.move()
        one, two = place.connect(lease=2 * SHORT), place.connect(lease=2 * SHORT)
        one.publish(bodies("a"))
        lease = Lease(2 * SHORT)
        held = take(one, 1)
        end = time.monotonic() + 2 * SHORT + 1
        while time.monotonic() < end:
            last, lease = lease, Lease(2 * SHORT)
            one.keep(held)
            if not last.is_good():
                return False
            came = two.receive(LARGE, 0.2)
            if not lease.is_good():
                return False
            assert came == []
        one.ack(held)
        if not lease.is_good():
            return False
        one.close()
        assert two.receive(LARGE, 0.2) == []
        return True

    until(shown, "an attempt in which each keep came in time")


def test_a_connection_that_is_cut_between_two_calls_is_opened_again(place: Provisioned) -> None:
    wire = place.wire()
    broker = place.connect(through=wire)
    broker.publish(bodies("a"))
    wire.cut()
    again(lambda: broker.publish(bodies("b")))
    wire.cut()
    got = come(broker, "a", "b")
    assert {delivery.data for delivery in got} == {b"a", b"b"}


def test_what_is_held_when_the_connection_is_cut_is_neither_lost_nor_stuck(place: Provisioned) -> None:
    wire = place.wire()
    broker = place.connect(through=wire, lease=SHORT)
    broker.publish(bodies("a", "b", "c"))
    held = take(broker, 3)
    wire.cut()
    again(lambda: broker.keep(held))
    again(lambda: broker.ack(held[:1]))
    broker.close()
    other = place.connect(lease=SHORT)
    other.ack(come(other, *(delivery.data.decode() for delivery in held[1:])))

    def nothing_is_left() -> bool:
        other.ack(other.receive(LARGE, 0.1))  # the first again, where its ack came late
        backlog = other.backlog()
        return backlog.ready == backlog.leased == 0

    until(nothing_is_left, "the end of what was held")


def test_a_server_that_confirms_nothing_is_given_up_and_may_have_what_was_published(place: Provisioned) -> None:
    wire = place.wire()
    broker = place.connect(through=wire, patience=0.3)
    insist(lambda: broker.publish(bodies("a")))
    wire.stall()
    with pytest.raises(Unavailable, match="publishing to"):
        broker.publish(bodies("b"))
    wire.flow()
    patient = place.connect()
    patient.publish(bodies("c"))
    come(patient, "a", "c")


def test_where_no_server_answers_it_is_named_without_the_password(kind: str) -> None:
    account = "" if kind == "beanstalkd" else "me:s3cret@"
    scheme = kind.removesuffix("d")
    broker = ADAPTERS[kind].from_url(f"{scheme}://{account}127.0.0.1:1")
    with pytest.raises(Unavailable, match=rf"publishing to|asking .* {scheme}://127\.0\.0\.1:1/") as caught:
        broker.publish(bodies("a"))
    assert "s3cret" not in str(caught.value)
    broker.keep([])  # nothing is held, so nothing is lost
    broker.close()


@pytest.mark.parametrize("kind", ["redis", "nats"])
def test_a_wrong_password_stops_at_once(place: Provisioned) -> None:
    place.address = replace(place.address, password="s3cret")
    broker = place.connect()
    with pytest.raises(Misconfigured, match="check user") as caught:
        broker.publish(bodies("a"))
    assert "s3cret" not in str(caught.value)
    place.address = replace(place.address, password="headrace")


def test_a_node_of_nats_that_does_not_answer_is_passed_over(nats: str) -> None:
    account, _, rest = nats.rpartition("@")
    broker = NatsBroker.from_url(f"{account}@127.0.0.1:1,127.0.0.1:2,{rest}?queue=test-{secrets.token_hex(6)}")
    broker.publish(bodies("a"))
    assert data(take(broker, 1)) == ["a"]
    broker.remove()


def test_a_queue_that_another_has_removed_is_made_again(place: Provisioned) -> None:
    one, two = place.connect(), place.connect()
    one.publish(bodies("a"))
    take(one, 1)
    two.remove()
    again(lambda: one.publish(bodies("b")))
    assert data(come(one, "b")) == ["b"]


def test_two_do_not_hold_the_same_and_a_batch_leaves_the_rest_to_others(place: Provisioned) -> None:
    one, two = place.connect(), place.connect()
    one.publish(bodies(*(f"{number:04}" for number in range(500))))
    held = one.receive(400, PATIENCE)
    assert 1 <= len(held) <= 100
    rest = take(two, 500 - len(held))
    assert len({delivery.data for delivery in held + rest}) == 500


@pytest.fixture(scope="module")
def own() -> Iterator[OwnServers]:
    servers = OwnServers()
    try:
        yield servers
    finally:
        servers.close()


def test_a_server_that_is_killed_and_comes_back_has_lost_nothing(kind: str, own: OwnServers) -> None:
    own.start(kind)
    with ExitStack() as opened:
        place = Provisioned(kind, own.url(kind.upper()), opened)
        broker = place.connect(lease=SHORT, patience=5.0)
        names = {f"body {number}" for number in range(100)}
        insist(lambda: broker.publish(bodies(*names)))
        held = come(broker, *names)
        broker.ack(held[:60])
        own.kill(kind)
        with pytest.raises(Unavailable):
            broker.publish(bodies("lost?"))
        with pytest.raises(Unavailable):
            broker.receive(LARGE, 0.1)
        own.start(kind)
        left = names - {delivery.data.decode() for delivery in held[:60]}
        insist(lambda: broker.publish(bodies("after")))
        got = {delivery.data.decode() for delivery in come(broker, *left, "after")}
        assert got <= names | {"after", "lost?"}
