"""Every acceptance test gets the installed command in an empty folder, and leaves no process behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from driver import CHECKSUM, PATIENCE, Headrace


@pytest.fixture
def headrace(tmp_path: Path) -> Iterator[Headrace]:
    """The command in an empty folder, with a model that labels by checksum, and that may take its time: no text here is endless."""
    made = Headrace(tmp_path, models=CHECKSUM, deadline=PATIENCE)
    yield made
    made.sweep()
