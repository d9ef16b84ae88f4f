"""Predictions at once, for the API and the console: one predictor process, shared by all who ask."""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from headrace.documents import Prediction
from headrace.errors import HeadraceError, Misconfigured, Rejected, Unavailable
from headrace.log import logger
from headrace.predictor import frames
from headrace.predictor.following import Following
from headrace.predictor.handle import Abandoned, Predictor
from headrace.predictor.settings import PredictorSettings

MOST_TEXTS = 1000  # after which no further call is added to a batch
IDLE_SECONDS = 0.5  # between two looks at the aliases when no call comes
RETRY_SECONDS = 2.0  # before models that could not be opened are tried again

LOG = logger("headrace.predictor")

Found = list[dict[str, list[Prediction]]]


class _Options(NamedTuple):
    """What calls have in common that are predicted together: the members of `frames.Texts` beside the texts."""

    threshold: float | None = None
    top: int = 0
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class _Call:
    texts: Sequence[str]
    options: "_Options"
    answer: Callable[[Found | HeadraceError], None]
    abandoned: Callable[[], bool]
    due: float


class SharedPredictor:
    """Asks one predictor process on a thread of its own, for callers on any thread. Calls that piled up meanwhile form one batch. How many
    calls may wait is up to the callers.

    Follows aliases. A process that has died is replaced, asked or not. While the models cannot be opened, it tries again, and calls raise
    Unavailable.
    """

    def __init__(self, settings: PredictorSettings, *, deadline: float) -> None:
        # Shadows answer nobody; opening them could only do harm here.
        answering = tuple(spec for spec in settings.models if not spec.shadow)
        settings = msgspec.structs.replace(settings, models=answering)
        self._closed = threading.Event()
        self._following = Following(settings)
        self._predictor = Predictor(
            self._following.settings, deadline=deadline, idle=self._idle, draining=self._closed.is_set
        )
        self._patience = 4 * deadline + 10  # seconds that a call may wait in all
        self._calls: queue.SimpleQueue[_Call] = queue.SimpleQueue()
        self._trouble: HeadraceError | None = Unavailable("the models are being opened; try again in some seconds")
        self._thread = threading.Thread(target=self._run, name="predictor", daemon=True)

    def start(self) -> None:
        """Start opening the models in the background. Call it once."""
        self._thread.start()

    def ask(
        self,
        texts: Sequence[str],
        *,
        threshold: float | None = None,
        labels: Sequence[str] = (),
        answer: Callable[[list[dict[str, Prediction]] | HeadraceError], None],
        abandoned: Callable[[], bool] = lambda: False,
    ) -> None:
        """Return at once, and have `answer` called once, on another thread, with what `label` returns or raises.

        `labels` restricts the models that have them; a label that no model has is Rejected. `answer` must not block. If `abandoned()` is
        true before the prediction begins, there is neither. Raises Unavailable while the models are not open.
        """

        def best(found: Found | HeadraceError) -> None:
            answer(found if isinstance(found, HeadraceError) else _best(found))

        self._enqueue(texts, _Options(threshold, labels=tuple(labels)), best, abandoned)

    def label(self, texts: Sequence[str], *, threshold: float | None = None) -> list[dict[str, Prediction]]:
        """For each text, in order, its predictions by the model's name.

        Raises Rejected if a model fails on a text, Unavailable while the models are not open, or if the answer takes too long.
        """
        return _best(self._wait_for(texts, _Options(threshold)))

    def top(self, text: str, n: int = 5) -> dict[str, list[Prediction]]:
        """By the model's name, the best `n` labels of a text, best first, whatever the threshold. Raises as `label` does."""
        return self._wait_for([text], _Options(top=n))[0]

    def models(self) -> list[str]:
        """The versions that are served; empty while they are not open, so if there is one, `label` can be called."""
        return self._predictor.models if self._trouble is None else []

    def alive(self) -> bool:
        """Whether it serves, or will again: false once its thread has ended without being closed."""
        return self._thread.is_alive() or self._closed.is_set()

    def close(self) -> None:
        """End the predictor. May be called twice."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join()

    def _wait_for(self, texts: Sequence[str], options: _Options) -> Found:
        promised: Future[Found | HeadraceError] = Future()
        given_up = threading.Event()
        self._enqueue(texts, options, promised.set_result, given_up.is_set)
        try:
            found = promised.result(timeout=self._patience)
        except TimeoutError:
            given_up.set()
            raise _too_long() from None
        if isinstance(found, HeadraceError):
            raise found
        return found

    def _enqueue(
        self,
        texts: Sequence[str],
        options: _Options,
        answer: Callable[[Found | HeadraceError], None],
        abandoned: Callable[[], bool],
    ) -> None:
        if self._trouble is not None:
            raise type(self._trouble)(str(self._trouble))
        self._calls.put(_Call(texts, options, answer, abandoned, time.monotonic() + self._patience))
        if (trouble := self._trouble) is not None:  # it came meanwhile: perhaps nobody looks at the queue any more
            self._refuse(trouble)

    def _run(self) -> None:
        try:
            while not self._closed.is_set():
                try:
                    self._open()
                    while self._trouble is None and not self._closed.is_set():
                        self._following.follow(self._predictor)
                        self._serve()
                except Abandoned:
                    break
                except Exception as error:
                    LOG.exception("predicting failed in a way that was not expected; the models are opened again")
                    self._predictor.close()
                    self._refuse(Unavailable(f"the models are being opened again after an error: {error}"))
                    self._closed.wait(RETRY_SECONDS)
        finally:
            self._predictor.close()
            self._refuse(Unavailable("this process is stopping"))

    def _open(self) -> None:
        try:
            self._predictor.start()
            self._trouble = None
        except HeadraceError as error:
            self._refuse(error)
            self._closed.wait(RETRY_SECONDS)

    def _serve(self) -> None:
        calls = self._take()
        if not calls and not self._predictor.is_running():
            # It died while nobody asked: `models` must not go on naming what it served.
            self._predictor.close()
            self._open()
        for options in dict.fromkeys(call.options for call in calls):
            self._answer([call for call in calls if call.options == options])

    def _take(self) -> list[_Call]:
        """The calls that have piled up, up to MOST_TEXTS texts; none if none comes for a while."""
        calls: list[_Call] = []
        number = 0
        try:
            while number < MOST_TEXTS:
                call = self._calls.get(not calls, IDLE_SECONDS)
                if _is_wanted(call):
                    calls.append(call)
                    number += len(call.texts)
        except queue.Empty:
            pass
        return calls

    def _answer(self, calls: Sequence[_Call]) -> None:
        texts = [text for call in calls for text in call.texts]
        try:
            found = self._predictor.answer(frames.Texts(texts, *calls[0].options))
        except Rejected as error:
            if len(calls) == 1:
                calls[0].answer(error)
                return
            for call in calls:  # one by one: halving would let a text that kills the process kill it several times
                if _is_wanted(call):
                    self._answer([call])
            return
        except (HeadraceError, Abandoned) as error:
            for call in calls:
                call.answer(Unavailable(str(error)))
            if isinstance(error, Misconfigured) or not self._predictor.is_running():
                self._refuse(error if isinstance(error, HeadraceError) else Unavailable(str(error)))
            return
        except Exception as error:
            for call in calls:
                call.answer(Unavailable(f"predicting failed in a way that was not expected: {error}"))
            raise
        begin = 0
        for call in calls:
            end = begin + len(call.texts)
            call.answer(found[begin:end])
            begin = end

    def _refuse(self, error: HeadraceError) -> None:
        self._trouble = trouble = Unavailable(str(error))
        while True:
            try:
                self._calls.get_nowait().answer(Unavailable(str(trouble)))
            except queue.Empty:
                return

    def _idle(self) -> None:
        if self._closed.is_set():
            raise Abandoned("this process is stopping")


def _best(found: Found) -> list[dict[str, Prediction]]:
    return [{name: best[0] for name, best in known.items()} for known in found]


def _is_wanted(call: _Call) -> bool:
    """Whether somebody waits for it; who has waited for too long is told so."""
    if call.abandoned():
        return False
    if call.due <= time.monotonic():
        call.answer(_too_long())
        return False
    return True


def _too_long() -> Unavailable:
    return Unavailable("the prediction takes too long; try again")
