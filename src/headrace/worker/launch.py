"""Starting workers: one here, or several in processes of their own."""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import TypeVar

import msgspec

from headrace import runtime, supervisor
from headrace.config import Settings
from headrace.errors import HeadraceError
from headrace.models.spec import parse
from headrace.predictor.settings import PredictorSettings
from headrace.retrying import patiently, until_stopped
from headrace.runtime import Stop
from headrace.supervisor import Supervisor
from headrace.urls import Connectors, keeps, mask
from headrace.worker.keeper import Keeper
from headrace.worker.results import ResultPublisher

MODULE = "headrace.worker.launch"

T = TypeVar("T")


class Order(msgspec.Struct, frozen=True):
    """What a worker in a process of its own is told, as one line on its standard input."""

    parent: int
    drain: bool
    settings: dict[str, str | int | float | bool]


def predictor_settings(settings: Settings) -> PredictorSettings:
    """What the settings say of a predictor. Raises Misconfigured if the setting `models` can't be read."""
    return PredictorSettings(
        models=parse(settings.models),
        registry=settings.registry,
        memory=settings.memory,
        document_bytes=settings.document_bytes,
        sharers=settings.processes + 1,  # the API has a predictor too
    )


def keep(
    settings: Settings,
    predictor: PredictorSettings,
    connectors: Connectors,
    stop: Stop,
    *,
    drain: bool = False,
) -> None:
    """Be a worker until the stop, or until all is drained; leases go back at the end."""
    with ExitStack() as opened:
        store = opened.enter_context(closing(insist(connectors.store, stop)))
        broker = opened.enter_context(closing(insist(connectors.broker, stop)))
        announcer = None
        if connectors.results is not None:
            results = opened.enter_context(closing(insist(connectors.results, stop)))
            announcer = ResultPublisher(store, results, keeps=keeps(settings.store))
        keeper = Keeper(
            broker,
            store,
            predictor,
            announcer=announcer,
            deadline=settings.deadline,
            stop=stop,
            drain=drain,
            say=say,
        )
        keeper.run()


def insist(connect: Callable[[], T], stop: Stop) -> T:
    """A connection, however long it takes; Unavailable where the stop comes first."""
    return patiently(connect, until_stopped(stop, say))


def order(settings: Settings, *, drain: bool = False) -> bytes:
    """What a worker in a process of its own is told first."""
    return msgspec.json.encode(Order(os.getpid(), drain, msgspec.to_builtins(settings))) + b"\n"


def family(settings: Settings, *, drain: bool = False) -> Supervisor:
    """Workers in processes of their own."""
    told = order(settings, drain=drain)
    return Supervisor(lambda: supervisor.start_child(MODULE, [], told), settings.processes, say)


def say(text: str) -> None:
    """A line for the people who watch."""
    print(f"headrace: {mask(text)}", file=sys.stderr, flush=True)


def main() -> int:
    """A worker that was started by `family`."""
    told = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    stop = Stop()
    runtime.on_signals(stop, lambda: None)
    runtime.follow_parent(told.parent, signal.SIGTERM)
    runtime.on_end_of_input(stop.request)
    try:
        settings = msgspec.convert(told.settings, Settings)
        connectors = Connectors(settings.broker, settings.store, settings.results)
        keep(settings, predictor_settings(settings), connectors, stop, drain=told.drain)
    except HeadraceError as error:
        say(str(error))
        return error.status
    return 0


if __name__ == "__main__":
    sys.exit(main())
