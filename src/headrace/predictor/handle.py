"""The handle that drives a predictor process, and finds the document that fails it.

One document can make the process crash, exhaust its memory or never return. The handle finds that document, so that all others get
their outcomes. It blames none without proof: a document is buried only after two fresh predictors died with it alone.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial

from headrace.burial import bury, bury_bytes
from headrace.documents import DeadLetter, Outcome, Prediction, microseconds
from headrace.errors import Rejected, Unavailable
from headrace.models.spec import ModelSpec
from headrace.predictor import frames
from headrace.predictor.pace import BATCH_SECONDS, Pace
from headrace.predictor.process import Abandoned, Gone, Process
from headrace.predictor.settings import PredictorSettings
from headrace.retrying import delays
from headrace.tables import fields_of

__all__ = ["Abandoned", "Pace", "Predictor"]

GRACE_SECONDS = 2.0  # at least, to read an answer that came while nobody was reading
PROOF = 2  # deaths of fresh processes, alone with one document, that prove its guilt
HINTS = 4  # deaths that prove nothing count as one that does: not all of them can be chance


class Predictor:
    """Asks the predictor process. Used by one thread, which must outlive it.

    `deadline` is how many seconds a model may take for a batch, or for one document alone. `idle` is called about once a second while
    waiting, and may raise Abandoned to give up. While `draining` returns true, a death proves nothing, and raises Abandoned. `timed` is
    called with the name of each model and the seconds that it took for a batch of lines.
    """

    def __init__(
        self,
        settings: PredictorSettings,
        *,
        deadline: float,
        idle: Callable[[], None] = lambda: None,
        draining: Callable[[], bool] = lambda: False,
        timed: Callable[[str, float], None] = lambda _model, _seconds: None,
    ) -> None:
        self._models = settings.models
        self._decode = partial(fields_of(settings.fields).decode, limit=settings.document_bytes)
        self._deadline = deadline
        self._process = Process(settings, deadline=deadline, idle=idle, draining=draining)
        self._queue: list[bytes] = []
        self._sent: list[bytes] = []
        self._sent_at = 0.0
        self._timed = timed
        self.pace = Pace()
        # By the shadows that are skipped: one model may be a thousand times slower than another.
        self._paces: dict[tuple[int, ...], Pace] = {(): self.pace}
        self.shadow_failures = self.shadow_skipped = 0

    @property
    def models(self) -> list[str]:
        """The versions that are served, shadows too."""
        return self._process.models

    @property
    def deaths(self) -> int:
        """How often the process died, without being ended from here."""
        return self._process.deaths

    def is_running(self) -> bool:
        """Whether the process is there to be asked: false before it was started, and once it is dead."""
        return self._process.is_running()

    def start(self) -> None:
        """Start the process unless it runs, and wait until its models are open.

        Raises Misconfigured if one cannot be opened, Unavailable if a remote one cannot be reached.
        """
        self._process.start()

    def serve(self, models: tuple[ModelSpec, ...]) -> None:
        """Let a new process serve these models from now on. Call it only while nothing is sent and not collected.

        If it raises Misconfigured or Unavailable, the models stay as they were.
        """
        self._process.serve(models)
        self._models = models

    def close(self) -> None:
        """End the process at once."""
        self._process.end()

    def send(self, lines: Sequence[bytes]) -> None:
        """Hand over lines, whose outcomes `collect` returns. Returns while the predictor works on the first of them.

        Raises as `start` does; then nothing was sent.
        """
        assert not self._queue, "collect first"
        assert not self._sent, "collect first"
        self._queue = list(lines)
        try:
            self._send_some()
        except BaseException:
            self._queue, self._sent = [], []
            raise

    def collect(self) -> list[Outcome]:
        """One outcome for each line that was sent, in order.

        Raises Misconfigured if a model is broken, Unavailable if a remote one cannot be reached; then what was sent is forgotten.
        """
        outcomes: list[Outcome] = []
        try:
            while self._sent or self._queue:
                if not self._sent:
                    self._send_some()
                outcomes += self._collect_some()
        finally:
            self._queue, self._sent = [], []
        return outcomes

    def answer(self, request: frames.Texts) -> list[dict[str, list[Prediction]]]:
        """For each text its predictions by the model's name, the best first.

        Raises Rejected if a model fails on a text, takes too long, or kills a fresh process. If a process that was not fresh dies, the
        texts are tried again; Unavailable is raised if that proves nothing either.
        """
        reason = ""
        for _ in range(PROOF):
            self._process.start()
            try:
                found = self._exchange(request, self._deadline)
            except Gone as gone:
                reason = f"there is no prediction for this: {gone.reason}"
                if gone.proof:
                    raise Rejected(reason) from None
                continue
            assert isinstance(found, frames.Answered)
            return found.predictions
        raise Unavailable(f"{reason}; try again")

    @property
    def left_out(self) -> list[str]:
        """The names of the shadows that are left out for failing."""
        return [self._models[place].name for place in self._process.shadows.left_out]

    def _send_some(self) -> None:
        if self._process.shadows.is_due():
            self._process.end()  # the next one opens it
        self._process.start()
        skipped = self._process.shadows.skipped()
        self.pace = self._paces.setdefault(tuple(skipped), Pace())
        number = self.pace.lines
        self._sent, self._queue = self._queue[:number], self._queue[number:]
        self._sent_at = time.monotonic()
        self.shadow_skipped += len(self._sent) * len(skipped)
        self._process.send(frames.Lines(self._sent, skipped), self._sent_at + self._deadline)

    def _collect_some(self) -> list[Outcome]:
        lines, self._sent = self._sent, []
        # An answer that came in time is read, however late this is called.
        deadline = max(self._sent_at + self._deadline, time.monotonic() + GRACE_SECONDS)
        try:
            labelled = self._labelled(self._process.receive(deadline, self._deadline))
        except Gone as gone:
            return self._without_shadows(lines) if self._is_of_a_shadow(gone) else self._isolate(lines)
        self._process.shadows.worked(labelled.model_seconds)
        self.pace.learn(len(lines), sum(map(len, lines)), labelled.seconds)
        return labelled.outcomes

    def _is_of_a_shadow(self, gone: Gone) -> bool:
        shadow = self._process.shadows.died(gone.place, gone.kind, gone.reason)
        self.shadow_failures += shadow
        return shadow

    def _without_shadows(self, lines: list[bytes]) -> list[Outcome]:
        """The outcomes of lines with which a shadow died: no shadow is asked again, and none is looked for that it died of."""
        self._process.start()
        try:
            request = frames.Lines(lines, self._process.shadows.places)
            return self._labelled(self._exchange(request, self._deadline)).outcomes
        except Gone:
            return self._isolate(lines)

    def _isolate(self, lines: list[bytes]) -> list[Outcome]:
        """Halve until the culprit stands alone. A group gets a shorter deadline, since missing it only means that it is halved again."""
        if len(lines) == 1:
            return [self._prove(lines[0])]
        middle = len(lines) // 2
        outcomes: list[Outcome] = []
        for half in (lines[:middle], lines[middle:]):
            usual = len(half) * BATCH_SECONDS / self.pace.lines
            seconds = self._deadline if len(half) == 1 else min(self._deadline, max(1.0, 20 * usual))
            self._process.start()
            try:
                outcomes += self._labelled(
                    self._exchange(frames.Lines(half, self._process.shadows.places), seconds)
                ).outcomes
            except Gone:
                outcomes += self._isolate(half)
        return outcomes

    def _prove(self, line: bytes) -> Outcome:
        """The outcome of a line alone. A model with which two fresh predictors died is left out, and a dead letter names it."""
        deaths: dict[int, float] = {}
        waits = delays()
        given_up: dict[int, Gone] = {}
        while True:
            if not self._process.fresh:
                self._process.end()
            self._process.start()
            try:
                request = frames.Lines([line], sorted({*given_up, *self._process.shadows.places}))
                (outcome,) = self._labelled(self._exchange(request, self._deadline)).outcomes
                return self._with_dead(outcome, line, given_up)
            except Gone as gone:
                deaths[gone.place] = deaths.get(gone.place, 0.0) + (1.0 if gone.proof else 1 / HINTS)
                if deaths[gone.place] < PROOF:
                    if not gone.proof:
                        self._process.pause(next(waits))
                    continue
                if gone.place < 0:  # it died before any model began: while decoding the line
                    letter = bury_bytes(line, _reason(gone), kind=gone.kind, received_at=microseconds())
                    return Outcome(None, dead=(letter,))
                given_up[gone.place] = gone

    def _with_dead(self, outcome: Outcome, line: bytes, given_up: dict[int, Gone]) -> Outcome:
        if outcome.document is None:
            return outcome
        document = self._decode(line)
        dead: list[DeadLetter] = list(outcome.dead)
        for place, gone in sorted(given_up.items()):
            dead.append(bury(document, gone.kind, _reason(gone), model=self._models[place].name))
        return Outcome(document, outcome.predictions, outcome.shadows, tuple(dead))

    def _labelled(self, message: frames.Message) -> frames.Labelled:
        assert isinstance(message, frames.Labelled)
        self.shadow_failures += message.shadow_failures
        for place, seconds in message.model_seconds.items():
            self._timed(self._models[place].name, seconds)
        return message

    def _exchange(self, request: frames.Message, seconds: float) -> frames.Message:
        deadline = time.monotonic() + seconds
        self._process.send(request, deadline)
        return self._process.receive(deadline, seconds)


def _reason(gone: Gone) -> str:
    return f"two fresh predictors died alone with this document: {gone.reason}"
