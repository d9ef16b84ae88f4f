"""The HTTP API: one app, made of its groups of calls."""

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from fastapi import FastAPI
from fastapi.routing import APIRoute

from headrace.errors import HeadraceError
from headrace.web.access.guard import AccessGuard
from headrace.web.api.dead_letters import DeadLetterRoutes
from headrace.web.api.description import describe, new_app
from headrace.web.api.documents import DocumentRoutes
from headrace.web.api.health import HealthRoutes
from headrace.web.api.known_queries import AnswerKnownQueries, KnownQueries
from headrace.web.api.predict import PredictRoutes
from headrace.web.api.results import ResultRoutes
from headrace.web.api.sources import SourceRoutes
from headrace.web.api.webhooks import WebhookRoutes
from headrace.web.direct import DirectCall
from headrace.web.metering import MetricsMiddleware
from headrace.web.responses import add_error_handlers
from headrace.web.services import Services
from headrace.web.state import AppState


def create_api(services: Services) -> FastAPI:
    """The API behind its access guard, without a console. Raises Misconfigured if it would be open to a network without a token."""
    state = AppState.from_services(services)
    app = plain_api(state)
    app.add_middleware(AccessGuard, settings=services.settings)
    return app


def plain_api(state: AppState) -> FastAPI:
    """The API without an access guard, for an app that has one. It closes the state when its lifespan ends."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with anyio.create_task_group() as group:
            group.start_soon(_look, state)
            yield
            group.cancel_scope.cancel()
        state.close()

    app = new_app("Headrace", lifespan=lifespan)
    known = KnownQueries()
    groups = (
        DocumentRoutes(state),
        ResultRoutes(state, known),
        DeadLetterRoutes(state),
        PredictRoutes(state),
        SourceRoutes(state),
        webhooks := WebhookRoutes(state),
        HealthRoutes(state),
    )
    routers = [calls.routes() for calls in groups]
    for router in routers:
        app.include_router(router)
    add_error_handlers(app, [route for router in routers for route in router.routes if isinstance(route, APIRoute)])
    app.add_middleware(AnswerKnownQueries, known=known)
    app.add_middleware(MetricsMiddleware, meter=state.meter)
    describe(app, token=bool(state.services.settings.token), signed=webhooks.signed)
    return app


def direct_calls(state: AppState) -> list[DirectCall]:
    """The calls that connections answer themselves, which are in the app too: it answers what is odd about them."""
    return [DocumentRoutes(state).direct(), PredictRoutes(state).direct()]


async def _look(state: AppState) -> None:
    """Note what workers have counted so far: their totals begin there."""
    with contextlib.suppress(HeadraceError):
        await state.workers()
