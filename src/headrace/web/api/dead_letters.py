"""Dead letters over HTTP: lists of them, and what is done with one."""

from fastapi import APIRouter
from starlette.responses import Response

from headrace.documents import DeadLetter
from headrace.ports import DeadQuery, Store
from headrace.web.api.inputs import LIMIT, Burial, DocumentId, FailedModel, Limit, Page, Source
from headrace.web.api.results import check_names
from headrace.web.api.schemas import Accepted, DeadLetters, responses
from headrace.web.lookup import dead_letter_info
from headrace.web.responses import Refused, json_response
from headrace.web.state import AppState


class DeadLetterRoutes:
    """The calls below `/v1/dead`."""

    def __init__(self, state: AppState) -> None:
        self._state = state
        self._store = state.services.store

    def routes(self) -> APIRouter:
        """The calls, for an app."""
        router = APIRouter(tags=["dead letters"])
        router.add_api_route(
            "/v1/dead",
            self.dead,
            operation_id="list_dead_letters",
            summary="Dead letters, newest first",
            responses=responses({200: DeadLetters}, 422, 503),
        )
        router.add_api_route(
            "/v1/dead/{burial}/replay",
            self.replay,
            operation_id="replay_dead_letter",
            methods=["POST"],
            status_code=202,
            summary="Publish a dead letter again, then drop it",
            responses=responses({202: Accepted}, 404, 422, 503),
        )
        router.add_api_route(
            "/v1/dead/{burial}",
            self.drop,
            operation_id="drop_dead_letter",
            methods=["DELETE"],
            status_code=204,
            summary="Drop a dead letter",
            responses=responses({}, 422, 503),
        )
        return router

    async def dead(
        self,
        identity: DocumentId = "",
        source: Source = "",
        model: FailedModel = "",
        limit: Limit = LIMIT,
        page: Page = None,
    ) -> Response:
        """`id` is the document's; `model` is the one that failed; a document that failed as a whole has none."""
        check_names(id=identity, source=source, model=model)
        query = DeadQuery(ids=[identity] if identity else [], source=source, model=model)
        found = await self._state.asking.run(lambda: self._store.find_dead(query, limit=limit, page=page))
        return json_response(DeadLetters([dead_letter_info(letter) for letter in found.items], found.next))

    async def replay(self, burial: Burial) -> Response:
        """Publishes first and drops then, so that nothing is lost. A document that fails again becomes a new dead letter."""
        letter = await self._state.asking.run(lambda: find_letter(self._store, burial))
        if letter is None:
            raise Refused(404, f"there is no dead letter {burial}; it may have been replayed, dropped or buried again")
        await self._state.replay([letter])
        return json_response(Accepted((letter.id,)), 202)

    async def drop(self, burial: Burial) -> Response:
        """Drops it for good. A number that is gone is ignored."""
        await self._state.asking.run(lambda: self._store.drop([burial]))
        return Response(status_code=204)


def find_letter(store: Store, burial: int) -> DeadLetter | None:
    """The dead letter of this number; None if it is gone."""
    found = store.find_dead(DeadQuery(burials=[burial]), limit=1).items
    return found[0] if found else None
