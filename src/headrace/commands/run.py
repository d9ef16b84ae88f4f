"""demo, up, serve, work: what runs until it is told to stop."""

import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from headrace import runtime, samples
from headrace.commands.settings import Flags
from headrace.config import Settings
from headrace.errors import HeadraceError, Misconfigured, Unavailable
from headrace.log import logger
from headrace.models.registry import Registry
from headrace.models.spec import pinned
from headrace.predictor.settings import PredictorSettings
from headrace.runtime import Stop
from headrace.urls import Connectors, is_memory, keeps, mask
from headrace.worker import launch

LOG = logger("headrace.commands")
DEMO_FOLDER = Path("headrace-demo")


def demo(*, settings: Flags = Settings()) -> int:
    """Start everything, in the folder headrace-demo, and feed it samples in 38 languages."""
    usual = Settings()
    DEMO_FOLDER.mkdir(exist_ok=True)
    if settings.broker == usual.broker:
        settings = replace(settings, broker=f"sqlite:///{DEMO_FOLDER}/queue.db")
    if settings.store == usual.store:
        settings = replace(settings, store=f"sqlite:///{DEMO_FOLDER}/store.db")
    return _up(settings, feed=samples.feed)


def up(*, settings: Flags = Settings()) -> int:
    """Start everything: workers, the API and the console. The queue and the store are files in the current folder."""
    return _up(settings)


def serve(
    *,
    api_only: Annotated[bool, Parameter(negative="", help="Without the console.")] = False,
    settings: Flags = Settings(),
) -> None:
    """Serve the API and the console, without workers."""
    if is_memory(settings.broker) or is_memory(settings.store):
        raise Misconfigured(
            "serve alone has no workers, and none can reach its memory; use headrace up, or another --broker and --store"
        )
    connectors = Connectors(settings.broker, settings.store)
    stop = Stop()
    runtime.on_signals(stop, lambda: None)
    try:
        connectors.broker().close()  # the web connects only when it has to publish, and what is misconfigured should be told now
    except Unavailable as error:
        LOG.warning(f"serving without the broker for now: {error}")
    _serve(settings, launch.predictor_settings(settings), connectors, stop, console=not api_only)


def work(
    *,
    drain: Annotated[bool, Parameter(negative="", help="Stop when nothing is ready or leased.")] = False,
    settings: Flags = Settings(),
) -> int:
    """Run workers: receive, predict, write, acknowledge."""
    if is_memory(settings.broker) or is_memory(settings.store):
        raise Misconfigured(
            "workers can't reach what lives in the memory of another process; use headrace up, or another --broker and --store"
        )
    predictor = _predictor(settings)
    connectors = Connectors(settings.broker, settings.store, settings.results)
    stop = Stop()
    with launch.exporting(settings) as statuses:
        if settings.processes > 1:
            supervisor = launch.supervised(settings, drain=drain, statuses=statuses)
            runtime.on_signals(stop, supervisor.kill)
            return supervisor.run(stop)
        runtime.on_signals(stop, lambda: None)
        launch.run_worker(settings, predictor, connectors, stop, drain=drain, statuses=statuses)
    return 0


def _up(settings: Settings, feed: Callable[[Connectors, Stop], None] | None = None) -> int:
    predictor = _predictor(settings)
    stop = Stop()
    if not keeps(settings.store):
        raise Misconfigured("the store none: has nothing to show; use headrace work with it, or another --store")
    connectors = Connectors(settings.broker, settings.store, settings.results)
    workers = _Workers(settings, predictor, connectors, stop)
    runtime.on_signals(stop, workers.kill)
    workers.start()
    feeder = threading.Thread(target=feed, args=(connectors, stop), name="samples") if feed else None
    try:
        _serve(settings, predictor, connectors, stop, console=True, on_ready=feeder.start if feeder else None)
    finally:
        stop.request()
        workers.join()
        if feeder is not None and feeder.is_alive():
            feeder.join()
    return workers.status


class _Workers:
    """The workers of `up`: processes of their own, or one thread here where broker or store live in memory."""

    def __init__(self, settings: Settings, predictor: PredictorSettings, connectors: Connectors, stop: Stop) -> None:
        self._settings, self._predictor, self._connectors, self._stop = settings, predictor, connectors, stop
        shared = is_memory(settings.broker) or is_memory(settings.store)
        self._supervisor = None if shared else launch.supervised(settings)
        self._thread = threading.Thread(target=self._run, name="workers")
        self.status = 0

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        if self._thread.is_alive():
            self._thread.join()

    def kill(self) -> None:
        if self._supervisor is not None:
            self._supervisor.kill()

    def _run(self) -> None:
        try:
            if self._supervisor is not None:
                self.status = self._supervisor.run(self._stop)
            else:
                launch.run_worker(self._settings, self._predictor, self._connectors, self._stop)
        except HeadraceError as error:
            LOG.error(str(error))
            self.status = error.status
        finally:
            self._stop.request()


def _serve(
    settings: Settings,
    predictor: PredictorSettings,
    connectors: Connectors,
    stop: Stop,
    *,
    console: bool,
    on_ready: Callable[[], None] | None = None,
) -> None:
    try:
        from headrace.predictor.shared import SharedPredictor
        from headrace.web.server import serve as serve_web
        from headrace.web.services import ServerSettings, Services
    except ModuleNotFoundError as error:
        extra = "console" if console else "api"
        raise Misconfigured(f"serving needs {error.name}: pip install 'headrace[{extra}]'") from error

    def ready(address: str) -> None:
        print(f"Headrace is at {address} (Ctrl-C stops it)", flush=True)
        if on_ready is not None:
            on_ready()

    server = ServerSettings(
        host=settings.host,
        port=settings.port,
        hosts=tuple(filter(None, (name.strip() for name in settings.hosts.split(",")))),
        token=settings.token,
        document_bytes=settings.document_bytes,
        request_bytes=settings.request_bytes,
        metrics=settings.metrics,
    )
    with ExitStack() as opened:
        store = opened.enter_context(closing(launch.connected(connectors.store, stop)))
        shared = opened.enter_context(closing(SharedPredictor(predictor, deadline=settings.deadline)))
        shared.start()
        services = Services(
            store=store,
            connect=connectors.broker,
            registry=Registry.from_url(settings.registry),
            predictor=shared,
            settings=server,
        )
        serve_web(services, console=console, stop=lambda: stop.requested, on_ready=ready)


def _predictor(settings: Settings) -> PredictorSettings:
    """What every worker's predictor is to serve. Raises Misconfigured at once for a model that no worker could open."""
    predictor = launch.predictor_settings(settings)
    pinned(predictor.models, Registry.from_url(settings.registry))
    results = f", results {mask(settings.results)}" if settings.results else ""
    LOG.info(f"broker {mask(settings.broker)}, store {mask(settings.store)}{results}, models {settings.models}")
    return predictor
