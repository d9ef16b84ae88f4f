"""What the web counts of itself, for Prometheus. Every label has a bounded number of values."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headrace.metrics import Meters


class Metered:
    """An app whose answers are counted."""

    def __init__(self, app: ASGIApp, meters: Meters) -> None:
        self.app = app
        self._meters = meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noted)
        finally:
            route = getattr(scope.get("route"), "path", "")
            self._meters.answered(scope["method"], route, status, time.perf_counter() - started)
