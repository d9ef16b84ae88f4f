"""A worker of a proof, in a process of its own: a worker like any other, that can be held at gates."""

import sys
from io import FileIO
from pathlib import Path

import msgspec

from headrace import runtime, supervisor
from headrace.config import Settings
from headrace.proof.gates import ACKED, WRITTEN, Gates
from headrace.runtime import Stop
from headrace.urls import Connectors
from headrace.worker import launch

MODULE = "headrace.proof.worker"
ROLE = "worker"


class Task(msgspec.Struct, frozen=True):
    """Whether to end once the queue is empty, and the folder of the gates."""

    drain: bool
    gates: str


def order(settings: Settings, gates: Path, *, drain: bool) -> bytes:
    """The order to a worker. `headrace.worker.launch` understands it too, and has no gates."""
    return supervisor.order(settings, Task(drain, str(gates)))


def main() -> int:
    """A worker that was started by a proof."""
    return supervisor.run_child(Task, _work)


def _work(settings: Settings, task: Task, stop: Stop, _input: FileIO) -> None:
    runtime.on_end_of_input(stop.request)
    gates = Gates(Path(task.gates))
    gates.announce(ROLE)
    connectors = Connectors(settings.broker, settings.store)
    store = gates.watch(launch.connected(connectors.store, stop), {"write": WRITTEN}, stop)
    broker = gates.watch(launch.connected(connectors.broker, stop), {"ack": ACKED}, stop)
    launch.run_worker(settings, launch.predictor_settings(settings), Connectors(broker, store), stop, drain=task.drain)


if __name__ == "__main__":
    sys.exit(main())
