"""Starting workers: one here, or several in processes of their own."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from io import FileIO
from itertools import chain, repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import msgspec

from headrace import config, runtime, supervisor
from headrace.config import Settings, several
from headrace.log import logger
from headrace.masking import mask_url
from headrace.models.registry import Registry
from headrace.models.spec import parse, pinned
from headrace.predictor.following import kept
from headrace.predictor.settings import PredictorSettings
from headrace.retrying import patiently, until_stopped
from headrace.runtime import Stop
from headrace.scoring import cache
from headrace.supervisor import Supervisor
from headrace.tables import fields_of
from headrace.urls import Connectors, keeps
from headrace.worker import status_files
from headrace.worker.heartbeat import Heartbeat
from headrace.worker.keeper import Keeper
from headrace.worker.results import ResultPublisher

MODULE = "headrace.worker.launch"
LOG = logger("headrace.worker")

T = TypeVar("T")


class Task(msgspec.Struct, frozen=True):
    """What a worker in a process of its own is told beside the settings.

    `statuses` is a folder, or empty; `kept` is the member of PredictorSettings.
    """

    drain: bool = False
    statuses: str = ""
    kept: tuple[str, ...] = ()


def predictor_settings(settings: Settings) -> PredictorSettings:
    """What the settings say of a predictor. Raises Misconfigured if the setting `models` or `fields` cannot be read."""
    fields_of(settings.fields)  # it is wrong here, rather than in each worker
    return PredictorSettings(
        models=parse(settings.models),
        registry=settings.registry,
        memory=settings.memory,
        document_bytes=settings.document_bytes,
        sharers=settings.processes + 1,  # the API has a predictor too
        log=settings.log,
        fields=settings.fields,
    )


def checked_predictor_settings(settings: Settings) -> PredictorSettings:
    """`predictor_settings`, once every model of the registry was found there; logs what workers will use.

    Raises Misconfigured for a model that no worker could open.
    """
    predictor = told_of_cache(predictor_settings(settings))
    pinned(predictor.models, Registry.from_url(settings.registry))
    results = f", results {mask_url(settings.results)}" if settings.results else ""
    LOG.info(f"broker {mask_url(settings.broker)}, store {mask_url(settings.store)}{results}, models {settings.models}")
    return predictor


def told_of_cache(predictor: PredictorSettings) -> PredictorSettings:
    """The settings with which no predictor logs once more what is logged here: why no compiled code is kept, if so."""
    reason = cache.why_not_kept(cache.folder(), config.numba_cache())
    if reason and any(spec.reference for spec in predictor.models):
        cache.warn(reason)
    return msgspec.structs.replace(predictor, cache_told=True)


def run_worker(
    settings: Settings,
    predictor: PredictorSettings,
    connectors: Connectors,
    stop: Stop,
    *,
    drain: bool = False,
    statuses: Path | None = None,
) -> None:
    """Be a worker until the stop is requested or, with `drain`, until nothing is ready or leased. Leases are given back at the end.

    The worker writes its statuses into the folder `statuses`, if it is given.
    """
    with ExitStack() as opened:
        store = opened.enter_context(closing(connected(connectors.store, stop)))
        broker = opened.enter_context(closing(connected(connectors.broker, stop)))
        publisher = None
        if connectors.results is not None:
            results = opened.enter_context(closing(connected(connectors.results, stop)))
            events = settings.results_format == "cloudevents"
            publisher = ResultPublisher(store, results, keeps=keeps(settings.store), events=events)
        heartbeat = Heartbeat(store, status_files.writer(statuses)) if statuses else None
        make = partial(
            Keeper,
            broker,
            store,
            predictor,
            publisher=publisher,
            heartbeat=heartbeat,
            deadline=settings.deadline,
            stop=stop,
            drain=drain,
        )
        connected(make, stop).run()


def connected(connect: Callable[[], T], stop: Stop) -> T:
    """The connection that `connect` makes, however long it takes. Raises Unavailable if the stop is requested first."""
    return patiently(connect, until_stopped(stop, LOG.warning))


def order(
    settings: Settings, *, drain: bool = False, statuses: Path | None = None, kept: tuple[str, ...] = ()
) -> bytes:
    """The order to a worker in a process of its own; see Task."""
    return supervisor.order(settings, Task(drain, str(statuses or ""), kept))


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
        statuses = partial(status_files.read, folder)
        names = several(settings.hosts)
        with closing(Exporter(settings.host, settings.metrics_port, statuses, hosts=names)) as exporter:
            LOG.info(f"metrics at {exporter.address}")
            yield folder


def supervised(settings: Settings, *, drain: bool = False, statuses: Path | None = None) -> Supervisor:
    """As many workers as the settings say, in processes of their own, which write their statuses into a folder if it is given.

    One that replaces another waits for models that cannot be found; the first ones end with the status of Misconfigured.
    """
    there = kept(parse(settings.models), Registry.from_url(settings.registry))
    first, later = (order(settings, drain=drain, statuses=statuses, kept=names) for names in ((), there))
    orders = chain(repeat(first, settings.processes), repeat(later))
    return Supervisor(lambda: supervisor.start_child(MODULE, [], next(orders)), settings.processes)


def main() -> int:
    """A worker in a process of its own, started by `supervised`."""
    return supervisor.run_child(Task, _work)


def _work(settings: Settings, task: Task, stop: Stop, _input: FileIO) -> None:
    runtime.on_end_of_input(stop.request)
    connectors = Connectors(settings.broker, settings.store, settings.results)
    statuses = Path(task.statuses) if task.statuses else None
    predictor = msgspec.structs.replace(predictor_settings(settings), cache_told=True, kept=task.kept)
    run_worker(settings, predictor, connectors, stop, drain=task.drain, statuses=statuses)


if __name__ == "__main__":
    sys.exit(main())
