"""The predictor process: decodes lines, predicts with every model that is served, and says what became of each.

It holds no connection. Started by `headrace.predictor.handle`; reads frames from standard input and leaves when that ends.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from headrace.documents import DeadLetter, Document, Outcome, Prediction, bury, bury_bytes, decode
from headrace.errors import HeadraceError, Rejected, Unavailable
from headrace.models.loading import Open, open_models, told
from headrace.models.spec import ModelSpec
from headrace.predictor import frames
from headrace.runtime import follow_parent

CONTAINER_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


class Labelling:
    """All models that are served, over batches of lines or of texts.

    `working` is told the place of each model before it begins.
    """

    def __init__(self, models: Sequence[Open], document_bytes: int, working: Callable[[int], None]) -> None:
        self._models = models
        self._document_bytes = document_bytes
        self._working = working

    def label(self, request: frames.Lines) -> frames.Labelled:
        """One outcome a line. Raises Misconfigured where a model's golden texts fail too: then the model is broken, not the text."""
        began = time.monotonic()
        outcomes: list[Outcome | None] = [None] * len(request.lines)
        places: list[int] = []
        documents: list[Document] = []
        for place, line in enumerate(request.lines):
            try:
                documents.append(decode(line, limit=self._document_bytes))
                places.append(place)
            except Rejected as error:
                outcomes[place] = Outcome(None, dead=(bury_bytes(line, str(error)),))
        batch = _Batch(documents)
        for place, model in enumerate(self._models):
            if place not in request.skip:
                self._working(place)
                batch.add(model)
        for place, outcome in zip(places, batch.outcomes(), strict=True):
            outcomes[place] = outcome
        made = [outcome for outcome in outcomes if outcome is not None]
        return frames.Labelled(made, batch.shadow_failures, time.monotonic() - began)

    def answer(self, request: frames.Texts) -> frames.Answered:
        """Predictions by model for each text, shadows left out; raises Rejected for a text on which a model fails."""
        found: list[dict[str, list[Prediction]]] = [{} for _ in request.texts]
        for place, model in enumerate(self._models):
            firsts = [{name: best[0] for name, best in known.items()} for known in found]
            chosen = [number for number, known in enumerate(firsts) if _applies(model.served, known)]
            if model.served.shadow or not chosen:
                continue
            self._working(place)
            try:
                predictions = model.best([request.texts[number] for number in chosen], request)
            except (MemoryError, HeadraceError):
                raise
            except Exception as error:
                raise Rejected(f"model {model.version} fails on this: {told(error)}") from error
            for number, best in zip(chosen, predictions, strict=True):
                found[number][model.served.name] = best
        return frames.Answered(found)


class _Batch:
    """Documents on their way through the models."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._documents = documents
        self._answers: list[dict[str, Prediction]] = [{} for _ in documents]
        self._shadows: list[list[Prediction]] = [[] for _ in documents]
        self._dead: list[list[DeadLetter]] = [[] for _ in documents]
        self.shadow_failures = 0

    def add(self, model: Open) -> None:
        chosen = [number for number, known in enumerate(self._answers) if _applies(model.served, known)]
        for number, found in zip(chosen, self._isolate(model, chosen), strict=True):
            self._keep(model, number, found)

    def outcomes(self) -> list[Outcome]:
        rows = zip(self._documents, self._answers, self._shadows, self._dead, strict=True)
        return [Outcome(one, tuple(known.values()), tuple(also), tuple(dead)) for one, known, also, dead in rows]

    def _keep(self, model: Open, number: int, found: Prediction | str) -> None:
        document = self._documents[number]
        if isinstance(found, str):
            if model.served.shadow:
                self.shadow_failures += 1
            else:
                self._dead[number].append(bury(document, "raised", found, model=model.served.name))
        elif model.served.shadow:
            self._shadows[number].append(found)
        else:
            self._answers[number][model.served.name] = found

    def _isolate(self, model: Open, chosen: Sequence[int]) -> list[Prediction | str]:
        """A prediction for each, or why there is none; halves what fails until the culprits stand alone."""
        if not chosen:
            return []
        try:
            return [*model.predict([self._documents[number].text for number in chosen])]
        except MemoryError:
            raise
        except Exception as error:
            failure = f"model {model.version} raised {told(error)}"
            if isinstance(error, Unavailable):
                if not model.served.shadow:
                    raise
                return [failure] * len(chosen)  # nobody waits for a shadow
            if not model.served.shadow:
                model.check()
            if len(chosen) == 1:
                return [failure]
        middle = len(chosen) // 2
        return self._isolate(model, chosen[:middle]) + self._isolate(model, chosen[middle:])


def _applies(served: ModelSpec, known: dict[str, Prediction]) -> bool:
    return not served.condition or (served.condition in known and known[served.condition].label in served.labels)


def main() -> None:
    """Serve the parent over standard input and output until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # so that it shows in the status that somebody asked for the end
    reading, writing = os.dup(0), os.dup(1)
    os.dup2(2, 1)  # whatever a model prints must not get between the frames, nor may it read them
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    setup = frames.read_setup(reading)
    if setup is None:
        return
    follow_parent(setup.parent, signal.SIGKILL)
    _limit_memory(setup.memory, setup.sharers)

    def say(message: frames.Message) -> None:
        frames.write_blocking(writing, message)

    try:
        models = open_models(setup)
        say(frames.Ready([model.version for model in models]))
        labelling = Labelling(models, setup.document_bytes, lambda place: say(frames.Working(place)))
        while (request := frames.read_blocking(reading)) is not None:
            say(_serve(labelling, request))
    except MemoryError:
        os._exit(frames.MEMORY_STATUS)
    except HeadraceError as error:
        say(frames.Failed(type(error).__name__, str(error)))
    except (BrokenPipeError, KeyboardInterrupt):
        pass


def _serve(labelling: Labelling, request: Any) -> frames.Message:
    try:
        return labelling.label(request) if isinstance(request, frames.Lines) else labelling.answer(request)
    except (Unavailable, Rejected) as error:
        return frames.Failed(type(error).__name__, str(error))
    except msgspec.ValidationError as error:
        return frames.Failed("Rejected", str(error))


def _limit_memory(limit: int, sharers: int) -> None:
    """Let this process fail before its container does, whose limit ends keeper and predictor together (Linux only)."""
    if sys.platform != "linux":
        return
    import resource

    for file in CONTAINER_LIMITS:
        with contextlib.suppress(OSError, ValueError):  # no such file, or "max"
            limit = min(limit, int(Path(file).read_text()) * 7 // (10 * sharers))
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


if __name__ == "__main__":
    main()
