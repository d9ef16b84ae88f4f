"""Predictions at once, for the API and the console: one predictor process, shared by many threads."""

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import msgspec

from headrace.documents import Prediction
from headrace.errors import HeadraceError, Misconfigured, Rejected, Unavailable
from headrace.log import logger
from headrace.predictor import frames
from headrace.predictor.following import Following
from headrace.predictor.handle import Abandoned, Predictor
from headrace.predictor.settings import PredictorSettings

MOST_TEXTS = 1000  # after which no further call is added to a batch
MOST_CALLS = 256  # that may wait; more are refused at once
IDLE_SECONDS = 0.5  # between two looks at the aliases when no call comes
RETRY_SECONDS = 2.0  # before models that could not be opened are tried again

LOG = logger("headrace.predictor")

Found = list[dict[str, list[Prediction]]]


@dataclass(frozen=True)
class _Call:
    texts: Sequence[str]
    threshold: float | None
    top: int
    answer: "Future[Found]" = field(default_factory=Future)


class SharedPredictor:
    """Asks one predictor process on a thread of its own, for callers on any thread. Calls that piled up meanwhile form one batch.

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
        self._deadline = deadline
        self._calls: queue.Queue[_Call] = queue.Queue(MOST_CALLS)
        self._trouble: HeadraceError | None = Unavailable("the models are being opened; try again in some seconds")
        self._thread = threading.Thread(target=self._run, name="predictor", daemon=True)

    def start(self) -> None:
        """Start opening the models in the background. Call it once."""
        self._thread.start()

    def label(self, texts: Sequence[str], *, threshold: float | None = None) -> list[dict[str, Prediction]]:
        """For each text, in order, its predictions by the model's name.

        Raises Rejected if a model fails on a text, Unavailable while the models are being opened or too many calls wait.
        """
        found = self._ask(_Call(texts, threshold, 0))
        return [{name: best[0] for name, best in known.items()} for known in found]

    def top(self, text: str, n: int = 5) -> dict[str, list[Prediction]]:
        """By the model's name, the best `n` labels of a text, best first, whatever the threshold. Raises as `label` does."""
        return self._ask(_Call([text], None, n))[0]

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

    def _ask(self, call: _Call) -> Found:
        if self._trouble is not None:
            raise type(self._trouble)(str(self._trouble))
        try:
            self._calls.put_nowait(call)
        except queue.Full:
            raise Unavailable("too many texts wait for a prediction; try again") from None
        try:
            return call.answer.result(timeout=4 * self._deadline + 10)
        except TimeoutError:
            raise Unavailable("the prediction takes too long; try again") from None

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
        try:
            calls = [self._calls.get(timeout=IDLE_SECONDS)]
        except queue.Empty:
            if (
                not self._predictor.is_running()
            ):  # it died while nobody asked: `models` must not go on naming what it served
                self._predictor.close()
                self._open()
            return
        while sum(len(call.texts) for call in calls) < MOST_TEXTS:
            try:
                calls.append(self._calls.get_nowait())
            except queue.Empty:
                break
        for options in dict.fromkeys((call.threshold, call.top) for call in calls):
            self._answer([call for call in calls if (call.threshold, call.top) == options])

    def _answer(self, calls: Sequence[_Call]) -> None:
        texts = [text for call in calls for text in call.texts]
        try:
            found = self._predictor.answer(frames.Texts(texts, calls[0].threshold, calls[0].top))
        except Rejected as error:
            if len(calls) == 1:
                calls[0].answer.set_exception(error)
                return
            for call in calls:  # one by one: halving would let a text that kills the process kill it several times
                self._answer([call])
            return
        except (HeadraceError, Abandoned) as error:
            for call in calls:
                call.answer.set_exception(Unavailable(str(error)))
            if isinstance(error, Misconfigured) or not self._predictor.is_running():
                self._refuse(error if isinstance(error, HeadraceError) else Unavailable(str(error)))
            return
        except Exception as error:
            for call in calls:
                call.answer.set_exception(Unavailable(f"predicting failed in a way that was not expected: {error}"))
            raise
        for call in calls:
            call.answer.set_result(found[: len(call.texts)])
            found = found[len(call.texts) :]

    def _refuse(self, error: HeadraceError) -> None:
        self._trouble = Unavailable(str(error))
        while True:
            try:
                self._calls.get_nowait().answer.set_exception(self._trouble)
            except queue.Empty:
                return

    def _idle(self) -> None:
        if self._closed.is_set():
            raise Abandoned("this process is stopping")
