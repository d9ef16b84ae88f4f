"""`/v1/predict` and `/v1/models`."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.web_world import MODEL, FirstLetter, World, world

from headrace.models import card as cards
from headrace.models.card import Card, Figures
from headrace.ports import WorkerStatus
from headrace.web.services import ServerSettings

PREDICT = "/v1/predict"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path, predictor=FirstLetter()) as found:
        yield found


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An API that is shared by the tests that store nothing."""
    with world(tmp_path_factory.mktemp("models"), predictor=FirstLetter()) as found:
        yield found


def test_a_text_is_predicted_at_once(api: World) -> None:
    answer = api.post(PREDICT, {"text": "Hej"})
    assert answer.status_code == 200
    assert answer.json() == {"predictions": [{"language": {"label": "H", "score": 0.5, "model": MODEL}}]}
    assert api.queued() == []


def test_texts_are_predicted_in_order(api: World) -> None:
    told = api.post(PREDICT, {"texts": ["b", "a", "b"]}).json()["predictions"]
    assert [one["language"]["label"] for one in told] == ["b", "a", "b"]


def test_a_threshold_is_handed_to_the_models(api: World) -> None:
    told = api.post(PREDICT, {"text": "a", "threshold": 0.25}).json()["predictions"]
    assert told[0]["language"]["score"] == 0.25


def test_labels_are_handed_to_the_models(api: World) -> None:
    for labels, told in ((["sv", "da"], "sv|da"), (None, "H")):
        answer = api.post(PREDICT, {"text": "Hej", "labels": labels})
        assert answer.json()["predictions"][0]["language"]["label"] == told


BAD = [
    {},
    [],
    "Hej",
    None,
    {"text": ""},
    {"text": 1},
    {"text": ["a"]},
    {"text": "a\0"},
    {"text": "a", "texts": ["b"]},
    {"texts": []},
    {"texts": "abc"},
    {"texts": {"a": 1}},
    {"texts": ["a"] * 1001},
    {"text": "a", "threshold": 2},
    {"text": "a", "threshold": "high"},
    {"text": "a", "threshold": True},
    {"text": "a", "threshold": 10**400},
    {"text": "a", "labels": []},
    {"text": "a", "labels": "sv"},
    {"text": "a", "labels": [""]},
    {"text": "a", "labels": [1]},
    {"text": "a", "labels": ["sv", "sv"]},
    {"text": "a", "labels": {"sv": 1}},
    {"text": "a", "labels": ["x" * 257]},
    {"text": "a", "labels": [str(number) for number in range(1001)]},
    {"text": "a", "limit": 3},
    {"text": "a" * 2_000_000},
]


@pytest.mark.parametrize("number", range(len(BAD)))
def test_input_that_is_not_text_is_refused(idle: World, number: int) -> None:
    answer = idle.post(PREDICT, BAD[number])
    assert answer.status_code == 422
    assert len(answer.json()["error"]["message"]) > 10


def test_the_bad_text_of_a_list_is_named(api: World) -> None:
    assert api.post(PREDICT, {"texts": ["a", "", "b"]}).json()["error"] == {"message": "'text' is empty", "index": 1}


def test_a_text_on_which_a_model_fails_is_refused_and_not_an_error_of_ours(api: World) -> None:
    answer = api.post(PREDICT, {"text": "poison"})
    assert answer.status_code == 422
    assert "fails on this text" in answer.json()["error"]["message"]


def test_while_the_models_start_callers_are_asked_to_try_again(tmp_path: Path) -> None:
    with world(tmp_path, predictor=FirstLetter(starting=True)) as api:
        answer = api.post(PREDICT, {"text": "Hej"})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert api.get("/v1/models").status_code == 200


def test_a_server_without_models_says_so(tmp_path: Path) -> None:
    with world(tmp_path) as api:
        answer = api.post(PREDICT, {"text": "Hej"})
        assert answer.status_code == 503
        assert "without models" in answer.json()["error"]["message"]


def test_models_are_listed_with_the_facts_of_their_cards(api: World, tmp_path: Path) -> None:
    card = Card(
        "language",
        ("fi", "sv"),
        version="3f9c2a",
        figures=Figures(0.97, 0.96),
        created_at="2026-01-01",
        label_sets={"nordic": ("sv",)},
        about="Prose.",
    )
    home = tmp_path / "language" / "3f9c2a"
    home.mkdir(parents=True)
    (home / cards.FILE).write_bytes(cards.to_json(card))
    (tmp_path / "language" / "aliases.json").write_text('{"champion": [{"version": "3f9c2a", "at": "2026-01-01"}]}')
    (told,) = api.get("/v1/models").json()["models"]
    assert (told["model"], told["aliases"], told["served"]) == (MODEL, ["champion"], True)
    assert (told["labels"], told["figures"]) == (["fi", "sv"], {"accuracy": 0.97, "macro_f1": 0.96})
    assert told["label_sets"] == {"nordic": ["sv"]}
    assert told["about"] == "Prose."


def test_a_version_that_only_a_worker_serves_is_served_and_a_damaged_one_says_so(tmp_path: Path) -> None:
    home = tmp_path / "mood" / "1a2b3c"
    home.mkdir(parents=True)
    (home / cards.FILE).write_text("{")
    with world(tmp_path, settings=ServerSettings()) as api:
        api.store.beat(WorkerStatus("w", 1, 2, "working", models=("mood@1a2b3c",)))
        (told,) = api.get("/v1/models").json()["models"]
    assert told["served"] is True
    assert "cannot be read" in told["error"]
