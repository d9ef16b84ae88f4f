"""The command `demo`."""

from dataclasses import replace
from pathlib import Path

from headrace import samples
from headrace.commands.settings import Flags
from headrace.commands.up import run_everything
from headrace.config import Settings

FOLDER = Path("headrace-demo")


def demo(*, settings: Flags = Settings()) -> int:
    """Start everything, in the folder headrace-demo, and feed it samples in 38 languages."""
    usual = Settings()
    FOLDER.mkdir(exist_ok=True)
    if settings.broker == usual.broker:
        settings = replace(settings, broker=f"sqlite:///{FOLDER}/queue.db")
    if settings.store == usual.store:
        settings = replace(settings, store=f"sqlite:///{FOLDER}/store.db")
    return run_everything(settings, feed=samples.feed)
