"""The command `up`."""

import threading
from collections.abc import Callable, Sequence

from headrace import config, runtime
from headrace.commands.ingest import open_table
from headrace.commands.output import print_address
from headrace.commands.settings import Flags
from headrace.config import Settings
from headrace.errors import HeadraceError, Misconfigured, Unavailable
from headrace.ingest.several import Opened, Options, Several, check_distinct
from headrace.log import logger
from headrace.predictor.settings import PredictorSettings
from headrace.retrying import patiently, until_stopped
from headrace.runtime import Stop
from headrace.urls import Connectors, is_memory, keeps
from headrace.web import launch as web
from headrace.worker import launch

LOG = logger("headrace.commands")


def up(*, settings: Flags = Settings()) -> int:
    """Start everything: workers, the API and the console, and what the [[ingest]] tables of headrace.toml name.

    The queue and the store are files in the current folder.
    """
    tables = config.read_file().ingest
    opened = [one for table in tables for one in open_table(table, settings.document_bytes)]
    check_distinct(opened)
    options = Options(backlog_limit=settings.backlog_limit)
    return run_everything(settings, feeding(opened, options) if opened else None)


def feeding(opened: Sequence[Opened], options: Options) -> Callable[[Connectors, Stop], None]:
    """What publishes these sources until the stop, and logs what goes wrong, and when all are read."""

    def feed(connectors: Connectors, stop: Stop) -> None:
        pause = until_stopped(stop, LOG.warning)
        work = Several(
            lambda: patiently(connectors.broker, pause),
            lambda: patiently(connectors.store, pause),
            stop=stop,
            options=options,
        )
        try:
            if work.run(opened):
                LOG.info(f"all sources are read: {work.tally.published:,} published, {work.tally.repeated:,} repeated")
        except Unavailable:
            pass  # what the stop has interrupted goes on at the next start
        except HeadraceError as error:
            LOG.error(f"a source has ended: {error}")

    return feed


def run_everything(settings: Settings, feed: Callable[[Connectors, Stop], None] | None = None) -> int:
    """Run workers and serve until the stop; the exit status. `feed` runs in a thread of its own once the server listens."""
    webhooks = config.webhooks()
    predictor = launch.checked_predictor_settings(settings)
    stop = Stop()
    if not keeps(settings.store):
        raise Misconfigured("the store none: has nothing to show; use headrace work with it, or another --store")
    connectors = Connectors(settings.broker, settings.store, settings.results)
    workers = Workers(settings, predictor, connectors, stop)
    runtime.on_signals(stop, workers.kill)
    workers.start()
    feeder = threading.Thread(target=feed, args=(connectors, stop), name="feed") if feed else None

    def on_ready(address: str) -> None:
        print_address(address)
        if feeder is not None:
            feeder.start()

    try:
        web.serve(settings, predictor, connectors, stop, console=True, webhooks=webhooks, on_ready=on_ready)
    finally:
        stop.request()
        workers.join()
        if feeder is not None and feeder.is_alive():
            feeder.join()
    return workers.status


class Workers:
    """The workers of `up`: processes, or one thread here if the broker or the store lives in memory.

    When they end, for whatever reason, they request the stop.
    """

    def __init__(self, settings: Settings, predictor: PredictorSettings, connectors: Connectors, stop: Stop) -> None:
        self._settings, self._predictor, self._connectors, self._stop = settings, predictor, connectors, stop
        in_memory = is_memory(settings.broker) or is_memory(settings.store)
        self._supervisor = None if in_memory else launch.supervised(settings)
        self._thread = threading.Thread(target=self._run, name="workers")
        self.status = 0

    def start(self) -> None:
        """Start them, and return."""
        self._thread.start()

    def join(self) -> None:
        """Wait until they have ended; returns at once if they never started."""
        if self._thread.is_alive():
            self._thread.join()

    def kill(self) -> None:
        """End the processes at once; a thread goes on until its stop."""
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
        except Exception:
            LOG.exception("the workers ended with an error that was not expected")
            self.status = HeadraceError.status
        finally:
            self._stop.request()
