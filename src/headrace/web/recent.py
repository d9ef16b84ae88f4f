"""Which documents this process has published recently."""

from collections import OrderedDict
from collections.abc import Iterable

REMEMBERED_IDS = 100_000  #: how many ids are remembered as published


class RecentIds:
    """The ids that this process has published recently; the oldest are forgotten first. For one thread."""

    def __init__(self, most: int = REMEMBERED_IDS) -> None:
        self._most = most
        self._ids: OrderedDict[str, None] = OrderedDict()

    def add(self, ids: Iterable[str]) -> None:
        """Remember these ids as the newest."""
        for identity in ids:
            self._ids[identity] = None
            self._ids.move_to_end(identity)
        while len(self._ids) > self._most:
            self._ids.popitem(last=False)

    def discard(self, identity: str) -> None:
        """Forget an id, known or not."""
        self._ids.pop(identity, None)

    def __contains__(self, identity: str) -> bool:
        return identity in self._ids
