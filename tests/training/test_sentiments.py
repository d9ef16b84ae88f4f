"""Labels that look like sentiments under other names are not guessed at, and too few texts are refused."""

import pytest

from headrace.errors import Misconfigured
from headrace.training import sentiments
from headrace.training.datasets import Row


def rows(**counts: int) -> list[Row]:
    return [Row(f"{label} {number}", label, "x") for label, count in counts.items() for number in range(count)]


@pytest.mark.parametrize(
    ("labels", "meant"),
    [
        ("0 1", "0=negative,1=positive"),
        ("0 4", "0=negative,4=positive"),
        ("0 1 2", "0=negative,1=neutral,2=positive"),
        ("-1 0 1", "-1=negative,0=neutral,1=positive"),
        ("1 2 3 4 5", "1=negative,2=negative,3=neutral,4=positive,5=positive"),
        ("pos neg", "neg=negative,pos=positive"),
        ("Positive NEGATIVE neutral", "NEGATIVE=negative,Positive=positive"),
        ("positive pos", "pos=positive"),
    ],
)
def test_labels_under_other_names_are_refused_with_the_map_that_may_be_meant(labels: str, meant: str) -> None:
    some = rows(**dict.fromkeys(labels.split(), 30))
    with pytest.raises(Misconfigured, match=f'--map "{meant}"'):
        sentiments.check(some)


@pytest.mark.parametrize("labels", ["negative positive", "negative neutral positive", "joy anger fear", "spam ham"])
def test_the_three_names_and_any_other_words_are_taken_as_they_are(labels: str) -> None:
    sentiments.check(rows(**dict.fromkeys(labels.split(), 30)))


@pytest.mark.parametrize("labels", ["0 7", "1 2 3 4 5 6", "0.5 1.5"])
def test_numbers_are_asked_for_their_meaning(labels: str) -> None:
    with pytest.raises(Misconfigured, match=r"are numbers; say what they mean: --map"):
        sentiments.check(rows(**dict.fromkeys(labels.split(), 30)))


def test_one_label_is_refused() -> None:
    with pytest.raises(Misconfigured, match="every row has the label 'positive'"):
        sentiments.check(rows(positive=100))


def test_too_few_texts_are_refused_with_their_numbers() -> None:
    with pytest.raises(Misconfigured, match=r"too few texts .*'positive' has 3; each label needs 20"):
        sentiments.check(rows(negative=30, positive=3))


def test_it_is_said_if_nothing_is_neutral() -> None:
    assert "no neutral texts" in sentiments.remark(rows(negative=1, positive=1))
    assert sentiments.remark(rows(negative=1, neutral=1, positive=1)) == sentiments.remark(rows(joy=1, fear=1)) == ""
