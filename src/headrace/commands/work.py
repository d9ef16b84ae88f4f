"""The command `work`."""

from typing import Annotated

from cyclopts import Parameter

from headrace import runtime
from headrace.commands.settings import Flags
from headrace.config import Settings
from headrace.errors import Misconfigured
from headrace.runtime import Stop
from headrace.urls import Connectors, is_memory
from headrace.worker import launch


def work(
    *,
    drain: Annotated[bool, Parameter(negative="", help="Stop when nothing is ready or leased.")] = False,
    settings: Flags = Settings(),
) -> int:
    """Run workers: receive, predict, write, acknowledge."""
    if is_memory(settings.broker) or is_memory(settings.store):
        raise Misconfigured(
            "workers can't reach what lives in the memory of another process; use headrace up, or another --broker and --store"
        )
    predictor = launch.checked_predictor_settings(settings)
    connectors = Connectors(settings.broker, settings.store, settings.results)
    stop = Stop()
    with launch.exporting(settings) as statuses:
        if settings.processes > 1:
            supervisor = launch.supervised(settings, drain=drain, statuses=statuses)
            runtime.on_signals(stop, supervisor.kill)
            return supervisor.run(stop)
        runtime.on_signals(stop, lambda: None)
        launch.run_worker(settings, predictor, connectors, stop, drain=drain, statuses=statuses)
    return 0
