"""Lists over HTTP: results and dead letters, and what is done with dead letters."""

import itertools
from typing import Annotated, Literal

import anyio.to_thread
from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from headrace import browse, ports
from headrace.documents import DeadLetter, Result
from headrace.web.api.schemas import Accepted, DeadLetters, Results, answers
from headrace.web.lookup import tell_dead
from headrace.web.responses import Refused, reply
from headrace.web.state import AppState

LIMIT, MOST = 50, 1000
NAME_LENGTH, TOKEN_LENGTH = 256, 64
LAST_BURIAL = (1 << 63) - 1

Name = Annotated[str, Query(max_length=NAME_LENGTH)]
Limit = Annotated[int, Query(ge=1, le=MOST)]
Token = Annotated[str | None, Query(max_length=TOKEN_LENGTH)]
Burial = Annotated[int, Path(ge=1, le=LAST_BURIAL)]


class Lists:
    """The calls below `/v1/results` and `/v1/dead`."""

    def __init__(self, state: AppState) -> None:
        self._state = state
        self._store = state.services.store

    def routes(self) -> APIRouter:
        """The calls, for an app."""
        router = APIRouter()
        router.add_api_route(
            "/v1/results",
            self.results,
            tags=["results"],
            summary="Results, newest first",
            responses=answers({200: Results}, 422, 503),
        )
        router.add_api_route(
            "/v1/dead",
            self.dead,
            tags=["dead letters"],
            summary="Dead letters, newest first",
            responses=answers({200: DeadLetters}, 422, 503),
        )
        router.add_api_route(
            "/v1/dead/{burial}/replay",
            self.replay,
            methods=["POST"],
            status_code=202,
            tags=["dead letters"],
            summary="Publish a dead letter again, then drop it",
            responses=answers({202: Accepted}, 404, 415, 422, 503),
        )
        router.add_api_route(
            "/v1/dead/{burial}",
            self.drop,
            methods=["DELETE"],
            status_code=204,
            tags=["dead letters"],
            summary="Forget a dead letter",
            responses=answers({}, 422, 503),
        )
        return router

    async def results(
        self, label: Name = "", source: Name = "", model: Name = "", limit: Limit = LIMIT, page: Token = None
    ) -> Response:
        """`label` and `model` (a name, without a version) speak of the predictions that stand; what is left out asks for nothing."""
        if "@" in model:
            raise Refused(422, f"'model' is a name, without a version: {model.partition('@')[0]}")
        query = _query("results", label=label, source=source, model=model)
        found = await anyio.to_thread.run_sync(lambda: self._store.find(query, limit=limit, page=page))
        return reply(Results([item for item in found.items if isinstance(item, Result)], found.next))

    async def dead(self, source: Name = "", model: Name = "", limit: Limit = LIMIT, page: Token = None) -> Response:
        """`model` is the one that failed; a document that failed as a whole has none."""
        query = _query("dead", source=source, model=model)
        found = await anyio.to_thread.run_sync(lambda: self._store.find(query, limit=limit, page=page))
        return reply(DeadLetters([tell_dead(one) for one in found.items if isinstance(one, DeadLetter)], found.next))

    async def replay(self, burial: Burial) -> Response:
        """Publishes first and drops then, so that it is never lost; where it fails again, it gets a new burial."""
        letter = await anyio.to_thread.run_sync(find_letter, self._store, burial)
        if letter is None:
            raise Refused(404, f"there is no dead letter {burial}; it may have been replayed, dropped or buried again")
        await self._state.replay([letter])
        return reply(Accepted((letter.id,)), 202)

    async def drop(self, burial: Burial) -> Response:
        """For good; a number that is gone is ignored."""
        await anyio.to_thread.run_sync(self._store.drop, [burial])
        return Response(status_code=204)


def _query(kind: Literal["results", "dead"], *, label: str = "", source: str, model: str) -> ports.Query:
    for member, name in (("label", label), ("source", source), ("model", model)):
        if "\0" in name:
            raise Refused(422, f"{member!r} holds a NUL character; nothing is called so")
    return ports.Query(kind, label=label, source=source, model=model)


def find_letter(store: ports.Store, burial: int) -> DeadLetter | None:
    """The dead letter of this number; None where it is gone. They are numbered as they come, so the search is from the newest down."""
    newer = browse.letters(store, ports.Query("dead"))
    found = next(itertools.dropwhile(lambda letter: letter.burial > burial, newer), None)
    return found if found is not None and found.burial == burial else None
