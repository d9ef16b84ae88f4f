"""Predictions without the queue, and the list of models."""

import contextlib
from functools import lru_cache

from fastapi import APIRouter, Request
from starlette.datastructures import QueryParams
from starlette.responses import Response

from headrace import documents, metrics
from headrace.errors import Misconfigured, Rejected, Unavailable
from headrace.models import restriction
from headrace.models.version import Version
from headrace.ports import VersionRef
from headrace.validation import fault
from headrace.web import requests
from headrace.web.api.inputs import LABEL_LENGTH, MOST_LABELS, MOST_TEXTS, TEXTS
from headrace.web.api.schemas import Models, ModelVersion, Predictions, responses
from headrace.web.direct import Answer, DirectCall
from headrace.web.responses import Refused, json_response, refusal
from headrace.web.state import AppState

PREDICT = "/v1/predict"


class PredictRoutes:
    """`/v1/predict` and `/v1/models`."""

    def __init__(self, state: AppState) -> None:
        self._state = state
        self._services = state.services
        self._version_of = lru_cache(maxsize=100)(VersionRef.parse)

    def routes(self) -> APIRouter:
        """The calls, for an app."""
        router = APIRouter(tags=["models"])
        router.add_api_route(
            PREDICT,
            self.predict,
            operation_id="predict_texts",
            methods=["POST"],
            summary="Predict a text, or a list of up to 1,000, at once",
            responses=responses({200: Predictions}, 400, 413, 415, 422, 503),
            openapi_extra=dict(TEXTS),
        )
        router.add_api_route(
            "/v1/models",
            self.models,
            operation_id="list_models",
            summary="The versions of the registry, and which are served",
            responses=responses({200: Models}, 503),
        )
        return router

    def direct(self) -> DirectCall:
        """The call that predicts, for connections that answer it themselves."""

        def bind(_query: QueryParams) -> Answer:
            return lambda value, _size, _taken: self.label(value)

        return DirectCall("POST", PREDICT, self._state.predicted, bind, abandoned=True)

    async def predict(self, request: Request) -> Response:
        """Takes `{"text": …}` or `{"texts": […]}`, a `threshold` to replace those of the cards, and `labels` to restrict the models to.
        Nothing is stored."""
        value, _ = await requests.read_json(request, self._services.settings.request_bytes)
        with self._state.predicted.place():
            return await self.label(value)

    async def label(self, value: object) -> Response:
        """The response to a request that holds this JSON value."""
        predictions = self._state.predictions
        if predictions is None:
            raise Refused(
                503, "this server was started without models, so it can't predict texts; publish documents instead"
            )
        texts, threshold, labels = _read(value, self._services.settings.document_bytes)
        predicted = await predictions.label(texts, threshold=threshold, labels=labels)
        counts: dict[str, int] = {}
        for known in predicted:
            for prediction in known.values():
                counts[prediction.model] = counts.get(prediction.model, 0) + 1
        for answered_by, number in counts.items():
            self._state.meter.add(metrics.HTTP_PREDICTIONS, number, *self._version_of(answered_by))
        return json_response(Predictions(predicted))

    async def models(self) -> Response:
        """By name, newest first. A version is `served` if this server or a worker predicts with it."""
        return json_response(Models(await self._state.asking.run(self._models)))

    def _models(self) -> list[ModelVersion]:
        served = {model for worker in self._services.store.workers() for model in worker.models}
        with contextlib.suppress(Unavailable):  # while it starts, it serves nothing
            served |= set(self._services.predictor.models()) if self._services.predictor else set()
        return [self._tell(version, served) for version in self._services.registry.list()]

    def _tell(self, version: Version, served: set[str]) -> ModelVersion:
        name, is_served = str(version), str(version) in served
        try:
            card = self._services.registry.card(name)
        except Misconfigured as error:
            return ModelVersion(name, version.aliases, is_served, (), None, error=str(error))
        return ModelVersion(
            name,
            version.aliases,
            is_served,
            card.labels,
            card.figures,
            card.created_at,
            label_sets=card.label_sets,
            about=card.about,
        )


def _read(value: object, limit: int) -> tuple[list[str], float | None, tuple[str, ...]]:
    """The texts of a request, its threshold, and the labels to restrict the models to."""
    if not isinstance(value, dict) or ("text" in value) == ("texts" in value):
        raise Refused(422, """send an object with either "text", a string, or "texts", a list of strings""")
    if unknown := value.keys() - {"text", "texts", "threshold", "labels"}:
        known = "send text or texts, and if you like threshold and labels"
        raise Refused(422, f"{', '.join(sorted(unknown))[:200]!r} is unknown here; {known}")
    texts = [value["text"]] if "text" in value else value["texts"]
    if not isinstance(texts, list) or not 0 < len(texts) <= MOST_TEXTS:
        raise Refused(422, f"'texts' must be a list of between 1 and {MOST_TEXTS:,} strings")
    for index, text in enumerate(texts):
        if _is_plain(text, limit):
            continue
        try:
            documents.read({"id": "-", "text": text}, limit=limit)
        except Rejected as error:
            raise refusal(error, index=index if "texts" in value else None) from None
    return texts, _threshold(value.get("threshold")), _labels(value.get("labels"))


def _is_plain(text: object, limit: int) -> bool:
    """Whether a text is certainly one that a document could have; the reason why another is not is found by reading it as one."""
    most = 6 * len(text) + 100 if isinstance(text, str) else 0  # bytes as JSON: each character escaped
    return 100 < most <= limit and not fault(text, 0)


def _threshold(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:  # neither is NaN
        raise Refused(422, "'threshold' must be a number from 0 to 1")
    return float(value)


def _labels(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not 0 < len(value) <= MOST_LABELS:
        raise Refused(422, f"'labels' must be a list of between 1 and {MOST_LABELS:,} labels")
    if not all(isinstance(one, str) and len(one) <= LABEL_LENGTH for one in value):
        raise Refused(422, f"'labels' must be a list of strings of up to {LABEL_LENGTH} characters")
    try:
        return restriction.check(value)
    except Misconfigured as error:
        raise Refused(422, f"'labels': {error}") from None
