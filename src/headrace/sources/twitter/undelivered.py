"""How many tweets a stream of version 1.1 has left out, by its limit notices."""

COUNTERS = (
    4  #: of one connection: X delivers it from so many places, each of which counts for itself and says so in turn
)


class Undelivered:
    """Counts what is missing. A notice has a total since the connection was opened, and does not say of which counter.

    Totals only grow, so a notice goes on from the greatest total that is not above its own. One that is below all others is that of another
    counter, or, if there can be none, of a new connection. So the count is exact for one counter, and about right for several.
    """

    def __init__(self) -> None:
        self._totals: list[int] = []

    def missed(self, total: int) -> int:
        """How many tweets are missing since the notice before."""
        if not total:
            return 0
        before = max((one for one in self._totals if one <= total), default=0)
        if before:
            self._totals.remove(before)
        elif len(self._totals) >= COUNTERS:
            self._totals.clear()
        self._totals.append(total)
        return total - before

    def reconnected(self) -> None:
        """Begin anew: the connection has ended, and its totals with it."""
        self._totals.clear()
