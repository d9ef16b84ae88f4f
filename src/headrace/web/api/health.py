"""Liveness, readiness and metrics: for supervisors, load balancers and Prometheus."""

import contextlib
import math
from collections.abc import Awaitable
from typing import Any

import anyio
from fastapi import APIRouter
from starlette.responses import Response

from headrace import exposition, metrics
from headrace.errors import HeadraceError, Unavailable
from headrace.ingest import ledger
from headrace.meter import Meter
from headrace.ports import Backlog, ResultQuery, WorkerStatus
from headrace.web.api.schemas import Alive, Ready, responses
from headrace.web.pool import SharedCall
from headrace.web.responses import Refused, json_response
from headrace.web.state import ANSWER_SECONDS, AppState
from headrace.worker.totals import show_states

OK = "ok"


class HealthRoutes:
    """`/livez`, `/readyz` and `/metrics`."""

    def __init__(self, state: AppState) -> None:
        self._state = state
        self._services = state.services
        store = state.services.store
        self._finding = SharedCall(lambda: store.find(ResultQuery(), limit=1))

    def routes(self) -> APIRouter:
        """The calls, for an app."""
        router = APIRouter(tags=["health"])
        router.add_api_route(
            "/livez",
            self.livez,
            operation_id="livez",
            summary="The process answers",
            responses=responses({200: Alive}, 503),
        )
        ready = responses({200: Ready, 503: Ready})
        router.add_api_route(
            "/readyz", self.readyz, operation_id="readyz", summary="Store, broker and models answer", responses=ready
        )
        if self._services.settings.metrics:
            prometheus = {"description": "Prometheus's text format.", "content": {"text/plain": {}}}
            router.add_api_route(
                "/metrics", self.metrics, operation_id="metrics", summary="For Prometheus", responses={200: prometheus}
            )
        return router

    async def livez(self) -> Response:
        """503 if a thread of the server has ended that everything depends on: then it must be restarted. Depends on nothing else: a server
        that waits for its broker must not be."""
        predictor = self._services.predictor
        threads = {
            "publisher": self._state.outbox.alive(),
            "watcher of results": self._state.watcher.alive(),
            "predictor": predictor is None or predictor.alive(),
        }
        dead = [name for name, alive in threads.items() if not alive]
        if dead:
            raise Refused(503, f"the {' and the '.join(dead)} of this server ended, which is a bug; restart it")
        return json_response(Alive())

    async def readyz(self) -> Response:
        """503, saying what is wrong, unless store, broker and models all answer within two seconds."""
        checks = {"store": await _check(self._ask_store()), "broker": await _check(self._state.backlog())}
        if self._services.predictor is not None:
            checks["models"] = await _check(self._ask_predictor())
        ready = all(said == OK for said in checks.values())
        return json_response(Ready(ready, checks), 200 if ready else 503)

    async def metrics(self) -> Response:
        """The backlog and the workers are asked for now. Without an answer of the broker the backlog is NaN; without one of the store
        the workers' states and the sources are left out, and the sums of workers are those of the scrape before."""
        backlog, workers, sources = None, list[WorkerStatus](), list[dict[str, Any]]()
        with contextlib.suppress(HeadraceError):
            backlog = await self._state.backlog()
        with contextlib.suppress(HeadraceError):
            workers = await self._state.workers()
        with contextlib.suppress(HeadraceError):
            sources = await self._state.sources()
        meter = self._state.meter
        _show_backlog(meter, backlog)
        show_states(meter, workers)
        ledger.show(meter, sources)
        return Response(exposition.write(meter, self._state.totals.meter), media_type=exposition.CONTENT_TYPE)

    async def _ask_store(self) -> None:
        await self._finding.value()

    async def _ask_predictor(self) -> None:
        predictor = self._services.predictor
        assert predictor is not None
        if not predictor.models():
            raise Unavailable("no model is open; POST /v1/predict says why")


def _show_backlog(meter: Meter, backlog: Backlog | None) -> None:
    ready, leased, oldest = (backlog.ready, backlog.leased, backlog.oldest) if backlog else (None, None, None)
    if ready == 0 and leased == 0:
        oldest = oldest or 0.0
    meter.set(metrics.BACKLOG, math.nan if ready is None else ready, "ready")
    meter.set(metrics.BACKLOG, math.nan if leased is None else leased, "leased")
    meter.set(metrics.OLDEST, math.nan if oldest is None else oldest)


async def _check(asked: Awaitable[object]) -> str:
    try:
        with anyio.fail_after(ANSWER_SECONDS):
            await asked
    except TimeoutError:
        return f"no answer for {ANSWER_SECONDS:.0f} seconds"
    except HeadraceError as error:
        return str(error)
    return OK
