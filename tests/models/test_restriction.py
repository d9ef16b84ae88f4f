"""Restrictions as people write them, and what is said of those that make no sense."""

from typing import Any

import pytest

from headrace.errors import Misconfigured
from headrace.models.card import Rule
from headrace.models.restriction import check, choose, restricted_name, split

LABELS = ("da", "de", "no", "sv")
SETS = {"nordic": ("da", "no", "sv"), "west": ("de", "nl")}


def chosen(*labels: str) -> tuple[str, ...]:
    return choose(labels, of="language@3f9c2a", known=LABELS, sets=SETS, rule=Rule(0.5))


@pytest.mark.parametrize("written", ["sv|da|not spam", "sv, da,not spam", " sv |da| not spam "])
def test_labels_are_separated_by_commas_or_bars_and_lose_the_blanks_around_them(written: str) -> None:
    assert split(written) == ("sv", "da", "not spam")


def test_a_label_may_hold_commas_if_bars_separate() -> None:
    assert split("billing, refund|other") == ("billing, refund", "other")


def test_labels_are_chosen_in_the_order_of_the_model_whatever_theirs_is() -> None:
    assert chosen("sv", "da") == chosen("da", "sv") == ("da", "sv")


def test_a_set_stands_for_its_labels_beside_others() -> None:
    assert chosen("nordic") == ("da", "no", "sv")
    assert chosen("de", "nordic", "sv") == LABELS


def test_of_a_set_those_labels_count_that_the_model_has() -> None:
    assert chosen("west") == ("de",)


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ([], "are empty; name at least one"),
        ([""], "are empty; name at least one"),
        (["sv", ""], "one of the labels 'sv, ' is empty"),
        (["sv", "da", "sv"], "'sv' is named twice"),
        (["sv", 1], "not a string"),
        ("sv", "put it in a list"),
        (True, "takes a list of labels, and got True"),
    ],
)
def test_what_names_no_labels_or_one_twice_is_refused(labels: Any, reason: str) -> None:
    with pytest.raises(Misconfigured, match=reason):
        check(labels)


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ("xx", "language@3f9c2a has no label 'xx'; its labels are da, de, no, sv; its sets of labels are nordic, west"),
        ("SV", "did you mean 'sv'"),
        ("nordc", "did you mean 'nordic'"),
        ("nb", "did you mean 'no'"),
        ("nn-NO", "did you mean 'no'"),
        ("de_AT", "did you mean 'de'"),
        ("da no", "did you mean several labels, da,no"),
        ("da; nordic", "did you mean several labels, da,nordic"),
        ("und", "can't be restricted to 'und': that is what it answers if it names no label"),
        ("zxx", "can't be restricted to 'zxx'"),
    ],
)
def test_an_unknown_label_is_told_with_those_that_there_are(label: str, reason: str) -> None:
    with pytest.raises(Misconfigured, match=reason):
        chosen("sv", label)


def test_a_model_that_has_a_label_called_und_can_be_restricted_to_it() -> None:
    assert choose(["und"], of="m", known=["und", "x"], sets={}, rule=Rule(0.5)) == ("und",)


def test_a_set_of_which_nothing_is_left_is_told() -> None:
    with pytest.raises(Misconfigured, match="none of the labels of the set 'west'; its labels are da, sv"):
        choose(["west"], of="language[da|sv]", known=["da", "sv"], sets=SETS, rule=None)


def test_a_restricted_model_is_named_by_its_first_labels() -> None:
    assert restricted_name("language", ("da", "sv")) == "language[da|sv]"
    assert restricted_name("m", tuple("abcdefghijk")) == "m[a|b|c|d|e|f|g|h|… 11 labels]"
