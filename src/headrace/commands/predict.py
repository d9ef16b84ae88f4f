"""ingest, predict, score: texts from files and from the command line."""

import math
import sys
from dataclasses import replace
from typing import Annotated

from cyclopts import Parameter

from headrace.commands.operands import Operand
from headrace.commands.output import Json, print_json, print_table, say
from headrace.commands.settings import Flags
from headrace.config import Settings
from headrace.documents import read
from headrace.errors import Misconfigured, Rejected
from headrace.models.loading import open_models
from headrace.predictor import frames
from headrace.predictor.child import Labelling
from headrace.worker import launch

Threshold = Annotated[
    float | None, Parameter(help="Below this score the label is und; 0 always names a label. [default: the model's]")
]
Models = Annotated[str, Parameter(help="Models of the registry, written like the setting models, instead of it.")]


def predict(
    *texts: Operand,
    model: Models = "",
    threshold: Threshold = None,
    top: Annotated[int, Parameter(help="Show so many labels, the best first.")] = 1,
    json: Json = False,
    settings: Flags = Settings(),
) -> None:
    """Predict the labels of texts at once; without TEXTS, or with `-`, of the lines of standard input."""
    _check_threshold(threshold)
    if top < 1:
        raise Misconfigured(f"--top is {top}; show at least 1 label")
    given = _lines() if texts in ((), ("-",)) else list(texts)
    for number, text in enumerate(given, 1):
        try:
            read({"text": text}, limit=settings.document_bytes)
        except Rejected as error:
            raise Misconfigured(f"text {number}: {error}") from error
    wanted = top if top > 1 else 0
    found = _labelling(model, settings).answer(frames.Texts(given, threshold, wanted)).predictions
    if json:
        shown = [{name: best if wanted else best[0] for name, best in known.items()} for known in found]
        print_json({"predictions": shown})
        return
    rows = [
        (one.label, f"{one.score:.3f}", one.model, text)
        for text, known in zip(given, found, strict=True)
        for best in known.values()
        for one in best
    ]
    print_table(("label", "score", "model", "text"), rows)


def _lines() -> list[str]:
    if sys.stdin.isatty():
        say("reading texts from here, one a line; Ctrl-D ends them")
    return [line.rstrip("\n") for line in sys.stdin]


def _labelling(models: str, settings: Settings) -> Labelling:
    """The models that were asked for, or those of the settings, with their conditions, in this process."""
    asked = replace(settings, models=models or settings.models)
    return Labelling(open_models(launch.setup(asked)), settings.document_bytes, lambda _place: None)


def _check_threshold(threshold: float | None) -> None:
    if threshold is not None and not (math.isfinite(threshold) and 0 <= threshold <= 1):
        raise Misconfigured(f"--threshold is {threshold:g}; it is between 0 and 1")
