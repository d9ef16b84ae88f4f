"""The flags with which a command predicts by itself, and the models that they open."""

import math
from typing import Annotated

from cyclopts import Parameter

from headrace.config import Settings
from headrace.errors import Misconfigured
from headrace.models.model_set import ModelSet
from headrace.models.registry import Registry
from headrace.models.spec import parse

Models = Annotated[str, Parameter(show_default=False, help="Models to predict with, instead of the setting models.")]
Threshold = Annotated[
    float | None,
    Parameter(help="Label und what scores below this; 0 always gives a label. [default: the model's own]"),
]


def open_models(models: str, settings: Settings) -> ModelSet:
    """The models that the flag names, or else those of the settings, open in this process. Raises Misconfigured."""
    answering = [spec for spec in parse(models or settings.models) if not spec.shadow]
    return ModelSet.open(answering, Registry.from_url(settings.registry))


def check_threshold(threshold: float | None) -> None:
    """Raises Misconfigured for a threshold that is not between 0 and 1."""
    if threshold is not None and not (math.isfinite(threshold) and 0 <= threshold <= 1):
        raise Misconfigured(f"--threshold is {threshold:g}; it must be between 0 and 1")
