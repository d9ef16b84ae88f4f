"""An API on memory adapters, called over ASGI as a client would."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio.from_thread
import httpx
import pytest
from fastapi import FastAPI

from headrace.brokers.memory import MemoryBroker
from headrace.burial import bury
from headrace.documents import Outcome, Prediction, decode, unpack
from headrace.errors import HeadraceError, Rejected, Unavailable
from headrace.models.registry import Registry
from headrace.ports import Broker
from headrace.stores.memory import MemoryStore
from headrace.stores.memory.watch import MemoryWatch
from headrace.web.api.app import create_api
from headrace.web.services import ServerSettings, Services, TextPredictor
from support import PATIENCE

MODEL = "language@3f9c2a"


class FirstLetter:
    """A predictor whose label is the text's first letter; refuses a text that says so."""

    def __init__(self, *, starting: bool = False) -> None:
        self.starting = starting

    def label(self, texts: Sequence[str], *, threshold: float | None = None) -> list[dict[str, Prediction]]:
        self._check()
        if "poison" in texts:
            raise Rejected("the model language@3f9c2a fails on this text")
        score = 0.5 if threshold is None else threshold
        return [{"language": Prediction(text[0], score, MODEL)} for text in texts]

    def ask(
        self,
        texts: Sequence[str],
        *,
        threshold: float | None = None,
        labels: Sequence[str] = (),
        answer: Callable[[list[dict[str, Prediction]] | HeadraceError], None],
        abandoned: Callable[[], bool] = lambda: False,  # noqa: ARG002 - it is always asked for
    ) -> None:
        self._check()
        try:
            found = self.label(texts, threshold=threshold)
            if labels:
                found = [{"language": Prediction("|".join(labels), 0.5, MODEL)} for _ in texts]
            answer(found)
        except HeadraceError as error:
            answer(error)

    def top(self, text: str, n: int = 5) -> dict[str, list[Prediction]]:
        self._check()
        return {"language": [Prediction(letter, 0.5, MODEL) for letter in text[:n]]}

    def alive(self) -> bool:
        return True

    def models(self) -> list[str]:
        self._check()
        return [MODEL]

    def _check(self) -> None:
        if self.starting:
            raise Unavailable("the predictor is starting; try again in a second")


def unreachable() -> Broker:
    raise Unavailable("connecting to the broker: nobody answers; is it running?")


class LostStore(MemoryStore):
    """A store whose server is gone."""

    def find(self, *_: object, **__: object):  # type: ignore[no-untyped-def]
        raise Unavailable("asking the store: nobody answers; is it running?")

    find_dead = find

    def watch(self) -> MemoryWatch:
        return LostWatch(self, threading.Condition(), lambda: 0)


class LostWatch(MemoryWatch):
    """A watch of it."""

    def conflicts(self, documents: Sequence[tuple[str, str]]) -> set[int]:  # noqa: ARG002
        raise Unavailable("asking the store: nobody answers; is it running?")

    def wait(self, seconds: float) -> bool:  # noqa: ARG002
        raise Unavailable("asking the store: nobody answers; is it running?")


@dataclass
class World:
    """An API that runs, with the store and the queue behind it."""

    app: FastAPI
    store: MemoryStore
    queue: MemoryBroker
    _portal: anyio.from_thread.BlockingPortal
    _client: httpx.AsyncClient
    _stack: ExitStack = field(default_factory=ExitStack)

    def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self._portal.call(lambda: self._client.request(method, path, **more))

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.call("GET", path, **more)

    def post(self, path: str, value: Any = None, **more: Any) -> httpx.Response:
        more.setdefault("content", json.dumps(value).encode())
        more["headers"] = {"content-type": "application/json", **more.get("headers", {})}
        return self.call("POST", path, **more)

    def begin(self, method: str, path: str, **more: Any) -> Callable[[], httpx.Response]:
        """Start a call; the answer is had by calling what is returned."""
        future = self._portal.start_task_soon(lambda: self._client.request(method, path, **more))
        return lambda: future.result(PATIENCE)

    def queued(self) -> list[bytes]:
        """The lines that wait in the broker; they are taken out of it."""
        broker = self.queue.connect()
        deliveries = broker.receive(1 << 30, 0)
        broker.ack(deliveries)
        broker.close()
        return [line for delivery in deliveries for line in unpack(delivery.data)]

    def work(self, wait: float = 0.0) -> int:
        """Do what a worker does: label by the first letter, bury what says `poison`; how many documents that were."""
        broker = self.queue.connect()
        deliveries = broker.receive(1 << 30, wait)
        documents = [decode(line) for delivery in deliveries for line in unpack(delivery.data)]
        outcomes = [
            Outcome(one, dead=(bury(one, "raised", "the model raised ValueError"),))
            if one.text == "poison"
            else Outcome(one, (Prediction(one.text[0], 0.9, MODEL),))
            for one in documents
        ]
        self.store.write(outcomes)
        broker.ack(deliveries)
        broker.close()
        return len(documents)


@contextmanager
def world(
    folder: Path,
    *,
    settings: ServerSettings | None = None,
    predictor: TextPredictor | None = None,
    store: Any = None,
    connect: Callable[[], Broker] | None = None,
    host: str = "127.0.0.1:8000",
) -> Iterator[World]:
    """An API that runs until the block ends. `host` is the name by which it is called.

    It gives broker and store a machine's worst time to answer: those that are to be away say so at once.
    """
    store, queue = store or MemoryStore(), MemoryBroker()
    app = create_api(
        Services(
            store=store,
            connect=connect or queue.connect,
            registry=Registry(folder, builtin=None),
            predictor=predictor,
            settings=settings or ServerSettings(),
        )
    )
    with pytest.MonkeyPatch.context() as patch, anyio.from_thread.start_blocking_portal() as portal:
        for name in ("state", "api.health"):
            patch.setattr(f"headrace.web.{name}.ANSWER_SECONDS", PATIENCE)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        client = httpx.AsyncClient(transport=transport, base_url=f"http://{host}", trust_env=False)
        with portal.wrap_async_context_manager(app.router.lifespan_context(app)):
            yield World(app, store, queue, portal, client)
        portal.call(client.aclose)
