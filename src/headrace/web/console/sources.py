"""The page of sources: how far each was read, and what became of what it gave."""

from typing import Any

from nicegui import ui

from headrace.documents import microseconds
from headrace.errors import HeadraceError
from headrace.web.console import ledgers
from headrace.web.console.layout import ASSETS, Header, open_page, put
from headrace.web.console.snapshot import Snapshots

MOST = 100  #: sources that are shown
NAME_LENGTH = 100_000  #: characters of a name that is asked for
SECONDS = 2.0  #: between two refreshes


class SourceList(ui.element, component=ASSETS / "sources.js"):
    """The sources, those first that want attention."""


class SourcesPage:
    """One visitor's page of sources, refreshed every two seconds."""

    def __init__(self, snapshots: Snapshots, wanted: str) -> None:
        self._snapshots, self._wanted, self._looked = snapshots, wanted, ""
        self._header: Header = open_page("/sources")
        with ui.element("div").props("id=main tabindex=-1"):
            self._list = SourceList()
        put(self._list, rows=[], kinds=[], total=0, found=0, wanted=wanted, detail=None, trouble="", started=False)
        self._list.on("find", lambda event: self._find(event.args))
        self._list.on("look", lambda event: self._look(event.args))
        ui.timer(SECONDS, self._refresh)

    async def _refresh(self) -> None:
        totals = await self._snapshots.totals()
        self._header.count(sum(totals.dead.values()))
        await self._show()

    async def _show(self) -> None:
        try:
            known = await self._snapshots.sources()
        except HeadraceError as error:
            put(self._list, trouble=str(error))
            return
        now = microseconds()
        stated = ledgers.listed(known, now)
        found = [(state, one) for state, one in stated if ledgers.matches(state, one, self._wanted)]
        shown = ledgers.columns(known)
        put(
            self._list,
            rows=[ledgers.row(state, one, shown, now) for state, one in found[:MOST]],
            kinds=ledgers.kinds([state for state, _ in stated]),
            total=len(stated),
            found=len(found),
            wanted=self._wanted,
            detail=ledgers.detail(self._looked, known, now) if self._looked else None,
            trouble="",
            started=True,
        )

    async def _find(self, wanted: Any) -> None:
        self._wanted = str(wanted)[:256]
        await self._show()

    async def _look(self, name: Any) -> None:
        self._looked = str(name)[:NAME_LENGTH]
        await self._show()


def add(snapshots: Snapshots) -> None:
    """The page at `/sources`."""

    @ui.page("/sources", title="Sources · Headrace")
    async def page(find: str = "") -> None:
        SourcesPage(snapshots, find[:256])
