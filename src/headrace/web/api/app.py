"""The HTTP API: one app, put together from its calls."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from headrace.web.access.guard import AccessGuard
from headrace.web.api.documents import PATH, Documents
from headrace.web.api.fastpath import FastPath
from headrace.web.api.health import Health
from headrace.web.api.predict import Predicting
from headrace.web.api.results import Lists
from headrace.web.api.schemas import describe, new_app
from headrace.web.metering import Metered
from headrace.web.responses import add_error_handlers
from headrace.web.services import Services
from headrace.web.state import AppState


def create_api(services: Services) -> FastAPI:
    """The API behind its access guard, to be served alone. Raises Misconfigured if it would be open to a network without a token."""
    state = AppState.on(services)
    app = plain_api(state)
    app.add_middleware(AccessGuard, settings=services.settings)
    return app


def plain_api(state: AppState) -> FastAPI:
    """The API without an access guard, for an app that has one. It closes the state when its lifespan ends."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        state.close()

    app = new_app("Headrace", lifespan=lifespan)
    documents = Documents(state)
    for calls in (documents, Lists(state), Predicting(state), Health(state)):
        app.include_router(calls.routes())
    add_error_handlers(app)
    app.add_middleware(FastPath, method="POST", path=PATH, answer=documents.post)
    app.add_middleware(Metered, meters=state.meters)
    describe(app)
    return app
