"""Informal text is read as people write it: emoticons, emoji, hashtags, links, mentions, stretched words and negations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.scoring.tokens import reading
from headrace.scoring.tokens.characters import Characters
from headrace.scoring.tokens.escapes import unescape
from headrace.scoring.tokens.reading import CAPITALS, LINK, LONG, MENTION, NEGATED, NEGATION, STOP, TAG, WORD

CHARACTERS = Characters.new()


def plain(text: str) -> str:
    """The text without its escapes."""
    points, out = list(map(ord, text)), [0] * len(text)
    size = unescape(points, 0, len(points), out)
    return "".join(map(chr, out[:size]))


def read(text: str) -> list[tuple[int, str, int]]:
    """Hash, folded text and flags of each token."""
    points = list(map(ord, text))
    folded, tokens = [0] * len(points), [0] * (4 * len(points))
    tables = memoryview(CHARACTERS.kinds), memoryview(CHARACTERS.small)
    count = reading.read(points, len(points), *tables, folded, tokens)
    rows = [tokens[4 * place : 4 * place + 4] for place in range(count)]
    return [(code, "".join(map(chr, folded[begin:end])), flags) for code, begin, end, flags in rows]


def words(text: str) -> list[str]:
    return [folded for _, folded, _ in read(text)]


def flags(text: str) -> list[int]:
    return [one for _, _, one in read(text)]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("a &amp; b &lt;3 &gt; &quot;x&quot; it&#39;s &#x1F600; &apos;", "a & b <3 > \"x\" it's 😀 '"),
        (r"\u002c it\u2019s \ud83d\ude00", ", it’s 😀"),
        (
            r"&bogus; & &; &#; &#x; &#99999999; &amp \u12 \uzzzz \\ \u",
            r"&bogus; & &; &#; &#x; &#99999999; &amp \u12 \uzzzz \\ \u",
        ),
        (r"\ud83d alone", "\ud83d alone"),
    ],
)
def test_escapes_are_what_they_stand_for(written: str, meant: str) -> None:
    assert plain(written) == meant


@given(st.text())
def test_a_text_without_escapes_stays_as_it_is(text: str) -> None:
    if "&" not in text and "\\" not in text:
        assert plain(text) == text


def test_words_are_folded_to_small_letters_and_digits_to_zeros() -> None:
    assert words("Don’t PANIC at 10:45 über_all") == ["don't", "panic", "at", "00", ":", "00", "über_all"]


def test_letters_that_are_repeated_stand_twice_and_are_noted() -> None:
    assert words("soooo good yesssss 1000") == ["soo", "good", "yess", "0000"]
    assert [bool(one & LONG) for one in flags("soooo good yesssss 1000")] == [True, False, True, False]


def test_capitals_are_noted_for_whole_words_of_two_letters_or_more() -> None:
    assert [bool(one & CAPITALS) for one in flags("I am SO Happy OK2")] == [False, False, True, False, True]


@pytest.mark.parametrize("link", ["http://x.y/z", "HTTPS://x.y", "www.x.y", "http"])
def test_links_and_mentions_are_one_token_each(link: str) -> None:
    assert [code for code, _, _ in read(f"see {link} @some_one2 end")][1:3] == [LINK, MENTION]


def test_what_only_begins_like_a_link_is_a_word() -> None:
    assert words("httpd https wwwx @ #") == ["httpd", "https", "wwx", "@", "#"]


def test_a_hashtag_is_its_word_and_is_noted() -> None:
    assert words("#BestDay #1 #") == ["bestday", "0", "#"]
    assert [bool(one & TAG) for one in flags("#BestDay #1 #")] == [True, True, False]


@pytest.mark.parametrize(
    ("written", "same"),
    [(":)", ":-)"), (":((", ":-((("), (":D", ":-d"), ("<3", "<3"), (";)", ";-)"), ("=D", "=d"), (":P", ":p")],
)
def test_emoticons_are_one_token_with_or_without_a_nose(written: str, same: str) -> None:
    ((one, _, _),), ((other, _, _),) = read(written), read(same)
    assert one == other


def test_each_emoji_is_a_token_and_colours_of_skin_do_not_count() -> None:
    assert [code for code, _, _ in read("👍🏽😂️")] == [code for code, _, _ in read("👍 😂")]
    assert len({code for code, _, _ in read("👍😂😭❤")}) == 4


def test_a_negation_reaches_to_the_next_stop() -> None:
    found = read("I do not like this at all. Fine")
    assert [folded for _, folded, one in found if one & NEGATION] == ["not"]
    assert [folded for _, folded, one in found if one & NEGATED] == ["like", "this", "at", "all"]
    assert [folded for _, folded, one in found if one & STOP] == ["."]


@pytest.mark.parametrize("word", ["don't", "don’t", "can't", "never", "NO", "dont", "isn't"])
def test_words_that_negate_are_known_however_they_are_written(word: str) -> None:
    assert flags(word)[0] & NEGATION


def test_an_emoticon_does_not_end_a_negation() -> None:
    assert [bool(one & NEGATED) for one in flags("not :) good , bad")] == [False, True, True, False, False]


@given(st.text(st.characters()))
def test_any_text_can_be_read(text: str) -> None:
    for _, folded, one in read(text):
        assert one & WORD == 0 or folded


def test_the_tables_of_characters_are_saved_in_short() -> None:
    arrays = CHARACTERS.arrays()
    back = Characters.from_arrays(**arrays)
    np.testing.assert_array_equal(back.kinds, CHARACTERS.kinds)
    np.testing.assert_array_equal(back.small, CHARACTERS.small)
    assert sum(one.nbytes for one in arrays.values()) < 40_000
    with pytest.raises(ValueError, match="don't fit together"):
        Characters.from_arrays(**{**arrays, "kinds": arrays["kinds"][1:]})
