"""A real server on a free port, in a thread."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from headrace.brokers.memory import MemoryBroker
from headrace.models.registry import Registry
from headrace.ports import Broker
from headrace.stores.memory import MemoryStore
from headrace.web.server import serve
from headrace.web.services import ServerSettings, Services
from support import PATIENCE


class WebServer:
    """The API on memory adapters. `connect` opens the broker, `more` are settings of the server."""

    def __init__(self, folder: Path, *, connect: Callable[[], Broker] | None = None, **more: Any) -> None:
        self.services = Services(
            store=MemoryStore(),
            connect=connect or MemoryBroker().connect,
            registry=Registry(folder, builtin=None),
            settings=ServerSettings(port=0, **more),
        )
        self.url = ""
        self._ready, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(
            target=lambda: serve(self.services, console=False, stop=self._stop.is_set, on_ready=self._accepts)
        )

    def __enter__(self) -> "WebServer":
        self._thread.start()
        assert self._ready.wait(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        assert not self._thread.is_alive()

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", int(self.url.rpartition(":")[2])

    def _accepts(self, url: str) -> None:
        self.url = url
        self._ready.set()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(PATIENCE)

    def begin(self, ask: Callable[[], httpx.Response]) -> Callable[[], httpx.Response]:
        answers: list[httpx.Response] = []
        thread = threading.Thread(target=lambda: answers.append(ask()))
        thread.start()

        def answer() -> httpx.Response:
            thread.join(PATIENCE)
            return answers[0]

        return answer
