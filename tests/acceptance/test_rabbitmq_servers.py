"""What becomes of bodies when a RabbitMQ server gives trouble: an alarm, impatience, a policy, a node of a cluster that dies under load.

Each test has servers of its own.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import NoReturn

import pika
import pytest
from driver import until
from support import PATIENCE, come, insist, logged, setup
from support.own_servers import OwnServers

from headrace.brokers.rabbitmq import RabbitmqBroker
from headrace.config import Settings
from headrace.documents import Body, Document, Outcome, encode
from headrace.errors import Misconfigured, Unavailable
from headrace.ports import DeadQuery, ResultQuery
from headrace.proof.run import Proof, Task
from headrace.runtime import Stop
from headrace.stores.memory import MemoryStore
from headrace.testing.brokers import LARGE, bodies, data, take
from headrace.worker.keeper import Keeper

DOCUMENTS = 6000


class AwayUntil(MemoryStore):
    """Can't be reached until a certain line was said; then something is done, and it can be."""

    def __init__(self, said: list[str], line: str, then: Callable[[], None]) -> None:
        super().__init__()
        self._said, self._line, self._then = said, line, then
        self._away = True

    def write(self, outcomes: Sequence[Outcome]) -> None:
        if self._away:
            if not any(self._line in one for one in self._said):
                raise Unavailable("the store is away")
            self._then()
            self._away = False
        super().write(outcomes)


@pytest.fixture(scope="module")
def own() -> Iterator[OwnServers]:
    servers = OwnServers()
    try:
        yield servers
    finally:
        servers.close()


def with_rights(own: OwnServers, **rights: tuple[str, str, str]) -> None:
    """Make users of these names, with their names as passwords, who may configure, write and read what these patterns match."""
    made = []
    for name, patterns in rights.items():
        user, quoted = f'<<"{name}">>', ", ".join(f'<<"{one}">>' for one in patterns)
        made.append(f"rabbit_auth_backend_internal:add_user({user}, {user}, {user})")
        made.append(f'rabbit_auth_backend_internal:set_permissions({user}, <<"/">>, {quoted}, {user})')
    own.rabbitmqctl("eval", f"{', '.join(made)}.")


def test_users_with_the_least_rights_see_publish_and_work_on_a_queue_that_exists(own: OwnServers) -> None:
    own.start("rabbitmq")
    with_rights(own, looking=("^$", "^$", "^$"), writing=("^$", "^least$", "^$"), reading=("^$", "^$", "^least$"))
    url = own.url("RABBITMQ")

    def connect(user: str, options: str = "&declare=no") -> "closing[RabbitmqBroker]":
        return closing(RabbitmqBroker.from_url(f"{url.replace('guest:guest', f'{user}:{user}')}?queue=least{options}"))

    with connect("looking") as one, pytest.raises(Misconfigured, match="Make it, or leave out declare=no"):
        one.backlog()
    with (
        connect("looking", "") as one,
        pytest.raises(Misconfigured, match=r"refuses: .*may not configure needs &declare=no"),
    ):
        one.backlog()
    with connect("guest", "") as one:
        one.publish(bodies("first"))
    for user in ("looking", "writing", "reading"):
        with connect(user) as one:
            assert one.backlog().ready == 1
            (warning,) = one.warnings()
            assert "is not known" in warning
    with connect("writing") as one:
        one.publish(bodies("a"))
        with pytest.raises(Misconfigured, match=r"refuses: .*permissions"):
            one.receive(LARGE, PATIENCE)
    with pika.BlockingConnection(pika.URLParameters(f"{url}?heartbeat=0")) as connection:
        connection.channel().basic_publish("least", "", b"asks", pika.BasicProperties(reply_to="nowhere"))
    with connect("reading") as one:
        held = take(one, 3)
        assert data(held) == ["a", "asks", "first"]
        for delivery in held:
            if delivery.reply is not None:
                delivery.reply(b"this user may not reply")
        for _ in range(20):
            one.keep(held)
        one.ack(held)
        with pytest.raises(Misconfigured, match=r"refuses: .*permissions"):
            one.publish(bodies("b"))
    with connect("guest") as one:
        assert one.backlog().ready == 0


def be_impatient(own: OwnServers, timeout: int, look: int) -> None:
    """From now on the first node ends a new channel where a delivery is held for so many milliseconds."""
    setting = (
        "application:set_env(rabbit, consumer_timeout, {}), application:set_env(rabbit, channel_tick_interval, {})."
    )
    own.rabbitmqctl("eval", setting.format(timeout, look))


def be_patient(own: OwnServers) -> None:
    """As RabbitMQ is by itself."""
    be_impatient(own, 1_800_000, 60_000)


@pytest.fixture
def impatient(own: OwnServers) -> Iterator[None]:
    """The first node ends the channel of whoever holds a delivery for a second."""
    own.start("rabbitmq")
    be_impatient(own, 1000, 500)
    yield
    be_patient(own)


def publish_for_ever(broker: RabbitmqBroker) -> NoReturn:
    """One body after another, until the server takes none."""
    while True:
        broker.publish(bodies("c"))


@pytest.mark.parametrize(
    ("reason", "limit", "alarming", "usual"),
    [
        ("low on memory", "set_vm_memory_high_watermark", "0.00001", "0.4"),
        ("low on disk", "set_disk_free_limit", "1000000GB", "50MB"),
    ],
)
def test_an_alarm_blocks_publishing_with_a_message_and_a_deadline_and_nothing_else(
    own: OwnServers, reason: str, limit: str, alarming: str, usual: str
) -> None:
    own.start("rabbitmq")
    url = f"{own.url('RABBITMQ')}?queue=alarmed"
    with closing(RabbitmqBroker.from_url(url)) as broker, closing(RabbitmqBroker.from_url(url)) as worker:
        broker.publish(bodies("a", "b"))
        with closing(pika.BlockingConnection(pika.URLParameters(f"{own.url('RABBITMQ')}?heartbeat=0"))) as connection:
            asks = pika.BasicProperties(reply_to="nowhere")
            connection.channel().basic_publish("alarmed", "x", b"asks", asks)
        own.rabbitmqctl(limit, alarming)
        try:
            for _ in range(2):
                with pytest.raises(
                    Unavailable, match=rf"the server takes nothing now \({reason}\); it goes on by itself"
                ):
                    publish_for_ever(broker)  # the alarm may be known a moment later
            for one in (held := come(worker, "a", "b", "asks")):
                if one.reply is not None:
                    for _ in range(3):
                        one.reply(b"an answer")
            worker.ack(held)

            def all_is_acked() -> bool:
                worker.ack(worker.receive(LARGE, 0.1))
                return worker.backlog().ready == 0

            until(all_is_acked, PATIENCE, "acks don't get through")
        finally:
            own.rabbitmqctl(limit, usual)
        insist(lambda: broker.publish(bodies("d")))
        come(worker, "d")  # of those that were given up, some may have been published


@pytest.mark.usefixtures("impatient")
def test_a_consumer_that_is_slower_than_the_server_allows_repeats_and_loses_nothing(own: OwnServers) -> None:
    with logged() as said, closing(RabbitmqBroker.from_url(f"{own.url('RABBITMQ')}?queue=slow")) as broker:
        store = AwayUntil(said, "leases could not be kept", lambda: be_patient(own))
        broker.publish([Body(encode(Document(name, name))) for name in ("a", "b", "c")])
        Keeper(broker, store, setup(), deadline=PATIENCE, stop=Stop(), drain=True).run()
        assert broker.backlog().ready == 0
    assert any("timed out" in one for one in said)
    assert store.count(ResultQuery()).by_model() == {"fake": 3}
    assert store.count_dead(DeadQuery()) == {}
    assert "stopped: 3 received" not in said[-1], "nothing was repeated"


def test_what_a_policy_limits_is_handed_over_with_its_reason(own: OwnServers) -> None:
    own.start("rabbitmq")
    own.rabbitmqctl("set_policy", "limits", "^limited$", '{"delivery-limit": 1}', "--apply-to", "queues")
    url = f"{own.url('RABBITMQ')}?queue=limited"
    with closing(RabbitmqBroker.from_url(url)) as broker:
        broker.publish(bodies("a"))
    for _ in range(2):
        with closing(RabbitmqBroker.from_url(url)) as broker:
            assert [one.evicted for one in take(broker, 1)] == [""]
    with closing(RabbitmqBroker.from_url(url)) as broker:
        (one,) = take(broker, 1)
        assert (one.data, one.evicted) == (b"a", "delivery_limit")
        broker.ack([one])
        assert broker.receive(LARGE, 0.2) == []


def test_a_node_of_a_cluster_that_is_killed_under_load_loses_nothing(own: OwnServers, tmp_path: Path) -> None:
    own.start("rabbitmq", "rabbitmq-2", "rabbitmq-3")
    settings = Settings(
        broker=f"{own.url('RABBITMQ_CLUSTER')}?queue=replicated", store=f"sqlite:///{tmp_path}/store.db"
    )
    known = [0]
    proof = Proof(settings, Task(DOCUMENTS, 3, 5, patience=PATIENCE), tmp_path, stop=Stop(), progress=known.append)

    with ThreadPoolExecutor(1) as beside:
        running = beside.submit(proof.run)
        until(lambda: known[-1] > 0 or running.done(), PATIENCE, "nothing is stored")
        own.kill("rabbitmq")  # the queue was declared there, so its leader is there
        ledger, findings = running.result(10 * PATIENCE)

    assert findings == []
    assert not proof.gave_up
    assert (ledger.published, ledger.stored + ledger.buried, ledger.failed) == (DOCUMENTS, DOCUMENTS, False)
    with closing(RabbitmqBroker.from_url(settings.broker)) as broker:
        broker.publish(bodies("the two that are left go on"))
        assert data(take(broker, 1)) == ["the two that are left go on"]
