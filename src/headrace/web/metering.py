"""Counts and times the requests that the server answers."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headrace import metrics
from headrace.meter import Meter

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class MetricsMiddleware:
    """An app whose answers are counted and timed, by the template of the route and never by the path."""

    def __init__(self, app: ASGIApp, meter: Meter) -> None:
        self.app = app
        self._meter = meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        finally:
            method = scope["method"] if scope["method"] in METHODS else metrics.OTHER
            route = getattr(scope.get("route"), "path", "") or metrics.OTHER
            self._meter.add(metrics.HTTP_REQUESTS, 1, method, route, str(status))
            self._meter.observe(metrics.HTTP_SECONDS, time.perf_counter() - started, route)
