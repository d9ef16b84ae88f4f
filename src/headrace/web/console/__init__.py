"""The console: pages that show results as they come, what waits, and what was buried."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from headrace.web.door import Guarded
from headrace.web.entrance import Entrance
from headrace.web.live import Live
from headrace.web.services import Services


def create_console(services: Services) -> FastAPI:
    """The console behind its door, to be served alone. A process has one console at most: its framework keeps one set of pages."""
    live = Live.on(services)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        live.close()

    app = FastAPI(title="Headrace", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    add_pages(app, live)
    app.add_middleware(Guarded, door=services.door, entrance=Entrance())
    return app


def plain_console(live: Live) -> FastAPI:
    """The console without its door, for an app that has one, and that closes what is live."""
    app = FastAPI(title="Headrace", docs_url=None, redoc_url=None, openapi_url=None)
    add_pages(app, live)
    return app


def add_pages(app: FastAPI, live: Live) -> None:
    """Put the pages into an app that has nothing else at `/`."""
    from nicegui import app as pages
    from nicegui import ui

    from headrace.web.console import frame, graves, missing, models, stream
    from headrace.web.console.rows import Naming
    from headrace.web.console.watching import Watching

    logging.getLogger("nicegui").setLevel(logging.ERROR)  # it would log every address that somebody mistypes
    watching, naming = Watching(live), Naming(live.services.registry)
    stream.add(live, watching, naming)
    graves.add(live, watching)
    models.add(live, watching, naming)
    missing.add(pages)
    ui.run_with(
        app,
        title="Headrace",
        favicon=frame.ICON,
        dark=None,
        tailwind=False,
        show_welcome_message=False,
        reconnect_timeout=10,
        message_history_length=100,
    )
