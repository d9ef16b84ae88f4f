"""The setting `models`, read into specs."""

import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.adapters import Entry
from headrace.errors import Misconfigured
from headrace.models import card as cards
from headrace.models.alias import Aliases
from headrace.models.card import Card, Rule
from headrace.models.registry import Registry
from headrace.models.spec import ModelSpec, operand, parse, pinned


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


def test_the_url_of_a_classifier_may_be_a_scheme_and_nothing_more() -> None:
    assert parse("mood = vader:, language") == (ModelSpec("mood", url="vader:"), ModelSpec("language", "language"))


@pytest.mark.parametrize(
    "written", ["[sv|da|no]", "[sv,da,no]", " [ sv | da|no ]", "[sv, da, no]"], ids=["bars", "commas", "blanks", "both"]
)
def test_a_model_may_be_restricted_to_labels(written: str) -> None:
    labels = ("sv", "da", "no")
    assert parse(f"language@champion{written}, m") == (
        ModelSpec("language", "language@champion", restriction=labels),
        ModelSpec("m", "m"),
    )
    assert parse(f"m, shadow language{written} if m=x|y")[1] == ModelSpec(
        "language", "language", shadow=True, condition="m", labels=("x", "y"), restriction=labels
    )
    assert parse(f"mood{written} = python:m:C")[0] == ModelSpec("mood", url="python:m:C", restriction=labels)


def registry(folder: Path) -> Registry:
    """A registry of cards alone: `language`, whose challenger lacks a label, and `mood`."""
    rule, sets = Rule(0.5), {"nordic": ("da", "no", "sv")}
    for card in (
        Card("language", ("da", "de", "no", "sv"), "aaaaaa", rule=rule, label_sets=sets),
        Card("language", ("da", "de", "no"), "bbbbbb", rule=rule),
        Card("mood", ("-", "+"), "cccccc"),
    ):
        home = folder / card.name / card.version
        home.mkdir(parents=True)
        (home / cards.FILE).write_bytes(cards.to_json(card))
        alias = "challenger" if card.version == "bbbbbb" else "champion"
        Aliases(home.parent).promote(alias, card.version)
    return Registry(folder, builtin=None)


def test_a_pinned_restriction_has_labels_in_the_order_of_the_card(tmp_path: Path) -> None:
    specs = parse("language[sv|da], shadow language@challenger[no|da], mood if language=da|und|zxx")
    assert [(one.reference, one.restriction) for one in pinned(specs, registry(tmp_path))] == [
        ("language@aaaaaa", ("da", "sv")),
        ("language@bbbbbb", ("da", "no")),
        ("mood@cccccc", ()),
    ]


def test_a_pinned_set_of_labels_is_its_labels(tmp_path: Path) -> None:
    (one,) = pinned(parse("language[nordic]"), registry(tmp_path))
    assert one.restriction == ("da", "no", "sv")


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("language[sv|dk]", "the setting models: language@aaaaaa has no label 'dk'; its labels are da, de, no, sv"),
        ("language[norid]", "did you mean 'nordic'"),
        ("language[sv|und]", "that is what it answers if it names no label"),
        ("language, shadow language@challenger[sv]", "language@bbbbbb has no label 'sv'; "),
        ("language[sv|da], mood if language=sv|de", "lets mood depend on language=de, which language never answers"),
    ],
)
def test_a_restriction_that_a_model_cannot_keep_is_told_when_it_is_pinned(
    tmp_path: Path, setting: str, reason: str
) -> None:
    with pytest.raises(Misconfigured, match=reason):
        pinned(parse(setting), registry(tmp_path))


def test_a_condition_on_a_model_that_is_not_restricted_may_name_any_label(tmp_path: Path) -> None:
    setting = "language, shadow language@challenger[da], mood if language=later"
    assert pinned(parse(setting), registry(tmp_path))[2].labels == ("later",)


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
        ("mood = corenlp", "can't be read"),
        ("mood=corenlp://host:9000/a b", "can't be read"),
        ("../language", "can't be read"),
        ("language[]", "are empty"),
        ("language[sv|sv]", "'sv' is named twice"),
        ("language[sv||da]", "is empty"),
        ("language[sv", "can't be read"),
        ("language sv]", "can't be read"),
        ("[sv]", "can't be read"),
        ("language[sv][da]", "can't be read"),
        ("language[sv], shadow language", "restricts language in two ways"),
        ("language, shadow language[sv]", "restricts language in two ways"),
        ("language[sv], shadow language@champion[da]", "restricts language in two ways"),
        ("mood@x=python:m:C", "can't be read"),
        ("shadow language@x, sentiment if language=en", "which isn't listed before it"),
    ],
)
def test_what_makes_no_sense_is_told(setting: str, reason: str) -> None:
    with pytest.raises(Misconfigured, match=reason):
        parse(setting)


words = st.from_regex(r"x[a-z0-9_.-]{0,8}", fullmatch=True)
urls = st.sampled_from(["", "python:package.module:Class", "corenlp://me:secret@host:9000/x?props=a%2Cb&k=v"])
restrictions = st.lists(st.from_regex(r"x[^\[\]|]{0,8}x", fullmatch=True), min_size=2, max_size=3, unique=True)
labels = st.lists(st.from_regex(r"[^\s,|]{1,8}", fullmatch=True), max_size=3)


@given(words, words, urls, st.booleans(), labels, st.just([]) | restrictions)
def test_every_part_of_an_entry_is_read_whatever_the_others_are(
    name: str, version: str, url: str, shadow: bool, labels: list[str], restriction: list[str]
) -> None:
    only = f"[{'|'.join(restriction)}]" if restriction else ""
    model = f"{name}{only} = {url}" if url else f"{name}@{version}{only}"
    condition = f" if first={'|'.join(labels)}" if labels else ""
    read = parse(f"first, {'shadow ' if shadow else ''}{model}{condition}, last")
    reference = "" if url else f"{name}@{version}"
    wanted = ModelSpec(name, reference, url, shadow, "first" if labels else "", tuple(labels), tuple(restriction))
    assert read == (ModelSpec("first", "first"), wanted, ModelSpec("last", "last"))


def test_specs_travel_as_messagepack() -> None:
    specs = parse("language@3f9c2a[en|de], shadow mood = python:m:C if language=en|de")
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(specs), type=tuple[ModelSpec, ...]) == specs


#: Kinds of classifiers, of which two are known by their scheme alone.
KINDS = {"near": Entry("m", alone="near:"), "mood": Entry("m", alone="mood://host:1"), "own": Entry("m")}


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("language", ModelSpec("language", "language")),
        (" language@challenger ", ModelSpec("language", "language@challenger")),
        ("language[sv|da]", ModelSpec("language", "language", restriction=("sv", "da"))),
        ("near", ModelSpec("near", url="near:")),
        ("near:", ModelSpec("near", url="near:")),
        ("mood", ModelSpec("mood", "mood")),  # the registry has a model of this name
        ("own:package.module:Class", ModelSpec("Class", url="own:package.module:Class")),
        ("own://host:9000/a?b=c,d", ModelSpec("own", url="own://host:9000/a?b=c,d")),
        ("mine = own:m:C", ModelSpec("mine", url="own:m:C")),
        ("unknown:m:C", ModelSpec("C", url="unknown:m:C")),  # refused when it is opened, with the known schemes
    ],
)
def test_an_operand_names_one_model(tmp_path: Path, word: str, meant: ModelSpec) -> None:
    assert operand(word, registry(tmp_path), KINDS) == meant


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("langage", "there is no model 'langage'; did you mean 'language'"),
        ("neer", "did you mean 'near'"),
        ("near@1", "there is no model 'near'"),
        ("own", "own alone names no classifier; write its whole URL, own:…"),
        ("shadow language", "'shadow language' is not a model"),
        ("language if mood=-", "is not a model"),
        ("language, mood", "is not a model"),
        ("mine=near", "or NAME=URL"),
        ("a@b=own:m:C", "is not a model"),
        ("", "'' is not a model"),
        ("language[]", "the operands hold 'language"),
    ],
)
def test_an_operand_that_names_no_model_is_told_with_what_was_perhaps_meant(
    tmp_path: Path, word: str, reason: str
) -> None:
    with pytest.raises(Misconfigured, match=re.escape(reason)):
        operand(word, registry(tmp_path), KINDS)


def test_an_operand_that_cannot_be_read_is_told_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as caught:
        operand("own://user:hush@host/ x", registry(tmp_path), KINDS)
    assert "hush" not in str(caught.value)
