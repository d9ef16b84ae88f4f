"""The recipe of the default sentiment model, on data of a few words."""

import json
import random
from pathlib import Path

import numpy as np
import pytest

from headrace.errors import Misconfigured
from headrace.models.registry import Registry
from headrace.training import recipes
from headrace.training.datasets import Row, silent
from headrace.training.fitting import Choices
from headrace.training.recipes import sentiment
from headrace.training.train import train

WORDS = {
    "negative": ["awful", "sad", "broken", "hate", "worst", "angry"],
    "neutral": ["monday", "report", "meeting", "station", "street", "hours"],
    "positive": ["lovely", "happy", "great", "love", "best", "thanks"],
}
FILLING = ["the", "a", "my", "your", "is", "was", "with", "and", "at"]


def rows(number: int, labels: tuple[str, ...] = tuple(WORDS), source: str = "posts", seed: int = 0) -> list[Row]:
    chance = random.Random(f"{seed} {source}")
    found = []
    for place in range(number):
        label = labels[place % len(labels)]
        words = chance.choices(FILLING, k=4) + chance.sample(WORDS[label], 2)
        chance.shuffle(words)
        found.append(Row(f"{' '.join(words)} {chance.randrange(10**6)}", label, source))
    return found


def write(path: Path, some: list[Row]) -> Path:
    path.write_text("".join(json.dumps({"text": row.text, "label": row.label}) + "\n" for row in some))
    return path


def fit(some: list[Row], **choices: object):
    return sentiment.fit(some, Choices(**choices), silent)  # type: ignore[arg-type]


def test_it_learns_from_sources_that_have_different_labels() -> None:
    fitted = fit(
        [*rows(150), *rows(200, ("negative", "positive"), "reviews"), *rows(100, ("negative", "positive"), "distant_x")]
    )
    said = fitted.scorer.predict(["what a lovely great day", "awful and broken", "meeting at the station"])
    assert [one.label for one in said] == ["positive", "negative", "neutral"]
    assert fitted.scorer.labels == ("negative", "neutral", "positive")


def test_the_same_rows_and_seed_give_the_same_model() -> None:
    one, same, other = (fit(rows(90), seed=seed).scorer.parameters for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.weights, same.weights)
    assert not np.array_equal(one.weights, other.weights)


def test_a_search_reports_its_trials() -> None:
    fitted = fit(rows(90), search=2)
    assert len(fitted.trials) == 2
    assert {"rate", "shrinkage"} <= set(fitted.trials[0].parameters)


@pytest.mark.parametrize("choices", [{"estimator": "logistic"}, {"svd": 5}])
def test_other_estimators_are_those_of_the_text_recipe(choices: dict[str, object]) -> None:
    assert "classifier__C" in fit(rows(90), **choices).parameters


@pytest.mark.parametrize(
    ("recipe", "choices", "flag"),
    [
        ("text", Choices(teacher=True), "--teacher"),
        ("language", Choices(teacher=True), "--teacher"),
        ("sentiment", Choices(teacher=True, estimator="logistic"), "--teacher"),
        ("sentiment", Choices(words=(Path("words"),)), "--words"),
        ("sentiment", Choices(others=(Path("other.jsonl"),)), "--other"),
        ("text", Choices(words=(Path("words"),)), "--words"),
        ("language", Choices(words=(Path("words"),), search=2), "--words"),
    ],
)
def test_a_choice_of_another_recipe_is_refused(recipe: str, choices: Choices, flag: str) -> None:
    with pytest.raises(Misconfigured, match=f"only the recipe .* takes {flag}; leave it out"):
        recipes.find("mood", recipe).fit(rows(90), choices, silent)


def test_the_main_source_is_the_one_whose_labels_are_wanted() -> None:
    some = [*rows(30, source="semeval_2013_2016"), *rows(30), *rows(30, ("negative", "positive"), "sst2")]
    kinds = {kind.name: len(kind.rows) for kind in sentiment.kinds(some)}
    assert kinds == {"tweets on many topics": 30, "other texts": 30, "phrases of film reviews": 30}
    assert next(iter(kinds)) == "tweets on many topics"
    of_ones_own = [
        *rows(30),
        *rows(30, ("negative", "positive"), "reviews"),
        *rows(30, ("negative", "positive"), "distant_x"),
    ]
    assert {kind.name: len(kind.rows) for kind in sentiment.kinds(of_ones_own)} == {
        "texts": 30,
        "other texts": 30,
        "distant labels": 30,
    }


def test_a_trained_model_has_figures_by_kind_of_text_and_says_what_it_knows(tmp_path: Path) -> None:
    files = [
        write(tmp_path / "posts.jsonl", rows(300)),
        write(tmp_path / "reviews.jsonl", rows(200, ("negative", "positive"), "reviews")),
    ]
    registry = Registry(tmp_path / "models", builtin=None)
    version = train("sentiment", files, registry=registry, learning_curve=False)
    card = registry.card(str(version))
    assert card.parameters["recipe"] == "sentiment"
    assert card.figures.macro_recall > 0.9
    assert set(card.figures.slices) == {"texts", "other texts"}
    assert "Short informal text" in card.about
    page = (version.folder / "report.html").read_text()
    assert "By kind of text" in page
    assert "Short informal text" in page
    assert "macro recall" in page


def test_a_stream_alone_is_enough_to_begin_with(tmp_path: Path) -> None:
    chance = random.Random(0)
    path = tmp_path / "stream.jsonl"
    with path.open("w") as file:
        for row in rows(400, ("negative", "positive")):
            face = {"negative": [":(", "😭"], "positive": [":)", "😍"]}[row.label]
            file.write(json.dumps({"text": f"{row.text} {chance.choice(face)}"}) + "\n")
    registry = Registry(tmp_path / "models", builtin=None)
    version = train("sentiment", [], registry=registry, choices=Choices(distant=(path,)), learning_curve=False)
    model = registry.get(str(version))
    assert [one.label for one in model.predict(["what a lovely great day", "awful and broken"])] == [
        "positive",
        "negative",
    ]
    assert [one.name for one in registry.card(str(version)).sources] == ["distant_stream"]


def test_labels_are_renamed_by_the_map(tmp_path: Path) -> None:
    named = {"negative": "0", "positive": "1"}
    path = write(
        tmp_path / "x.jsonl", [row._replace(label=named[row.label]) for row in rows(200, ("negative", "positive"))]
    )
    registry = Registry(tmp_path / "models", builtin=None)
    with pytest.raises(Misconfigured, match='--map "0=negative,1=positive"'):
        train("sentiment", [path], registry=registry, learning_curve=False)
    mapping = {"0": "negative", "1": "positive"}
    version = train("sentiment", [path], registry=registry, choices=Choices(mapping=mapping), learning_curve=False)
    assert registry.card(str(version)).labels == ("negative", "positive")
    with pytest.raises(Misconfigured, match="names '2', which no row has; the labels are '0', '1'"):
        train("sentiment", [path], registry=registry, choices=Choices(mapping={"2": "x"}), learning_curve=False)


def test_nothing_to_learn_from_is_said(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="nothing to learn from; give labelled files with --data"):
        train("sentiment", [], registry=Registry(tmp_path))


def test_the_recipe_is_that_of_its_name() -> None:
    assert recipes.find("sentiment").name == "sentiment"
    assert recipes.find("mood", "sentiment").name == "sentiment"
