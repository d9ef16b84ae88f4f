"""The first page: results as they come."""

from nicegui import ui

from headrace.ports import Query
from headrace.web.live import Live

QUERY = Query()


def add(live: Live) -> None:
    """The page at `/`."""

    @ui.page("/")
    async def page() -> None:
        counted = ui.label()

        def show() -> None:
            counted.text = f"{live.services.store.count(QUERY).get('', 0):,}"

        ui.timer(1.0, show)
