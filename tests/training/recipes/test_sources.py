"""The public data that the language recipe knows: each source has a home and a licence."""

import os
from pathlib import Path

import pytest

from headrace.training.files import find, stem
from headrace.training.recipes.language import public_sources

DATA = Path(__file__).parents[4] / "shared" / "data" / "language"


def test_each_source_says_where_it_is_from_and_under_which_licence() -> None:
    sources = public_sources()
    assert all(set(one) == {"home", "licence"} and all(one.values()) for one in sources.values())
    assert list(sources) == sorted(sources), "they are in alphabetical order, so that one finds them"


@pytest.mark.skipif(not DATA.is_dir() and os.environ.get("CI") != "true", reason=f"the texts are not at {DATA}")
def test_each_file_and_word_list_that_the_model_is_trained_on_is_known() -> None:
    texts = {stem(path) for path in find([DATA / "train", DATA / "more", DATA / "further"])}
    lists = {path.parent.name for folder in ("words", "further/words") for path in (DATA / folder).glob("*/*.txt.gz")}
    assert texts | lists <= set(public_sources())
