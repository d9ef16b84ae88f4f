"""Predictions at once: one predictor, many threads, each answered with its own."""

import os
import signal
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from support import FAULTY, PATIENCE, logged, no_descriptors, predictors, setup, until

import headrace
from headrace.documents import Prediction
from headrace.errors import Rejected, Unavailable
from headrace.models.card import Card
from headrace.models.registry import Registry
from headrace.predictor.shared import SharedPredictor

TRIVIAL = "size=python:headrace.testing.classifiers:Trivial"


@pytest.fixture
def predictor() -> Iterator[SharedPredictor]:
    made = SharedPredictor(setup(f"{TRIVIAL}, {FAULTY}"), deadline=PATIENCE)
    made.start()
    until(made.models, "the models")
    until(lambda: ready(made), "the first answer")
    yield made
    made.close()
    made.close()
    assert predictors(os.getpid()) == []


def ready(predictor: SharedPredictor) -> bool:
    try:
        return bool(predictor.label(["a"]))
    except Unavailable:
        return False


def test_texts_are_answered_in_order_by_every_model(predictor: SharedPredictor) -> None:
    found = predictor.label(["a", "long " * 30])
    assert [one["size"].label for one in found] == ["short", "long"]
    assert found[0] == {"size": Prediction("short", 1.0, "size@aaaaaa"), "fake": Prediction("fine", 0.5, "fake@bbbbbb")}
    assert predictor.models() == ["size@aaaaaa", "fake@bbbbbb"]
    assert predictor.label([]) == []
    assert predictor.top("a", 3)["size"] == [Prediction("short", 1.0, "size@aaaaaa")]


def test_many_threads_get_each_their_own_answers(predictor: SharedPredictor) -> None:
    wrong: list[object] = []

    def ask(number: int) -> None:
        for turn in range(20):
            texts = ["long " * 30 if (number + turn + place) % 2 else "a" for place in range(number)]
            wanted = ["long" if len(text) > 100 else "short" for text in texts]
            if (got := [one["size"].label for one in predictor.label(texts)]) != wanted:
                wrong.append((got, wanted))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert wrong == []


@pytest.mark.parametrize("fault", ["RAISE", "KILL"])
def test_only_whose_text_fails_is_rejected(predictor: SharedPredictor, fault: str) -> None:
    failed: list[int] = []
    answered: list[int] = []

    def ask(number: int) -> None:
        try:
            predictor.label([f"{fault} {number}" if number == 2 else "a"])
            answered.append(number)
        except Rejected:
            failed.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert failed == [2]
    assert sorted(answered) == [0, 1, 3, 4]


def test_who_does_not_wait_for_an_answer_is_given_it_later(predictor: SharedPredictor) -> None:
    texts = ["a", "long " * 30, "RAISE a", "UNAVAILABLE a"] * 10
    told: dict[int, object] = {}
    for place, text in enumerate(texts):
        predictor.ask([text], answer=partial(told.__setitem__, place))
    until(lambda: len(told) == len(texts), "all answers")
    for place, text in enumerate(texts):
        kind = {"R": Rejected, "U": Unavailable}.get(text[0])
        assert isinstance(told[place], kind) if kind else told[place] == predictor.label([text])


def test_calls_with_labels_and_without_are_answered_each_for_itself() -> None:
    made = SharedPredictor(setup("language"), deadline=PATIENCE)
    made.start()
    until(made.models, "the models")
    text, told = "Wie spät ist es denn heute, mein Freund?", dict[int, Any]()
    asked: list[tuple[str, ...]] = [(), ("sv", "da"), ("xx",), (), ("da",), ("sv", "da")]
    for place, labels in enumerate(asked):
        made.ask([text], threshold=0, labels=labels, answer=partial(told.__setitem__, place))
    until(lambda: len(told) == len(asked), "all answers")
    made.close()
    assert isinstance(told[2], Rejected)
    labels_found = [told[place][0]["language"].label for place in (0, 1, 3, 4, 5)]
    assert labels_found == ["de", labels_found[1], "de", "da", labels_found[1]]
    assert labels_found[1] in ("sv", "da")


def test_nothing_is_predicted_for_who_has_gone(predictor: SharedPredictor) -> None:
    deaths, answers = predictors(os.getpid()), list[object]()
    for _ in range(20):
        predictor.ask(["KILL a"], answer=answers.append, abandoned=lambda: True)
    assert predictor.label(["a"])
    assert (answers, predictors(os.getpid())) == ([], deaths)


def test_a_predictor_that_is_killed_is_replaced(predictor: SharedPredictor) -> None:
    (pid,) = predictors(os.getpid())
    os.kill(pid, signal.SIGKILL)
    assert predictor.label(["a"])[0]["fake"].label == "fine"


def test_a_remote_model_that_is_away_is_unavailable(predictor: SharedPredictor) -> None:
    with pytest.raises(Unavailable, match="the remote model is away"):
        predictor.label(["UNAVAILABLE a"])
    assert predictor.label(["a"])


def test_while_the_models_are_being_opened_or_are_broken_it_says_so() -> None:
    predictor = SharedPredictor(setup("fake=python:headrace.testing.classifiers:Refusing"), deadline=PATIENCE)
    with pytest.raises(Unavailable, match="the models are being opened"):
        predictor.label(["a"])
    assert predictor.models() == []
    predictor.start()

    def told() -> str:
        try:
            predictor.label(["a"])
        except Unavailable as error:
            return str(error) if "broken" in str(error) else ""
        return ""

    assert "fake@dddddd is broken" in until(told, "the reason")
    predictor.close()
    with pytest.raises(Unavailable, match="stopping"):
        predictor.label(["a"])


def test_closing_ends_a_call_that_never_ends() -> None:
    predictor = SharedPredictor(setup(), deadline=PATIENCE)
    predictor.start()
    until(lambda: ready(predictor), "the first answer")
    refused = threading.Event()

    def ask() -> None:
        try:
            predictor.label(["SPIN a"])
        except Unavailable:
            refused.set()

    thread = threading.Thread(target=ask)
    (process,) = map(psutil.Process, predictors(os.getpid()))
    before = process.cpu_times().user
    thread.start()
    until(lambda: process.cpu_times().user > before + 0.1, "the call in the model")
    predictor.close()
    thread.join(PATIENCE)
    assert refused.is_set()
    assert predictors(os.getpid()) == []


def test_one_that_was_never_started_can_be_closed() -> None:
    SharedPredictor(setup(), deadline=PATIENCE).close()


def test_a_predictor_that_cannot_be_started_for_want_of_descriptors_is_started_later(
    predictor: SharedPredictor,
) -> None:
    (pid,) = predictors(os.getpid())
    with no_descriptors():
        os.kill(pid, signal.SIGKILL)
        for _ in range(3):
            with pytest.raises(Unavailable, match="Too many open files"):
                predictor.label(["a"])
        assert predictor.models() == []
    until(lambda: ready(predictor), "an answer")
    assert predictor.alive()
    assert predictor.models()


def test_a_predictor_that_dies_while_nobody_asks_is_replaced_or_no_longer_named(predictor: SharedPredictor) -> None:
    (pid,) = predictors(os.getpid())
    with no_descriptors():
        os.kill(pid, signal.SIGKILL)
        until(lambda: not predictor.models(), "the models to be known as closed")
    until(predictor.models, "the models")
    assert predictors(os.getpid()) not in ([], [pid])


def test_a_server_follows_an_alias_without_a_restart(tmp_path: Path) -> None:
    registry = Registry(tmp_path, builtin=None)
    texts = ["xxx", "yyy"]
    versions = []
    for labels in (["x", "y"], ["a", "b"]):
        scorer = headrace.compile(
            make_pipeline(CountVectorizer(analyzer="char"), LogisticRegression()).fit(texts, labels)
        )
        versions.append(registry.add("tiny", scorer, Card("tiny", tuple(labels)), alias=None))
    registry.promote(str(versions[0]))
    predictor = SharedPredictor(setup("tiny", registry=str(tmp_path)), deadline=PATIENCE)
    predictor.start()
    try:
        until(lambda: predictor.models() == [str(versions[0])], "the first version")
        with logged() as said, no_descriptors():
            until(lambda: any("Too many open files" in message for message in said), "a look at the registry")
        assert predictor.label(["xxx"])[0]["tiny"].label == "x"
        registry.promote(str(versions[1]))
        until(lambda: predictor.models() == [str(versions[1])], "the second version")
        assert predictor.label(["xxx"])[0]["tiny"].label == "a"
    finally:
        predictor.close()
