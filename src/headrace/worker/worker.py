"""A worker in a program of your own: `headrace.Worker`."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

from headrace import runtime
from headrace.config import Settings
from headrace.errors import Unavailable
from headrace.ports import BrokerAdapter, Sink, StoreAdapter
from headrace.runtime import Stop
from headrace.urls import Connectors, keeps
from headrace.worker import launch
from headrace.worker.keeper import Keeper
from headrace.worker.results import ResultPublisher

T = TypeVar("T", BrokerAdapter, StoreAdapter, Sink)


class Worker:
    """Receives documents, predicts, writes the results and acknowledges, as `headrace work` does.

    `broker` and `store` are URLs, or adapters: objects with the methods of `ports.BrokerAdapter` and `ports.StoreAdapter`. `results`, a
    URL or a `ports.Sink`, is where to publish results for others to consume. `run` opens what a URL names, and closes it at its end. An
    adapter that is given stays open; when you close it, what it has leased goes back.

    `models` is the setting of that name, or a list of its entries; `registry` is the folder of the models, or its URL. `deadline`
    (seconds), `memory`, `document_bytes` (bytes) and `fields` are settings too. The models run in a process of their own, which imports a
    `python:` class by the name of its module. What happens is logged below the logger `headrace`.

    Raises Misconfigured for a URL that no adapter serves, for models that cannot be read, and for a number outside its limits.
    """

    def __init__(
        self,
        *,
        broker: str | BrokerAdapter,
        store: str | StoreAdapter,
        models: str | Sequence[str] = Settings.models,
        results: str | Sink = "",
        registry: str | Path = Settings.registry,
        deadline: float = Settings.deadline,
        memory: int = Settings.memory,
        document_bytes: int = Settings.document_bytes,
        fields: str = Settings.fields,
        drain: bool = False,
    ) -> None:
        self._settings = Settings(
            models=models if isinstance(models, str) else ", ".join(models),
            registry=str(registry),
            deadline=deadline,
            memory=memory,
            document_bytes=document_bytes,
            fields=fields,
        )
        self._predictor = launch.predictor_settings(self._settings)
        self._connectors = Connectors(broker, store, results)
        self._broker, self._store, self._results, self._drain = broker, store, results, drain
        self._stop = Stop()

    def run(self) -> None:
        """Work until `stop` is called; with `drain`, at the longest until nothing is ready or leased.

        In the main thread, SIGINT (Ctrl-C), SIGTERM and SIGHUP stop it too, and a second one ends the process at once; the handlers from
        before come back at the end. What was received is either finished by then or goes back to the broker. Unavailable servers are waited
        for.

        Raises Misconfigured for a model that does not exist or is broken; nothing is buried for that.
        """
        with ExitStack() as opened:
            opened.enter_context(_signals_request(self._stop))
            try:
                keeper = self._keeper(opened)
            except Unavailable:
                if self._stop.requested:
                    return
                raise
            keeper.run()

    def stop(self) -> None:
        """Let `run` return soon, and at once if it is called later; from any thread. Calling it twice is harmless."""
        self._stop.request()

    def _keeper(self, opened: ExitStack) -> Keeper:
        def connect(connector: Callable[[], T], given: object) -> T:
            connection = launch.connected(connector, self._stop)
            if isinstance(given, str):
                opened.callback(connection.close)
            return connection

        store = connect(self._connectors.store, self._store)
        broker = connect(self._connectors.broker, self._broker)
        publisher = None
        if self._connectors.results is not None:
            results = connect(self._connectors.results, self._results)
            publisher = ResultPublisher(store, results, keeps=keeps(self._store))
        return Keeper(
            broker,
            store,
            self._predictor,
            publisher=publisher,
            deadline=self._settings.deadline,
            stop=self._stop,
            drain=self._drain,
        )


@contextmanager
def _signals_request(stop: Stop) -> Iterator[None]:
    """Within the block, signals to the main thread request the stop; elsewhere they are left alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in runtime.SIGNALS}
    runtime.on_signals(stop, lambda: None)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)  # None: it was not set by Python
