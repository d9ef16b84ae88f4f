"""Results over HTTP: lists of them, and counts of their answers."""

from datetime import UTC, datetime

from fastapi import APIRouter
from starlette.responses import Response

from headrace.ports import ResultQuery
from headrace.web.api.inputs import LIMIT, Label, Limit, ModelName, Page, Score, Source, Text, Time, VersionName
from headrace.web.api.schemas import HourCounts, Results, responses
from headrace.web.responses import Refused, json_response
from headrace.web.state import AppState


class ResultRoutes:
    """The calls `/v1/results` and `/v1/counts`."""

    def __init__(self, state: AppState) -> None:
        self._state = state
        self._store = state.services.store

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
        found = await self._state.asking.run(lambda: self._store.find(query, limit=limit, page=page))
        return json_response(Results(list(found.items), found.next))

    async def counts(self, model: ModelName, since: Time = "", until: Time = "") -> Response:
        """By the hour in which the document was stored, in UTC; of the hours that begin at or after `since` and before `until`."""
        named, first, after = _model(model), _time("since", since), _time("until", until)
        found = await self._state.asking.run(lambda: self._store.count_by_hour(named, first, after))
        return json_response(HourCounts(list(found)))


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
