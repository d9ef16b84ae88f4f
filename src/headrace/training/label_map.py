"""Other names for the labels of data: `1=positive,0=negative`."""

from collections.abc import Mapping

from headrace.errors import Misconfigured
from headrace.training.labels import canonical


def parse(written: str) -> Mapping[str, str]:
    """What each named label becomes; blanks around labels do not count, and both sides are written as `labels.canonical` writes them.

    All are renamed at once: `a=b,b=a` swaps two labels. Several labels may become one. Raises Misconfigured if a pair has no `=` or more
    than one, if a side of it is empty, or if a label is named twice.
    """
    renamed: dict[str, str] = {}
    for pair in written.split(","):
        sides = [canonical(side) for side in pair.split("=")]
        if len(sides) != 2 or not all(sides):
            raise Misconfigured(
                f"the map of labels {written!r} has a part that can't be read, {pair.strip()!r}; write OLD=NEW, with commas between:"
                " 1=positive,0=negative"
            )
        old, new = sides
        if old in renamed:
            raise Misconfigured(f"the map of labels {written!r} names {old!r} twice; name it once")
        renamed[old] = new
    return renamed
