"""The HTTP API: one app, put together from its calls."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from headrace.web.documents import PATH, Documents
from headrace.web.door import Guarded
from headrace.web.express import Express
from headrace.web.health import Health
from headrace.web.live import Live
from headrace.web.meters import Metered
from headrace.web.predicting import Predicting
from headrace.web.replies import add_error_handlers
from headrace.web.results import Lists
from headrace.web.schemas import describe, new_app
from headrace.web.services import Services


def create_api(services: Services) -> FastAPI:
    """The API behind its door, to be served alone. Raises Misconfigured where the door would stand open to a network."""
    live = Live.on(services)
    app = plain_api(live)
    app.add_middleware(Guarded, door=services.door)
    return app


def plain_api(live: Live) -> FastAPI:
    """The API without its door, for an app that has one. When its lifespan ends it closes what is live."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        live.close()

    app = new_app("Headrace", lifespan=lifespan)
    documents = Documents(live)
    for calls in (documents, Lists(live), Predicting(live), Health(live)):
        app.include_router(calls.routes())
    add_error_handlers(app)
    app.add_middleware(Express, method="POST", path=PATH, answer=documents.post)
    app.add_middleware(Metered, meters=live.meters)
    describe(app)
    return app
