"""Predictions for requests on the event loop, without a thread for each."""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from headrace.documents import Prediction
from headrace.errors import HeadraceError
from headrace.web.services import TextPredictor

Labelled = list[dict[str, Prediction]]


class Predictions:
    """Asks a predictor for the requests of one event loop, and wakes that loop once for all answers that have piled up."""

    def __init__(self, predictor: TextPredictor) -> None:
        self._predictor = predictor
        self._arrived: deque[tuple[asyncio.Future[Labelled], Labelled | HeadraceError]] = deque()
        self._woken = False

    async def label(
        self, texts: Sequence[str], *, threshold: float | None = None, labels: Sequence[str] = ()
    ) -> Labelled:
        """For each text, in order, its predictions by the model's name; `labels`, if any, restricts the models. Raises as the predictor
        does. Whoever is cancelled is not predicted for, if that has not begun."""
        loop = asyncio.get_running_loop()
        asked: asyncio.Future[Labelled] = loop.create_future()
        answer = partial(self._put, loop, asked)
        self._predictor.ask(texts, threshold=threshold, labels=labels, answer=answer, abandoned=asked.cancelled)
        return await asked

    def _put(
        self,
        loop: asyncio.AbstractEventLoop,
        asked: "asyncio.Future[Labelled]",
        answer: Labelled | HeadraceError,
    ) -> None:
        """Called by any thread."""
        self._arrived.append((asked, answer))
        if not self._woken:
            self._woken = True
            with suppress(RuntimeError):  # the loop has ended, so nobody waits any more
                loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        self._woken = False  # before the first is taken: what comes later wakes the loop again
        while self._arrived:
            asked, answer = self._arrived.popleft()
            if asked.done():
                continue
            if isinstance(answer, HeadraceError):
                asked.set_exception(answer)
            else:
                asked.set_result(answer)
