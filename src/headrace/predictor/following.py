"""Following aliases: whoever serves models serves what their aliases mean, and goes on serving when one moves."""

import time
from collections.abc import Callable

import msgspec

from headrace.errors import Misconfigured, Unavailable
from headrace.models.registry import Registry
from headrace.models.spec import Setup, parse, pinned, write
from headrace.predictor.handle import Predictor

ALIAS_SECONDS = 2.0


class Following:
    """Looks at the aliases every few seconds. `setup` is what to start a predictor with: with versions, so that all open the same."""

    def __init__(self, setup: Setup, say: Callable[[str], None]) -> None:
        self._asked = setup
        self._say = say
        self._looked_at = time.monotonic()
        self.setup = msgspec.structs.replace(setup, models=self._pinned())

    def follow(self, predictor: Predictor) -> bool:
        """Let a new predictor take over when an alias has moved; whether one did. Call it with nothing under way.

        A version that can't be opened is told, and not served.
        """
        now = time.monotonic()
        if now - self._looked_at < ALIAS_SECONDS:
            return False
        self._looked_at = now
        before = self.setup
        try:
            models = self._pinned()
            if models == before.models:
                return False
            self.setup = msgspec.structs.replace(before, models=models)
            predictor.serve(models)
        except Unavailable as error:
            self.setup = before  # so that it is tried again
            self._say(f"the models served stay as they are for now: {error}")
            return False
        except Misconfigured as error:
            self._say(f"the models served stay as they are: {error}")
            return False
        self._say(f"now serving {', '.join(predictor.models)}")
        return True

    def _pinned(self) -> str:
        registry = Registry.from_url(self._asked.registry)
        models = parse(self._asked.models)
        return write(pinned(one, str(registry.resolve(one.reference))) if one.reference else one for one in models)
