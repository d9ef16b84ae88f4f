"""Following aliases: a predictor serves the versions that its models' aliases mean, and goes on serving when one moves."""

import logging
import time
from collections.abc import Sequence

import msgspec

from headrace.errors import Misconfigured, Missing, Unavailable
from headrace.log import logger
from headrace.models.registry import Registry
from headrace.models.spec import ModelSpec, pinned
from headrace.predictor.handle import Predictor
from headrace.predictor.settings import PredictorSettings

ALIAS_SECONDS = 2.0  # between two looks at the aliases
LOG = logger("headrace.predictor")


def kept(models: Sequence[ModelSpec], registry: Registry) -> tuple[str, ...]:
    """The names of those models that the registry's own folder has, and not only the package. Raises as `Registry.resolve`."""
    return tuple(spec.name for spec in models if spec.reference and registry.keeps(spec.name))


class Following:
    """Looks at the aliases every `seconds`.

    `settings` is what to start a predictor with: the settings that were given, with versions instead of aliases, so that a process that
    replaces a dead one opens the same models. Raises Misconfigured if a model does not exist, Unavailable if it is one of those that the
    registry had before.
    """

    def __init__(self, settings: PredictorSettings, seconds: float = ALIAS_SECONDS) -> None:
        self._seconds = seconds
        self._wanted = settings.models
        self._registry = Registry.from_url(settings.registry)
        self._looked_at = time.monotonic()
        self._said = ""
        self._kept = settings.kept
        try:
            self.settings = msgspec.structs.replace(settings, models=self._pinned())
            self._kept = kept(self._wanted, self._registry)
        except Missing as error:
            if settings.kept:
                raise Unavailable(f"{error} (it was there before)") from error
            raise

    def follow(self, predictor: Predictor) -> bool:
        """Replace the predictor's process if an alias has moved, and return whether it was. Call it with nothing sent and uncollected.

        If the new version cannot be opened, that is logged, and the models stay as they were.
        """
        now = time.monotonic()
        if now - self._looked_at < self._seconds:
            return False
        self._looked_at = now
        before = self.settings
        try:
            models = self._pinned()
            if models == before.models:
                return False
            self.settings = msgspec.structs.replace(before, models=models)
            predictor.serve(models)
        except Unavailable as error:
            self.settings = before  # so that it is tried again
            self._say(logging.WARNING, f"the models served stay as they are for now: {error}")
            return False
        except Misconfigured as error:
            self._say(logging.ERROR, f"the models served stay as they are: {error}")
            return False
        self._said = ""
        LOG.info(f"now serving {', '.join(predictor.models)}", extra={"versions": predictor.models})
        return True

    def look(self) -> None:
        """Look whether the registry still has the models that it had. Raises Unavailable if the folder of one has gone."""
        for name in self._kept:
            if not self._registry.keeps(name):
                raise Unavailable(f"the model {name} is gone from the registry {self._registry.folder}")

    def _pinned(self) -> tuple[ModelSpec, ...]:
        """The models as their aliases are now. Raises as `look`: the package may have a model of the name that has gone."""
        self.look()
        return pinned(self._wanted, self._registry)

    def _say(self, level: int, text: str) -> None:
        """Log it, unless it was the last that was logged: the aliases are looked at every few seconds."""
        if text != self._said:
            LOG.log(level, text)
        self._said = text
