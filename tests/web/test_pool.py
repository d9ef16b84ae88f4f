"""What is slow slows only those who use it."""

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from support import PATIENCE, until
from support.web_world import FirstLetter, world

from headrace.documents import Prediction, Result
from headrace.errors import HeadraceError, Unavailable
from headrace.ports import Page, ResultQuery
from headrace.stores.memory import MemoryStore
from headrace.web.admission import FEW
from headrace.web.pool import STORE_THREADS, Pool, SharedCall


class Hanging(FirstLetter):
    """A predictor that answers nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Callable[[], None]] = []

    def ask(
        self,
        texts: Sequence[str],
        *,
        threshold: float | None = None,
        labels: Sequence[str] = (),  # noqa: ARG002 - it is never asked for
        answer: Callable[[list[dict[str, Prediction]] | HeadraceError], None],
        abandoned: Callable[[], bool] = lambda: False,  # noqa: ARG002 - it is always asked for
    ) -> None:
        self.asked.append(lambda: answer(self.label(texts, threshold=threshold)))


class SlowStore(MemoryStore):
    """A store that finds nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()
        self.asked = 0

    def find(self, query: ResultQuery, *, limit: int = 50, page: str | None = None) -> Page[Result]:
        self.asked += 1
        self.let_go.wait(PATIENCE)
        return super().find(query, limit=limit, page=page)


def test_a_model_that_hangs_slows_predictions_alone(tmp_path: Path) -> None:
    predictor = Hanging()
    with world(tmp_path, predictor=predictor) as api:
        asked = [api.begin("POST", "/v1/predict", json={"text": "a"}) for _ in range(FEW)]
        until(lambda: len(predictor.asked) == FEW, "the calls in the model")
        for path in ("/v1/results", "/v1/dead", "/v1/models", "/livez", "/readyz", "/metrics"):
            assert api.get(path).status_code == 200, path
        assert api.post("/v1/documents", {"id": "a", "text": "Hej"}).status_code == 202
        for let_go in predictor.asked:
            let_go()
        assert {answer().status_code for answer in asked} == {200}


def test_a_slow_store_slows_only_what_asks_it(tmp_path: Path) -> None:
    store = SlowStore()
    with world(tmp_path, store=store, predictor=FirstLetter()) as api:
        asked: list[Any] = [api.begin("GET", f"/v1/results?limit={n + 1}") for n in range(STORE_THREADS)]
        until(lambda: store.asked == STORE_THREADS, "the calls in the store")
        assert api.post("/v1/predict", {"text": "a" * 200_000}).status_code == 200
        assert api.post("/v1/documents", {"text": "without an id, nothing is looked up"}).status_code == 202
        assert api.get("/livez").status_code == 200
        probes = [api.begin("GET", "/readyz") for _ in range(20)]
        until(lambda: store.asked == STORE_THREADS + 1, "one probe for all")
        store.let_go.set()
        assert {answer().status_code for answer in [*asked, *probes]} == {200}
        assert store.asked == STORE_THREADS + 1


def test_a_call_that_has_waited_for_its_thread_is_refused(tmp_path: Path) -> None:
    store = SlowStore()
    with world(tmp_path, store=store) as api:
        asked = [api.begin("GET", f"/v1/results?limit={n + 1}") for n in range(STORE_THREADS)]
        until(lambda: store.asked == STORE_THREADS, "the calls in the store")
        refused = api.get("/v1/results")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert "too many requests wait for the store" in refused.json()["error"]["message"]
        store.let_go.set()
        assert {answer().status_code for answer in asked} == {200}
        assert api.get("/v1/results").status_code == 200


def test_a_server_of_which_a_thread_has_ended_is_not_alive(tmp_path: Path) -> None:
    class Ended(FirstLetter):
        def alive(self) -> bool:
            return False

    with world(tmp_path, predictor=Ended()) as api:
        answer = api.get("/livez")
        assert (answer.status_code, answer.json()["error"]["message"][:13]) == (503, "the predictor")


@contextmanager
def no_threads() -> Iterator[None]:
    """This process can start no thread meanwhile: each would need a stack larger than its address space."""
    before = threading.stack_size(1 << 48)
    try:
        yield
    finally:
        threading.stack_size(before)


@pytest.mark.parametrize("what", ["pool", "shared"])
def test_a_call_that_the_system_has_no_thread_for_is_unavailable_and_works_later(what: str) -> None:
    async def ask() -> int:
        pool = Pool("the store", threads=1)
        shared = SharedCall(lambda: 1)
        call = shared.value if what == "shared" else functools.partial(pool.run, lambda: 1)
        with no_threads(), pytest.raises(Unavailable, match="no thread for this request"):
            await call()
        return await call()

    assert anyio.run(ask) == 1


def test_an_error_of_the_call_itself_stays_what_it_is() -> None:
    def fail() -> None:
        raise RuntimeError("a bug")

    async def ask() -> None:
        await Pool("the store", threads=1).run(fail)

    with pytest.raises(RuntimeError, match="a bug"):
        anyio.run(ask)
