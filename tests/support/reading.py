"""Reading an endless source as far as a test wants."""

from headrace.ports import Batch, SourceAdapter
from headrace.testing.sources import items


def taken(source: SourceAdapter, most: int, after: str | None = None) -> list[Batch]:
    """The batches after a cursor, up to the one with which so many items have come."""
    batches: list[Batch] = []
    for batch in source.read(after):
        batches.append(batch)
        if len(items(batches)) >= most:
            source.close()
    return batches
