"""The setting `models`, read into specs."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.errors import Misconfigured
from headrace.models.spec import ModelSpec, parse


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
    assert parse("mood = python:package.module:Class") == (ModelSpec("mood", url="python:package.module:Class"),)
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
        ("mood = corenlp:", "can't be read"),
        ("mood=corenlp://host:9000/a b", "can't be read"),
        ("../language", "can't be read"),
        ("shadow language@x, sentiment if language=en", "which isn't listed before it"),
    ],
)
def test_what_makes_no_sense_is_told(setting: str, reason: str) -> None:
    with pytest.raises(Misconfigured, match=reason):
        parse(setting)


words = st.from_regex(r"x[a-z0-9_.-]{0,8}", fullmatch=True)
urls = st.sampled_from(["", "python:package.module:Class", "corenlp://me:secret@host:9000/x?props=a%2Cb&k=v"])
labels = st.lists(st.from_regex(r"[^\s,|]{1,8}", fullmatch=True), max_size=3)


@given(words, words, urls, st.booleans(), labels)
def test_every_part_of_an_entry_is_read_whatever_the_others_are(
    name: str, version: str, url: str, shadow: bool, labels: list[str]
) -> None:
    model = f"{name} = {url}" if url else f"{name}@{version}"
    condition = f" if first={'|'.join(labels)}" if labels else ""
    read = parse(f"first, {'shadow ' if shadow else ''}{model}{condition}, last")
    reference = "" if url else f"{name}@{version}"
    wanted = ModelSpec(name, reference, url, shadow, "first" if labels else "", tuple(labels))
    assert read == (ModelSpec("first", "first"), wanted, ModelSpec("last", "last"))


def test_specs_travel_as_messagepack() -> None:
    specs = parse("language@3f9c2a, shadow mood = python:m:C if language=en|de")
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(specs), type=tuple[ModelSpec, ...]) == specs
