"""The setting `models`, read and written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.errors import Misconfigured
from headrace.models.spec import ModelSpec, parse, pinned, write


def test_a_name_an_alias_and_a_version_are_references() -> None:
    assert parse("language") == (ModelSpec("language", "language"),)
    assert parse("language@challenger") == (ModelSpec("language", "language@challenger"),)
    assert parse(" language@3f9c2a , ") == (ModelSpec("language", "language@3f9c2a"),)


def test_a_condition_names_a_model_before_it_and_its_labels() -> None:
    served = parse("language, sentiment if language=en|de")
    assert served[1] == ModelSpec("sentiment", "sentiment", condition="language", labels=("en", "de"))


def test_a_shadow_may_be_another_version_of_what_answers() -> None:
    assert parse("language, shadow language@challenger")[1] == ModelSpec("language", "language@challenger", shadow=True)


def test_a_classifier_of_ones_own_has_a_name_of_ones_own() -> None:
    assert parse("mood = python:package.module:Class") == (ModelSpec("mood", own="package.module:Class"),)
    assert parse("shadow mood=python:m:C if language=en, language".partition(", ")[2]) == (
        ModelSpec("language", "language"),
    )


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("", "names no model that answers"),
        (" , ", "names no model that answers"),
        ("shadow language", "names no model that answers"),
        ("language, language@challenger", "names language twice"),
        ("language, mood=python:m:C, mood=python:m:D", "names mood twice"),
        ("sentiment if language=en, language", "depend on language, which isn't listed before it"),
        ("language, sentiment if language", "can't be read"),
        ("language and sentiment", "can't be read"),
        ("python:module:Class", "can't be read"),
        ("mood=python:module", "can't be read"),
        ("../language", "can't be read"),
        ("shadow language@x, sentiment if language=en", "which isn't listed before it"),
    ],
)
def test_what_makes_no_sense_is_told(setting: str, reason: str) -> None:
    with pytest.raises(Misconfigured, match=reason):
        parse(setting)


words = st.from_regex(r"[a-z][a-z0-9_.-]{0,8}", fullmatch=True)
entries = st.builds(
    lambda name, version, own, shadow: ModelSpec(name, "" if own else f"{name}@{version}", own, shadow),
    words,
    words,
    st.just("") | st.just("package.module:Class"),
    st.booleans(),
)


@given(st.lists(entries, max_size=4), words, st.lists(words, min_size=1, max_size=3))
def test_what_is_written_is_read_as_the_same(some: list[ModelSpec], first: str, labels: list[str]) -> None:
    answering = {first}
    kept = [ModelSpec(first, first)]
    for one in some:
        if one.shadow or one.name not in answering:
            kept.append(one)
            answering |= set() if one.shadow else {one.name}
    kept.append(ModelSpec("the.last", "the.last@1", condition=first, labels=tuple(labels)))
    assert parse(write(kept)) == tuple(kept)


def test_a_pinned_model_keeps_its_name_and_its_condition() -> None:
    served = parse("language, shadow sentiment if language=en")[1]
    assert write([pinned(served, "sentiment@3f9c2a")]) == "shadow sentiment@3f9c2a if language=en"
