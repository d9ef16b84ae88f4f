"""The command `serve`."""

from typing import Annotated

from cyclopts import Parameter

from headrace import config, runtime
from headrace.commands.output import print_address
from headrace.commands.settings import Flags
from headrace.config import Settings
from headrace.errors import Misconfigured, Unavailable
from headrace.log import logger
from headrace.runtime import Stop
from headrace.urls import Connectors, is_memory
from headrace.web import launch
from headrace.worker.launch import predictor_settings, told_of_cache

LOG = logger("headrace.commands")


def serve(
    *,
    api_only: Annotated[bool, Parameter(negative="", help="Leave the console out.")] = False,
    settings: Flags = Settings(),
) -> None:
    """Serve the API and the console, without workers."""
    if is_memory(settings.broker) or is_memory(settings.store):
        raise Misconfigured(
            "serve alone has no workers, and none can reach its memory; use headrace up, or another --broker and --store"
        )
    webhooks = config.webhooks()
    connectors = Connectors(settings.broker, settings.store)
    stop = Stop()
    runtime.on_signals(stop, lambda: None)
    try:
        connectors.broker().close()  # the web connects only when it publishes; a wrong setting is reported now
    except Unavailable as error:
        LOG.warning(f"serving without the broker for now: {error}")
    predictor = told_of_cache(predictor_settings(settings))
    launch.serve(settings, predictor, connectors, stop, console=not api_only, webhooks=webhooks, on_ready=print_address)
