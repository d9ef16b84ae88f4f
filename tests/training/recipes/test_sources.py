"""The public data that the recipes of the default models know: each source has a home and a licence."""

import os
from pathlib import Path

import pytest

from headrace.training.files import find, stem
from headrace.training.recipes.sources import public_sources

DATA = Path(__file__).parents[4] / "shared" / "data"
HERE = pytest.mark.skipif(not DATA.is_dir() and os.environ.get("CI") != "true", reason=f"the texts are not at {DATA}")


@pytest.mark.parametrize("task", ["language", "sentiment"])
def test_each_source_says_where_it_is_from_and_under_which_licence(task: str) -> None:
    sources = public_sources(task)
    assert all(set(one) == {"home", "licence"} and all(one.values()) for one in sources.values())
    assert list(sources) == sorted(sources), "they are in alphabetical order, so that one finds them"


@HERE
def test_each_file_and_word_list_that_the_language_model_is_trained_on_is_known() -> None:
    data = DATA / "language"
    texts = {stem(path) for path in find([data / "train", data / "more", data / "further"])}
    lists = {path.parent.name for folder in ("words", "further/words") for path in (data / folder).glob("*/*.txt.gz")}
    assert texts | lists <= set(public_sources("language"))


@HERE
def test_each_file_that_the_sentiment_model_is_trained_on_is_known() -> None:
    assert {stem(path) for path in find([DATA / "sentiment" / "train"])} <= set(public_sources("sentiment"))
