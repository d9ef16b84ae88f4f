"""VADER as a classifier."""

import sys
from importlib.metadata import version

import pytest

from headrace.documents import Prediction
from headrace.errors import Misconfigured
from headrace.models.vader import POLAR, _prediction
from headrace.urls import open_classifier


@pytest.mark.parametrize(
    ("compound", "label", "score"),
    [
        (1.0, "positive", 1.0),
        (POLAR, "positive", 0.05),
        (0.049, "neutral", 0.951),
        (0.0, "neutral", 1.0),
        (-0.049, "neutral", 0.951),
        (-POLAR, "negative", 0.05),
        (-1.0, "negative", 1.0),
    ],
)
def test_the_thresholds_are_those_of_its_authors(compound: float, label: str, score: float) -> None:
    assert _prediction(compound) == Prediction(label, pytest.approx(score))


def test_its_examples_get_the_labels_of_its_readme() -> None:
    texts = [
        "VADER is smart, handsome, and funny.",
        "VADER is VERY SMART, handsome, and FUNNY!!!",
        "VADER is not smart, handsome, nor funny.",
        "The book was good.",
        "At least it isn't a horrible book.",
        "Today SUX!",
        "Catch utf-8 emoji such as such as 💘 and 💋 and 😁",
    ]
    found = open_classifier("vader:").predict(texts)
    assert [(one.label, round(one.score, 4)) for one in found] == [
        ("positive", 0.8316),
        ("positive", 0.9342),
        ("negative", 0.7424),
        ("positive", 0.4404),
        ("positive", 0.431),
        ("negative", 0.5461),
        ("positive", 0.875),
    ]


def test_its_version_is_that_of_the_library() -> None:
    assert open_classifier("vader:").version == version("vaderSentiment")


def test_nothing_may_follow_its_colon() -> None:
    with pytest.raises(Misconfigured, match="write vader:"):
        open_classifier("vader:en")


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "headrace.models.vader", raising=False)
    monkeypatch.setitem(sys.modules, "vaderSentiment.vaderSentiment", None)
    with pytest.raises(Misconfigured, match=r"vader: needs vaderSentiment.*pip install 'headrace\[vader\]'"):
        open_classifier("vader:")
