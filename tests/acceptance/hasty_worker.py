"""The command, with a worker that breaks the second law: it acknowledges before it writes."""

import sys
from collections.abc import Sequence

from headrace import cli
from headrace.documents import Outcome
from headrace.worker import launch
from headrace.worker.keeper import Batch, Keeper


class Hasty(Keeper):
    """Acknowledges what it has not written yet."""

    def _settle(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        self._broker.ack(batch.deliveries)
        super()._settle(batch, outcomes)

    def _ack(self, batch: Batch) -> None:
        self._held.remove(batch)


launch.Keeper = Hasty  # type: ignore[misc]
sys.exit(cli.main())
