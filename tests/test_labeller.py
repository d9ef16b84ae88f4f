"""Predictions at once: one predictor, many threads, each answered with its own."""

import os
import signal
import threading
from collections.abc import Iterator

import psutil
import pytest
from support import FAULTY, PATIENCE, predictors, setup, until

from headrace.documents import Prediction
from headrace.errors import Rejected, Unavailable
from headrace.labeller import Labeller

TRIVIAL = "size=python:headrace.testing.classifiers:Trivial"


@pytest.fixture
def labeller() -> Iterator[Labeller]:
    made = Labeller(setup(f"{TRIVIAL}, {FAULTY}"), deadline=PATIENCE)
    made.start()
    until(made.models, "the models")
    until(lambda: ready(made), "the first answer")
    yield made
    made.close()
    made.close()
    assert predictors(os.getpid()) == []


def ready(labeller: Labeller) -> bool:
    try:
        return bool(labeller.label(["a"]))
    except Unavailable:
        return False


def test_texts_are_answered_in_order_by_every_model(labeller: Labeller) -> None:
    found = labeller.label(["a", "long " * 30])
    assert [one["size"].label for one in found] == ["short", "long"]
    assert found[0] == {"size": Prediction("short", 1.0, "size@aaaaaa"), "fake": Prediction("fine", 0.5, "fake@bbbbbb")}
    assert labeller.models() == ["size@aaaaaa", "fake@bbbbbb"]
    assert labeller.label([]) == []
    assert labeller.top("a", 3)["size"] == [Prediction("short", 1.0, "size@aaaaaa")]


def test_many_threads_get_each_their_own_answers(labeller: Labeller) -> None:
    wrong: list[object] = []

    def ask(number: int) -> None:
        for turn in range(20):
            texts = ["long " * 30 if (number + turn + place) % 2 else "a" for place in range(number)]
            wanted = ["long" if len(text) > 100 else "short" for text in texts]
            if (got := [one["size"].label for one in labeller.label(texts)]) != wanted:
                wrong.append((got, wanted))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert wrong == []


@pytest.mark.parametrize("fault", ["RAISE", "KILL"])
def test_only_whose_text_fails_is_rejected(labeller: Labeller, fault: str) -> None:
    failed: list[int] = []
    answered: list[int] = []

    def ask(number: int) -> None:
        try:
            labeller.label([f"{fault} {number}" if number == 2 else "a"])
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


def test_a_predictor_that_is_killed_is_replaced(labeller: Labeller) -> None:
    (pid,) = predictors(os.getpid())
    os.kill(pid, signal.SIGKILL)
    assert labeller.label(["a"])[0]["fake"].label == "fine"


def test_a_remote_model_that_is_away_is_unavailable(labeller: Labeller) -> None:
    with pytest.raises(Unavailable, match="the remote model is away"):
        labeller.label(["UNAVAILABLE a"])
    assert labeller.label(["a"])


def test_while_the_models_are_being_opened_or_are_broken_it_says_so() -> None:
    labeller = Labeller(setup("fake=python:headrace.testing.classifiers:Refusing"), deadline=PATIENCE)
    with pytest.raises(Unavailable, match="the models are being opened"):
        labeller.label(["a"])
    assert labeller.models() == []
    labeller.start()

    def told() -> str:
        try:
            labeller.label(["a"])
        except Unavailable as error:
            return str(error) if "broken" in str(error) else ""
        return ""

    assert "fake@dddddd is broken" in until(told, "the reason")
    labeller.close()
    with pytest.raises(Unavailable, match="stopping"):
        labeller.label(["a"])


def test_closing_ends_a_call_that_never_ends() -> None:
    labeller = Labeller(setup(), deadline=PATIENCE)
    labeller.start()
    until(lambda: ready(labeller), "the first answer")
    refused = threading.Event()

    def ask() -> None:
        try:
            labeller.label(["SPIN a"])
        except Unavailable:
            refused.set()

    thread = threading.Thread(target=ask)
    (predictor,) = map(psutil.Process, predictors(os.getpid()))
    before = predictor.cpu_times().user
    thread.start()
    until(lambda: predictor.cpu_times().user > before + 0.1, "the call in the model")
    labeller.close()
    thread.join(PATIENCE)
    assert refused.is_set()
    assert predictors(os.getpid()) == []


def test_one_that_was_never_started_can_be_closed() -> None:
    Labeller(setup(), deadline=PATIENCE).close()
