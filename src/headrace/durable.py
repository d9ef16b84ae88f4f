"""Files that survive a crash: written aside, flushed, put in place by an atomic rename."""

import os
from pathlib import Path


def flush(*paths: Path) -> None:
    """Make files and folders durable: what was written to them survives a power cut."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
