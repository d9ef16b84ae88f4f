"""What is missing for a while: file descriptors, a registry."""

import resource
import shutil
import sys
from pathlib import Path

import pytest
from driver import PATIENCE, Headrace, kill, until

import headrace as package

BUILTIN = Path(package.__file__).parent / "models" / "builtin"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of another process are set on Linux only")


def test_a_worker_that_cannot_be_started_for_want_of_descriptors_is_started_once_there_are_some(
    headrace: Headrace,
) -> None:
    running = headrace.start("work", processes=2)
    until(lambda: len(running.predictors()) == 2, PATIENCE, "the workers have not started")
    pid = running.child.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, before[1]))
    kill(running.keepers()[:1])
    running.wait_for(
        "a worker cannot be started, and it is tried again: starting headrace.worker.launch: Too many open"
    )
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    until(lambda: len(running.predictors()) == 2, PATIENCE, "the worker has not been started again")
    running.interrupt()
    assert running.status() == 0


def test_a_worker_that_is_started_again_waits_for_a_registry_that_is_away(headrace: Headrace) -> None:
    models = headrace.folder / "models"
    shutil.copytree(BUILTIN / "language", models / "language")
    running = headrace.start("work", processes=2, registry=models, models="language")
    until(lambda: len(running.predictors()) == 2, PATIENCE, "the workers have not started")
    models.rename(headrace.folder / "away")
    kill(running.keepers()[:1])
    running.wait_for("language is gone from the registry")
    (headrace.folder / "away").rename(models)
    until(lambda: len(running.predictors()) == 2, PATIENCE, "the worker has not been started again")
    running.interrupt()
    assert running.status() == 0
