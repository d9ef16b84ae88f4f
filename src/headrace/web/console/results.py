"""The first page: live results, totals, and a box that labels what is typed."""

from typing import Any

from nicegui import ui

from headrace.documents import microseconds
from headrace.errors import HeadraceError
from headrace.web.console.layout import ASSETS, Header, open_page, put, root_path
from headrace.web.console.snapshot import Snapshots, Totals
from headrace.web.console.try_it import TryIt
from headrace.web.console.view import LabelNames, bars, detail, row, tiles, worker
from headrace.web.lookup import outcome_of
from headrace.web.state import AppState

SECONDS = 1.0  #: between two refreshes


class ResultTable(ui.element, component=ASSETS / "results.js"):
    """The newest results, with their filters."""


class Summary(ui.element, component=ASSETS / "summary.js"):
    """Totals, counts by label, workers."""


class LivePage:
    """One visitor's first page."""

    def __init__(self, state: AppState, snapshots: Snapshots, names: LabelNames, chosen: dict[str, str]) -> None:
        self._state, self._snapshots, self._names = state, snapshots, names
        self._chosen = chosen
        self._header: Header = open_page("/")
        with ui.element("div").props("id=main tabindex=-1"):
            if state.services.predictor is not None:
                TryIt(state.services.predictor, state.predicting, names, state.services.settings.document_bytes)
            with ui.element("div").classes("columns"):
                self._results = ResultTable()
                self._summary = Summary()
        put(self._results, rows=[], labels=[], models=[], chosen=chosen, detail=None, started=False)
        put(
            self._summary, base=root_path(), tiles=[], bars=[], model="", chosen=chosen["label"], workers=[], trouble=""
        )
        self._results.on("choose", lambda event: self._choose(event.args))
        self._results.on("look", lambda event: self._look(event.args))
        self._summary.on("pick", lambda event: self._pick(event.args))
        ui.timer(SECONDS, self._refresh)

    async def _refresh(self) -> None:
        totals = await self._snapshots.totals()
        self._header.count(sum(totals.dead.values()))
        model = self._model(totals)
        self._names.learn(totals.labels)
        counted = bars(totals.labels.get(model, {}), model, self._names)
        put(
            self._summary,
            tiles=tiles(totals),
            bars=counted,
            model=model,
            chosen=self._chosen["label"],
            workers=[worker(one, microseconds() + totals.ahead) for one in totals.workers],
            trouble=totals.trouble,
        )
        labels = sorted(counted, key=lambda bar: str(bar["name"]).casefold())
        put(self._results, labels=labels, models=list(totals.labels), chosen={**self._chosen, "model": model})
        await self._show_rows(model)

    async def _show_rows(self, model: str) -> None:
        label, source = self._chosen["label"], self._chosen["source"]
        wanted = model if label or self._chosen["model"] else ""
        try:
            found = await self._snapshots.newest(label, wanted, source)
        except HeadraceError:
            return  # the totals say what is wrong; the rows stay as they were
        put(self._results, rows=[row(one, model, self._names) for one in found], started=True)

    def _model(self, totals: Totals) -> str:
        """The model whose labels are shown: the chosen one, or else the first."""
        chosen = self._chosen["model"]
        return chosen if chosen in totals.labels else next(iter(totals.labels), "")

    async def _choose(self, chosen: Any) -> None:
        self._chosen = {
            name: str(chosen.get(name, ""))[:256].replace("\0", "") for name in ("label", "source", "model")
        }
        await self._refresh()

    async def _pick(self, label: Any) -> None:
        same = self._chosen["label"] == label
        await self._choose({**self._chosen, "label": "" if same else label})

    async def _look(self, identity: Any) -> None:
        if not identity:
            put(self._results, detail=None)
            return
        try:
            found = await self._state.asking.run(lambda: outcome_of(self._state.services.store, str(identity)))
        except HeadraceError as error:
            put(self._summary, trouble=str(error))
            return
        put(self._results, detail=detail(str(identity), found.shown(), self._names))


def add(state: AppState, snapshots: Snapshots, names: LabelNames) -> None:
    """The page at `/`."""

    @ui.page("/", title="Headrace")
    async def page(label: str = "", source: str = "", model: str = "") -> None:
        LivePage(state, snapshots, names, {"label": label[:256], "source": source[:256], "model": model[:256]})
