"""The flags with which a command predicts by itself, and the models that they open."""

import math
from typing import Annotated

from cyclopts import Parameter

from headrace.config import Settings
from headrace.errors import Misconfigured
from headrace.models import restriction
from headrace.models.model_set import ModelSet
from headrace.models.registry import Registry
from headrace.models.spec import parse, pinned

Models = Annotated[str, Parameter(show_default=False, help="Models to predict with, instead of the setting models.")]
Threshold = Annotated[
    float | None,
    Parameter(help="Label und what scores below this; 0 always gives a label. [default: the model's own]"),
]
Labels = Annotated[
    str | None,
    Parameter(
        show_default=False,
        help="Answer with these labels only, separated by commas (sv,da,no), or those of a set that the model's card names.",
    ),
]


def open_models(models: str, settings: Settings, labels: str | None = None) -> ModelSet:
    """The models that the flag names, or else those of the settings, open in this process, restricted to `labels` if they are given.

    Raises Misconfigured.
    """
    answering = [spec for spec in parse(models or settings.models) if not spec.shadow]
    registry = Registry.from_url(settings.registry)
    opened = ModelSet.open(pinned(tuple(answering), registry), registry)
    if labels is None:
        return opened
    try:
        return opened.restricted(restriction.split(labels))
    except Misconfigured as error:
        raise Misconfigured(f"--labels {labels}: {error}") from None


def check_threshold(threshold: float | None) -> None:
    """Raises Misconfigured for a threshold that is not between 0 and 1."""
    if threshold is not None and not (math.isfinite(threshold) and 0 <= threshold <= 1):
        raise Misconfigured(f"--threshold is {threshold:g}; it must be between 0 and 1")
