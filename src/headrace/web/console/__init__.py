"""The console: web pages with live results, dead letters, sources and models."""

import logging

from fastapi import FastAPI

from headrace.web.state import AppState


def plain_console(state: AppState) -> FastAPI:
    """The console without an access guard, for an app that has one and that closes the state.

    A process can have one console: its framework keeps a single set of pages.
    """
    app = FastAPI(title="Headrace", docs_url=None, redoc_url=None, openapi_url=None)
    add_pages(app, state)
    return app


def add_pages(app: FastAPI, state: AppState) -> None:
    """Mount the pages in an app that has nothing else at `/`."""
    from nicegui import app as pages
    from nicegui import ui

    from headrace.web.console import dead_letters, layout, models, not_found, results, sources
    from headrace.web.console.snapshot import Snapshots
    from headrace.web.console.view import LabelNames

    logging.getLogger("nicegui").setLevel(logging.ERROR)  # it logs every address that somebody mistypes
    snapshots, names = Snapshots(state), LabelNames(state.services.registry)
    results.add(state, snapshots, names)
    dead_letters.add(state, snapshots)
    sources.add(snapshots)
    models.add(state, snapshots, names)
    not_found.add(pages)
    ui.run_with(
        app,
        title="Headrace",
        favicon=layout.ICON,
        dark=None,
        tailwind=False,
        show_welcome_message=False,
        reconnect_timeout=10,
        message_history_length=100,
    )
