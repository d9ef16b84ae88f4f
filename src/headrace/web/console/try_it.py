"""The box that labels a text while it is typed."""

from typing import Any

from nicegui import ui

from headrace import documents
from headrace.documents import Prediction
from headrace.errors import HeadraceError
from headrace.web.console.labels import Name
from headrace.web.console.layout import ASSETS, put
from headrace.web.console.view import LabelNames
from headrace.web.pool import Pool
from headrace.web.services import TextPredictor

BEST = 5  #: labels that are shown for each model


class TryIt(ui.element, component=ASSETS / "try_it.js"):
    """Predicts the newest text only: texts that were typed while a model was busy are skipped."""

    def __init__(self, predictor: TextPredictor, predicting: Pool, names: LabelNames, limit: int) -> None:
        super().__init__()
        self._predictor, self._predicting, self._names, self._limit = predictor, predicting, names, limit
        self._wanted: str | None = None
        self._busy = False
        put(self, answer=None)
        self.on("ask", lambda event: self._ask(event.args))

    async def _ask(self, text: Any) -> None:
        self._wanted = str(text)
        if self._busy:
            return
        self._busy = True
        try:
            while (wanted := self._wanted) is not None:
                self._wanted = None
                put(self, answer=await self._answer(wanted))
        finally:
            self._busy = False

    async def _answer(self, text: str) -> dict[str, Any] | None:
        if not text.strip():
            return None
        try:
            documents.read({"id": "-", "text": text}, limit=self._limit)
            said, best = await self._predicting.run(lambda: self._predict(text))
        except HeadraceError as error:
            return {"trouble": str(error)}
        return {"models": [opinion(model, one, best.get(model, []), self._names) for model, one in said.items()]}

    def _predict(self, text: str) -> tuple[dict[str, Prediction], dict[str, list[Prediction]]]:
        return self._predictor.label([text])[0], self._predictor.top(text, BEST)


def opinion(model: str, said: Prediction, best: list[Prediction], names: LabelNames) -> dict[str, Any]:
    """What a model predicts for a text, and the labels with the highest scores."""
    named = names.name(model, said.label)
    return {
        "model": said.model or model,
        "label": said.label,
        **_shown(named),
        "score": said.score,
        "top": [
            {"label": one.label, "score": round(one.score, 4), **_shown(names.name(model, one.label))} for one in best
        ],
    }


def _shown(name: Name) -> dict[str, str]:
    return {"name": name.name, "own": name.own}
