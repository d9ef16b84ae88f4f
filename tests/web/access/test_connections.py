"""How many connections there may be, and which of them gives way."""

import resource
from dataclasses import dataclass

from headrace.web.access.connections import Connections, allow_descriptors, most_connections
from headrace.web.access.limits import ConnectionLimits


@dataclass(eq=False)
class Other:
    unread: bool = False
    ended: bool = False

    def has_unread(self) -> bool:
        return self.unread

    def check(self, now: float) -> None: ...

    def give_way(self) -> None:
        self.ended = True

    def abort(self) -> None: ...


def test_one_whose_request_was_not_read_yet_does_not_give_way() -> None:
    connections = Connections(ConnectionLimits(connections=3))
    asking, idle, busy = Other(unread=True), Other(), Other()
    assert all(connections.admit(one) for one in (asking, idle, busy))
    connections.work(busy)
    assert connections.admit(Other(unread=True))
    assert idle.ended
    assert not connections.admit(Other())
    assert not asking.ended


def test_one_that_has_just_been_answered_is_not_the_one_that_waited_longest() -> None:
    connections = Connections(ConnectionLimits(connections=2))
    first, second = Other(), Other()
    assert connections.admit(first)
    assert connections.admit(second)
    connections.wait(first)
    assert connections.admit(Other())
    assert (first.ended, second.ended) == (False, True)


def test_the_limit_of_descriptors_is_raised_as_far_as_it_may_be() -> None:
    before = soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limits = ConnectionLimits(connections=soft)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft - 100, hard))
        assert most_connections(limits) == (soft - 100) // 2
        allow_descriptors(100)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == soft - 100
        allow_descriptors(soft // 2)
        assert most_connections(limits) >= soft // 2 - 1
        allow_descriptors(1 << 40)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] <= hard or hard == resource.RLIM_INFINITY
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
