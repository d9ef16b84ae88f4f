"""Results over HTTP: lists of them, and counts of their answers."""

from collections.abc import Callable, Hashable
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from headrace.documents import encode
from headrace.ports import ResultQuery
from headrace.web.api.inputs import LIMIT, Label, Limit, ModelName, Page, Score, Source, Text, Time, VersionName
from headrace.web.api.known_queries import KnownQueries
from headrace.web.api.schemas import HourCounts, Results, responses
from headrace.web.responses import Refused
from headrace.web.sharing import SharedCalls
from headrace.web.state import AppState


class ResultRoutes:
    """The calls `/v1/results` and `/v1/counts`."""

    def __init__(self, state: AppState, known: KnownQueries) -> None:
        self._known = known
        self._store = state.services.store
        self._shared: SharedCalls[bytes] = SharedCalls(state.asking)

    def routes(self) -> APIRouter:
        """The calls, for an app."""
        router = APIRouter(tags=["results"])
        router.add_api_route(
            "/v1/results",
            self.results,
            operation_id="list_results",
            summary="Results, newest first",
            responses=responses({200: Results}, 422, 503),
        )
        router.add_api_route(
            "/v1/counts",
            self.counts,
            operation_id="count_answers",
            summary="Answers of a model by hour and label",
            responses=responses({200: HourCounts}, 422, 503),
        )
        return router

    async def results(
        self,
        request: Request,
        label: Label = "",
        source: Source = "",
        model: ModelName = "",
        version: VersionName = "",
        min_score: Score = None,
        max_score: Score = None,
        text: Text = "",
        since: Time = "",
        until: Time = "",
        limit: Limit = LIMIT,
        page: Page = None,
    ) -> Response:
        """Everything given must hold. `label`, `model` (a name), `version` and the bounds of the score (inclusive) are about one and the
        same answer; `text` is contained in the document's text, upper and lower case differ; `since` (inclusive) and `until` (exclusive)
        are about `stored_at`."""
        check_names(label=label, source=source, version=version, text=text)
        if version and "@" not in version:
            raise Refused(
                422, f"'version' is a whole version, such as language@3f9c2a; for all of {version} give 'model'"
            )
        query = ResultQuery(
            label=label,
            source=source,
            model=_model(model),
            version=version,
            min_score=min_score,
            max_score=max_score,
            text=text,
            since=_time("since", since),
            until=_time("until", until),
        )
        return await self._answer(request, (query, limit, page), lambda: self._results(query, limit, page))

    def _results(self, query: ResultQuery, limit: int, page: str | None) -> Results:
        found = self._store.find(query, limit=limit, page=page)
        return Results(list(found.items), found.next)

    async def counts(self, request: Request, model: ModelName, since: Time = "", until: Time = "") -> Response:
        """By the hour in which the document was stored, in UTC; of the hours that begin at or after `since` and before `until`."""
        named, first, after = _model(model), _time("since", since), _time("until", until)
        return await self._answer(request, (named, first, after), lambda: self._counts(named, first, after))

    def _counts(self, model: str, since: datetime | None, until: datetime | None) -> HourCounts:
        return HourCounts(list(self._store.count_by_hour(model, since, until)))

    async def _answer(self, request: Request, key: Hashable, call: Callable[[], Any]) -> Response:
        """What the call gives as JSON; requests that come at the same time with the same key share it."""

        async def answer() -> Response:
            content = await self._shared.value(key, lambda: encode(call()))
            return Response(content, media_type="application/json")

        self._known.note(request, answer)
        return await answer()


def check_names(**names: str) -> None:
    """Raises Refused for a name that nothing can have."""
    for member, name in names.items():
        if "\0" in name:
            raise Refused(422, f"{member!r} holds a NUL character; nothing is called so")


def _model(name: str) -> str:
    check_names(model=name)
    if "@" in name:
        raise Refused(422, f"'model' is a name, without a version: {name.partition('@')[0]}")
    return name


def _time(member: str, value: str) -> datetime | None:
    """A time in UTC unless it says otherwise; None for an empty one."""
    if not value:
        return None
    # In a query + is a space, and is often left as it is in 12:00:00+02:00.
    date, separator, clock = value.partition("T")
    try:
        at = datetime.fromisoformat(date + separator + clock.replace(" ", "+"))
    except ValueError:
        raise Refused(422, f"{member!r} is {value!r}; give an ISO 8601 time, such as 2026-01-31T12:00:00Z") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
