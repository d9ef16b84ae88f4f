"""A teacher learns from few texts, and says what it thinks of others. It needs PyTorch, which `bash .ci/run --all` installs."""

import builtins
import importlib.util
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from headrace.errors import Misconfigured
from headrace.training.datasets import Row
from headrace.training.teacher import PACKAGE, Teacher, plain

HERE = importlib.util.find_spec("torch") is not None and importlib.util.find_spec(PACKAGE) is not None
GOOD = ("lovely", "happy", "great", "wonderful", "best")
BAD = ("awful", "sad", "broken", "terrible", "worst")


def rows(number: int, source: str = "posts") -> list[Row]:
    chance = random.Random(source)
    words = {"negative": BAD, "positive": GOOD}
    labels = [("negative", "positive")[place % 2] for place in range(number)]
    return [
        Row(f"a {chance.choice(words[label])} day at {chance.choice('abcdefgh')}", label, source) for label in labels
    ]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("so good :D <3 @you", "so good  smiley face   heart  @user"),
        ("#BestDay_ever it&#39;s \\u2019 sooooo", "# Best Day ever it's ’ sooo"),
        ("😍 http://x.y/z", " smiling face with heart-shaped eyes  http"),
    ],
)
def test_signs_are_read_by_their_names(text: str, read: str) -> None:
    assert plain(text) == read


def test_a_teacher_without_its_libraries_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    plain_import: Callable[..., Any] = builtins.__import__

    def refuse(name: str, *rest: Any, **named: Any) -> Any:
        if name == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return plain_import(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(Misconfigured, match=r"needs torch: pip install 'headrace\[teacher\]'"):
        Teacher.learn(rows(10))


@pytest.mark.skipif(not HERE, reason="PyTorch takes gigabytes: pip install 'headrace[teacher]', or bash .ci/run --all")
def test_a_teacher_learns_from_a_few_texts_and_from_other_sources() -> None:
    steps: list[tuple[str, int, int]] = []
    teacher = Teacher.learn(rows(400), [rows(60, "reviews"), []], progress=lambda *step: steps.append(step))
    said = teacher.probabilities(["what a wonderful, lovely day", "this is terrible and sad", ""])
    assert teacher.labels == ("negative", "positive")
    assert said.dtype == np.float32
    np.testing.assert_allclose(said.sum(axis=1), 1, atol=1e-5)
    assert said[0, 1] > 0.5 > said[1, 1]
    assert steps[-1] == ("the teacher learns", 993, 993)
