"""The page of dead letters: why each document was buried, its content, and buttons to replay or drop it."""

from collections.abc import Sequence
from typing import Any

from nicegui import ui

from headrace.documents import DeadLetter
from headrace.errors import HeadraceError, Rejected
from headrace.web.console.layout import ASSETS, Header, open_page, put
from headrace.web.console.snapshot import Snapshots
from headrace.web.console.view import shorten
from headrace.web.lookup import dead_letter_info
from headrace.web.state import AppState

DATA_LENGTH = 4000  #: characters of a dead letter's content that are shown
SECONDS = 2.0  #: between two refreshes


class DeadLetterTable(ui.element, component=ASSETS / "dead_letters.js"):
    """A page of dead letters, each with its buttons."""


class DeadPage:
    """One visitor's page of dead letters, refreshed every two seconds."""

    def __init__(self, state: AppState, snapshots: Snapshots) -> None:
        self._state, self._snapshots = state, snapshots
        self._pages: list[str | None] = [None]
        self._shown: Sequence[DeadLetter] = ()
        self._header: Header = open_page("/dead")
        with ui.element("div").props("id=main tabindex=-1"):
            self._table = DeadLetterTable()
        put(self._table, rows=[], kinds=[], next=False, before=False, trouble="", said="", started=False)
        self._table.on("replay", lambda event: self._act(event.args, again=True))
        self._table.on("drop", lambda event: self._act(event.args, again=False))
        self._table.on("turn", lambda event: self._turn(event.args))
        ui.timer(SECONDS, self._refresh)

    async def _refresh(self) -> None:
        totals = await self._snapshots.totals()
        self._header.count(sum(totals.dead.values()))
        kinds = [f"{kind} {count:,}" for kind, count in sorted(totals.dead.items(), key=lambda item: -item[1])]
        put(self._table, kinds=kinds, trouble=totals.trouble)
        await self._show()

    async def _show(self, *, now: bool = False) -> None:
        try:
            found = await self._snapshots.letters(self._pages[-1], now=now)
        except Rejected:
            self._pages = [None]
            return
        except HeadraceError as error:
            put(self._table, trouble=str(error))
            return
        self._shown = list(found.items)
        self._next = found.next
        rows = [row(letter) for letter in self._shown]
        put(self._table, rows=rows, next=found.next is not None, before=len(self._pages) > 1, started=True)

    async def _turn(self, older: Any) -> None:
        if older and self._next is not None:
            self._pages.append(self._next)
        elif not older and len(self._pages) > 1:
            self._pages.pop()
        await self._show()

    async def _act(self, burials: Any, *, again: bool) -> None:
        """Replay or drop those of the shown dead letters that have these numbers."""
        letters = [letter for letter in self._shown if letter.burial in burials]
        try:
            if again:
                await self._state.replay(letters)
            else:
                store = self._state.services.store
                await self._state.asking.run(lambda: store.drop([letter.burial for letter in letters]))
        except HeadraceError as error:
            put(self._table, trouble=str(error))
            return
        done = "published again" if again else "dropped"
        put(self._table, said=f"{len(letters):,} {'dead letter' if len(letters) == 1 else 'dead letters'} {done}.")
        await self._show(now=True)


def row(letter: DeadLetter) -> dict[str, Any]:
    """A dead letter as the browser gets it."""
    info = dead_letter_info(letter)
    return {
        "burial": info.burial,
        "id": info.id,
        "kind": info.kind,
        "reason": info.reason,
        "model": info.model,
        "source": info.source,
        "at": info.buried_at,
        "data": shorten(info.data, DATA_LENGTH),
    }


def add(state: AppState, snapshots: Snapshots) -> None:
    """The page at `/dead`."""

    @ui.page("/dead", title="Dead letters · Headrace")
    async def page() -> None:
        DeadPage(state, snapshots)
