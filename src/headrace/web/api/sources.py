"""The ledgers of sources over HTTP."""

import msgspec
from fastapi import APIRouter
from starlette.responses import Response

from headrace.web.api.schemas import SourceLedger, Sources, responses
from headrace.web.responses import json_response
from headrace.web.state import AppState


class SourceRoutes:
    """The call `/v1/sources`."""

    def __init__(self, state: AppState) -> None:
        self._state = state

    def routes(self) -> APIRouter:
        """The call, for an app."""
        router = APIRouter(tags=["sources"])
        router.add_api_route(
            "/v1/sources",
            self.sources,
            operation_id="list_sources",
            summary="The ledgers of sources",
            responses=responses({200: Sources}, 503),
        )
        return router

    async def sources(self) -> Response:
        """What `headrace sources --json` prints: each source that `headrace ingest` or `headrace up` has read, and what became of what it
        gave, over all runs."""
        rows = await self._state.sources()
        return json_response(Sources(msgspec.convert(rows, list[SourceLedger])))  # type: ignore[valid-type]
