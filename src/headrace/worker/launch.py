"""Starting workers: one here, or several in processes of their own."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import msgspec

from headrace import log, runtime, supervisor
from headrace.config import Settings
from headrace.errors import HeadraceError
from headrace.log import LogSettings, logger
from headrace.models.spec import parse
from headrace.predictor.settings import PredictorSettings
from headrace.retrying import patiently, until_stopped
from headrace.runtime import Stop
from headrace.supervisor import Supervisor
from headrace.urls import Connectors, keeps
from headrace.worker import status_files
from headrace.worker.heartbeat import Heartbeat
from headrace.worker.keeper import Keeper
from headrace.worker.results import ResultPublisher

MODULE = "headrace.worker.launch"
LOG = logger("headrace.worker")

T = TypeVar("T")


class Order(msgspec.Struct, frozen=True):
    """What a worker in a process of its own is told, as one line on its standard input."""

    parent: int
    drain: bool
    settings: dict[str, str | int | float | bool]
    statuses: str = ""


def predictor_settings(settings: Settings) -> PredictorSettings:
    """What the settings say of a predictor. Raises Misconfigured if the setting `models` cannot be read."""
    return PredictorSettings(
        models=parse(settings.models),
        registry=settings.registry,
        memory=settings.memory,
        document_bytes=settings.document_bytes,
        sharers=settings.processes + 1,  # the API has a predictor too
        log=log_settings(settings),
    )


def log_settings(settings: Settings) -> LogSettings:
    """How the processes of these settings log."""
    return LogSettings(settings.log_format, settings.log_level)


def keep(
    settings: Settings,
    predictor: PredictorSettings,
    connectors: Connectors,
    stop: Stop,
    *,
    drain: bool = False,
    statuses: Path | None = None,
) -> None:
    """Be a worker until the stop, or until all is drained; leases go back at the end.

    The folder `statuses` gets what the worker has counted, if it is given.
    """
    with ExitStack() as opened:
        store = opened.enter_context(closing(insist(connectors.store, stop)))
        broker = opened.enter_context(closing(insist(connectors.broker, stop)))
        publisher = None
        if connectors.results is not None:
            results = opened.enter_context(closing(insist(connectors.results, stop)))
            publisher = ResultPublisher(store, results, keeps=keeps(settings.store))
        heartbeat = Heartbeat(store, status_files.writer(statuses)) if statuses else None
        keeper = Keeper(
            broker,
            store,
            predictor,
            publisher=publisher,
            heartbeat=heartbeat,
            deadline=settings.deadline,
            stop=stop,
            drain=drain,
        )
        keeper.run()


def insist(connect: Callable[[], T], stop: Stop) -> T:
    """A connection, however long it takes; Unavailable where the stop comes first."""
    return patiently(connect, until_stopped(stop, LOG.warning))


def order(settings: Settings, *, drain: bool = False, statuses: Path | None = None) -> bytes:
    """What a worker in a process of its own is told first."""
    told = Order(os.getpid(), drain, msgspec.to_builtins(settings), str(statuses or ""))
    return msgspec.json.encode(told) + b"\n"


@contextmanager
def exporting(settings: Settings) -> Iterator[Path | None]:
    """Serve the metrics of workers on a port of their own until the block ends, if the settings give one.

    Gives the folder for their statuses; None without a port. Raises Misconfigured if the port can't be listened on.
    """
    if not settings.metrics_port:
        yield None
        return
    from headrace.worker.exporter import Exporter  # importing http.server takes 50 ms

    with TemporaryDirectory(prefix="headrace-") as name:
        folder = Path(name)
        with closing(Exporter(settings.host, settings.metrics_port, lambda: status_files.read(folder))) as exporter:
            LOG.info(f"metrics at {exporter.address}")
            yield folder


def family(settings: Settings, *, drain: bool = False, statuses: Path | None = None) -> Supervisor:
    """Workers in processes of their own, which put what they have counted into the folder `statuses`, if it is given."""
    told = order(settings, drain=drain, statuses=statuses)
    return Supervisor(lambda: supervisor.start_child(MODULE, [], told), settings.processes)


def main() -> int:
    """A worker that was started by `family`."""
    told = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    stop = Stop()
    runtime.on_signals(stop, lambda: None)
    runtime.follow_parent(told.parent, signal.SIGTERM)
    runtime.on_end_of_input(stop.request)
    try:
        settings = msgspec.convert(told.settings, Settings)
        log.configure(log_settings(settings))
        connectors = Connectors(settings.broker, settings.store, settings.results)
        statuses = Path(told.statuses) if told.statuses else None
        keep(settings, predictor_settings(settings), connectors, stop, drain=told.drain, statuses=statuses)
    except HeadraceError as error:
        LOG.error(str(error))
        return error.status
    return 0


if __name__ == "__main__":
    sys.exit(main())
