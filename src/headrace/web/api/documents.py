"""Documents over HTTP: POST publishes them, GET finds them, DELETE erases them."""

import math
from collections.abc import Callable
from functools import partial

from fastapi import APIRouter, Request
from starlette.datastructures import QueryParams
from starlette.responses import Response

from headrace import documents
from headrace.documents import microseconds
from headrace.web import requests
from headrace.web.api import submission
from headrace.web.api.inputs import DOCUMENTS, LARGEST, WAIT, WAIT_SECONDS, Identity
from headrace.web.api.schemas import Accepted, Items, Queued, responses
from headrace.web.api.submission import read_submission
from headrace.web.direct import Answer, DirectCall
from headrace.web.lookup import DeadLetterInfo, FullResult, add_versions, outcome_of
from headrace.web.pool import on_thread
from headrace.web.responses import Refused, json_response
from headrace.web.state import AppState

PATH = "/v1/documents"


class DocumentRoutes:
    """The calls below `/v1/documents`."""

    def __init__(self, state: AppState) -> None:
        self._state = state
        self._store = state.services.store
        self._settings = state.services.settings

    def routes(self) -> APIRouter:
        """The calls, for an app."""
        router = APIRouter(tags=["documents"])
        router.add_api_route(
            PATH,
            self.post,
            operation_id="publish_documents",
            methods=["POST"],
            status_code=202,
            summary="Publish a document, or a list of up to 1,000",
            responses=responses({202: Accepted, 200: Items}, 400, 409, 413, 415, 422, 429, 503),
            openapi_extra={**DOCUMENTS, "parameters": [WAIT]},
        )
        path = PATH + "/{identity:path}"
        router.add_api_route(
            path,
            self.get,
            operation_id="get_document",
            methods=["GET"],
            summary="What became of a document: its result, or its dead letter",
            responses=responses({200: (FullResult, DeadLetterInfo), 202: Queued}, 404, 422, 503),
        )
        router.add_api_route(
            path,
            self.delete,
            operation_id="erase_document",
            methods=["DELETE"],
            status_code=204,
            summary="Erase a document, and what is still on its way under this id",
            responses=responses({}, 404, 422, 503),
        )
        return router

    def direct(self) -> DirectCall:
        """The call that publishes, for connections that answer it themselves."""

        def bind(query: QueryParams) -> Answer:
            wait = _read_wait(query.get("wait"))
            return lambda value, size, published: self.publish(value, size, wait, published)

        return DirectCall("POST", PATH, self._state.published, bind)

    async def post(self, request: Request) -> Response:
        """202 with the ids once the broker has confirmed all documents; with `wait` (seconds) 200 with the results if they come in time.

        If a document of a list is bad, the error has its index, and nothing of the list is published.
        """
        wait = _read_wait(request.query_params.get("wait"))
        value, size = await requests.read_json(request, self._settings.request_bytes)
        with self._state.published.place() as place:
            return await self.publish(value, size, wait, place.leave)

    async def publish(self, value: object, size: int, wait: float | None, published: Callable[[], None]) -> Response:
        """The response to the documents of a request, which are `size` bytes of JSON; `wait` is how many seconds to wait for results.

        Calls `published` once the documents are published, before it waits for results.
        """
        await self._state.limit.check()
        read = partial(read_submission, value, limit=self._settings.document_bytes, now=microseconds())
        sent = await on_thread(read) if size > requests.LARGE else read()
        taken = sent.documents
        await submission.publish(self._state, sent, size, listed=isinstance(value, list))
        published()
        items = await self._state.watcher.wait_for(taken, wait) if wait is not None else None
        if items is None:
            return json_response(Accepted(tuple(document.id for document in taken)), 202)
        return json_response(Items(items))

    async def get(self, identity: Identity) -> Response:
        """The result with all predictions (`versions`), and its dead letters (`dead`) if it has any; the newest dead letter if there is no
        result; 202 if this process has published the document recently."""
        _check_id(identity)
        found = await self._state.asking.run(lambda: self._find(identity))
        if found is not None:
            return json_response(found)
        if identity in self._state.recent_ids:
            return json_response(Queued(identity), 202)
        raise _unknown(identity)

    def _find(self, identity: str) -> FullResult | DeadLetterInfo | None:
        found = outcome_of(self._store, identity).shown()
        return add_versions(self._store, found) if isinstance(found, FullResult) else found

    async def delete(self, identity: Identity) -> Response:
        """Erases the result, the dead letters, and everything that was published under this id so far. Unknown ids are fine."""
        _check_id(identity)
        await self._state.asking.run(lambda: self._store.erase([identity]))
        self._state.recent_ids.discard(identity)
        return Response(status_code=204)


def _read_wait(given: str | None) -> float | None:
    if given is None:
        return None
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= LARGEST:
        raise Refused(
            422, f"wait is {given[:20]!r}; it must be a number of seconds, of which up to {WAIT_SECONDS} are waited"
        )
    return min(seconds, WAIT_SECONDS) or None


def _check_id(identity: str) -> None:
    """Raise Refused for an id that no document can have, without asking the store."""
    if not identity or "\0" in identity or len(identity.encode(errors="replace")) > documents.ID_BYTES:
        raise _unknown(identity)


def _unknown(identity: str) -> Refused:
    return Refused(
        404, f"there is no document {identity[:256]!r}; if it was sent elsewhere, it may still be on its way"
    )
