"""What every store remembers beside documents: the cursors of sources, and the workers. Needs a fixture `connect`."""

from collections.abc import Callable

import msgspec

from headrace.clock import HOUR, microseconds
from headrace.ports import StoreAdapter, WorkerStatus

Connect = Callable[[], StoreAdapter]


class ProgressSuite:
    """Cursors and presence; each name is the sentence that the test shows."""

    def test_a_cursor_is_loaded_as_it_was_saved_last(self, connect: Connect) -> None:
        store = connect()
        assert store.load("files:a") is None
        store.save("files:a", "1")
        store.save("files:a", '{"ö": 2}')
        store.save("files:b", "3")
        assert connect().load("files:a") == '{"ö": 2}'
        assert dict(connect().cursors()) == {"files:a": '{"ö": 2}', "files:b": "3"}
        assert list(connect().cursors()) == ["files:a", "files:b"]

    def test_it_tells_which_ids_were_erased_and_when_last(self, connect: Connect) -> None:
        store = connect()
        before = microseconds()
        store.erase(["a", "ö"])
        first = store.erased(["a", "b", "ö"])
        assert sorted(first) == ["a", "ö"]
        assert all(before <= at <= microseconds() for at in first.values())
        store.erase(["a"])
        assert connect().erased(["a"])["a"] > first["a"]
        assert store.erased([]) == store.erased(["b"]) == {}

    def test_a_worker_is_listed_until_it_has_stopped(self, connect: Connect) -> None:
        store = connect()
        store.beat(WorkerStatus("host-2", 1, 2, "waiting"))
        store.beat(WorkerStatus("host-1", 1, 1, "starting"))
        store.beat(WorkerStatus("host-1", 1, 2, "working", ("language@aaaaaa",), {"stored": 3}, b"\x00\xff{}"))
        listed = connect().workers()
        assert [(w.name, w.started_at, w.state) for w in listed] == [
            ("host-1", 1, "working"),
            ("host-2", 1, "waiting"),
        ]
        assert [(list(w.models), dict(w.counts)) for w in listed] == [(["language@aaaaaa"], {"stored": 3}), ([], {})]
        assert [worker.metrics for worker in listed] == [b"\x00\xff{}", b""]
        store.beat(WorkerStatus("host-2", 1, 3, "stopped"))
        assert [worker.name for worker in store.workers()] == ["host-1"]

    def test_what_a_worker_counted_can_be_read_when_it_has_stopped_until_it_is_forgotten(
        self, connect: Connect
    ) -> None:
        store = connect()
        store.beat(WorkerStatus("host-1", 1, 2, "working", (), {"stored": 3}, b"3"))
        store.beat(WorkerStatus("host-1", 1, 3, "stopped", (), {"stored": 4}, b"4"))
        store.beat(WorkerStatus("host-2", 1, 3, "ready"))
        listed = connect().workers(stopped=True)
        assert [(worker.name, worker.state, worker.metrics) for worker in listed] == [
            ("host-1", "stopped", b"4"),
            ("host-2", "ready", b""),
        ]
        _forget_others(store, WorkerStatus("host-2", 1, 4, "ready"))
        assert [worker.name for worker in store.workers(stopped=True)] == ["host-2"]

    def test_a_worker_that_starts_again_under_its_name_is_listed_again(self, connect: Connect) -> None:
        store = connect()
        store.beat(WorkerStatus("host-1", 1, 2, "stopped"))
        assert store.workers() == []
        store.beat(WorkerStatus("host-1", 3, 3, "starting"))
        assert [(worker.started_at, worker.state) for worker in store.workers()] == [(3, "starting")]

    def test_times_of_workers_are_numbers_that_json_can_write(self, connect: Connect) -> None:
        store = connect()
        before = store.time()
        store.beat(WorkerStatus("host-1", 1 << 50, 1, "working"))
        (told,) = msgspec.json.decode(msgspec.json.encode(store.workers()))
        assert told["started_at"] == 1 << 50
        assert before <= told["seen_at"] <= store.time()

    def test_a_worker_that_was_not_seen_for_long_is_forgotten(self, connect: Connect) -> None:
        store = connect()
        store.beat(WorkerStatus("host-1", 1, 2, "working"))
        _forget_others(store, WorkerStatus("host-2", 1, 3, "working"))
        assert [worker.name for worker in store.workers()] == ["host-2"]

    def test_a_worker_whose_clock_is_wrong_is_seen_by_the_clock_of_the_store_and_hides_nobody(
        self, connect: Connect
    ) -> None:
        store, other = connect(), connect()
        before = store.time()
        for state in ("ready", "working"):
            for name, off in (("right", 0), ("ahead", HOUR), ("far ahead", 24 * HOUR), ("behind", -HOUR)):
                at = microseconds() + off
                (other if off else store).beat(WorkerStatus(name, at, at, state))
                assert all(before <= worker.seen_at <= store.time() for worker in store.workers())
        names = ["ahead", "behind", "far ahead", "right"]
        assert [(worker.name, worker.state) for worker in other.workers()] == [(name, "working") for name in names]


def _forget_others(store: StoreAdapter, worker: WorkerStatus) -> None:
    """Let a worker report until all that reported before it are forgotten. The clocks of some stores tell milliseconds."""
    for _ in range(1000):
        store.beat(worker, forget=0)
        if len(store.workers(stopped=True)) == 1:
            return
