"""Starting the API and the console as the settings want them."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing

from headrace.config import Settings, several
from headrace.errors import Misconfigured
from headrace.models.registry import Registry
from headrace.predictor.settings import PredictorSettings
from headrace.runtime import Stop
from headrace.tables import Webhook
from headrace.urls import Connectors
from headrace.worker.launch import connected


def serve(
    settings: Settings,
    predictor: PredictorSettings,
    connectors: Connectors,
    stop: Stop,
    *,
    console: bool,
    webhooks: Sequence[Webhook] = (),
    on_ready: Callable[[str], None],
) -> None:
    """Serve the API, with these webhooks, and the console if asked to, until the stop.

    Calls `on_ready` with the address once the server listens. Waits for a store that cannot be reached yet. Raises Misconfigured if the
    extra that serving needs is not installed.
    """
    try:
        from headrace.predictor.shared import SharedPredictor
        from headrace.web import server
        from headrace.web.access.connections import allow_descriptors
        from headrace.web.access.limits import ConnectionLimits
        from headrace.web.services import ServerSettings, Services
    except ModuleNotFoundError as error:
        extra = "console" if console else "api"
        raise Misconfigured(f"serving needs {error.name}: pip install 'headrace[{extra}]'") from error
    allow_descriptors(settings.connections)
    with ExitStack() as opened:
        store = opened.enter_context(closing(connected(connectors.store, stop)))
        shared = opened.enter_context(closing(SharedPredictor(predictor, deadline=settings.deadline)))
        shared.start()
        services = Services(
            store=store,
            connect=connectors.broker,
            registry=Registry.from_url(settings.registry),
            predictor=shared,
            settings=ServerSettings(
                host=settings.host,
                port=settings.port,
                hosts=several(settings.hosts),
                root_path=settings.root_path,
                proxies=several(settings.proxies),
                token=settings.token,
                document_bytes=settings.document_bytes,
                request_bytes=settings.request_bytes,
                metrics=settings.metrics,
                backlog_limit=settings.backlog_limit,
                webhooks=tuple(webhooks),
                limits=ConnectionLimits(connections=settings.connections),
            ),
        )
        server.serve(services, console=console, stop=lambda: stop.requested, on_ready=on_ready)
