"""Texts joined and told apart again, and the three classes made of five."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.corenlp_server import sentences as as_json
from support.corenlp_server import units

from headrace.documents import Prediction
from headrace.errors import Rejected
from headrace.models.corenlp.sentences import (
    SEPARATOR,
    UNKNOWN,
    Sentence,
    Token,
    by_text,
    folded,
    joined,
    read,
    spans,
    stripped,
)

WORDS = st.text("ab 😀é.!\n\r\t<>", max_size=12).map(stripped).filter(bool)


def sentence(begin: int, end: int, *shares: float, tokens: int = 1) -> Sentence:
    """A sentence of so many tokens."""
    return Sentence([Token(begin, begin + 1)] * (tokens - 1) + [Token(begin, end)], list(shares) or None)


@given(st.lists(WORDS, min_size=1, max_size=6))
def test_every_text_lies_at_its_span_counted_in_utf_16(texts: list[str]) -> None:
    data = joined(texts).encode("utf-16-le")
    assert [data[2 * begin : 2 * end].decode("utf-16-le") for begin, end in spans(texts)] == texts


@given(st.lists(WORDS, min_size=1, max_size=6))
def test_the_sentences_of_a_text_in_company_are_those_of_the_text_alone(texts: list[str]) -> None:
    """If they are not, because a token goes on in the next text, it is to be asked about alone."""
    answered = read(json.dumps({"sentences": as_json(joined(texts), 0.0)})).sentences
    for number, (text, found) in enumerate(zip(texts, by_text(answered, texts), strict=True)):
        if found is not None:
            begin = spans(texts)[number][0]
            alone = read(json.dumps({"sentences": as_json(text, 0.0)})).sentences
            assert [(one.tokens[0].character_offset_begin - begin, len(one.tokens)) for one in found] == [
                (one.tokens[0].character_offset_begin, len(one.tokens)) for one in alone
            ]


def test_a_text_that_goes_on_in_the_next_one_is_to_be_asked_about_alone_and_so_is_one_without_a_sentence() -> None:
    texts = ["a <b", "c> d", "e", "\a"]
    ends = [end for _, end in spans(texts)]
    assert ends[0] == 4
    found = by_text([sentence(0, ends[1], 1, 0, 0, 0, 0), sentence(ends[2] - 1, ends[2], 1, 0, 0, 0, 0)], texts)
    assert [one is None for one in found] == [True, True, False, True]


@pytest.mark.parametrize(("begin", "end"), [(-1, 1), (3, 2), (9, 99), (40, 41)])
def test_a_sentence_where_no_text_is_is_rejected(begin: int, end: int) -> None:
    with pytest.raises(Rejected, match="where no text is"):
        by_text([sentence(begin, end, 1, 0, 0, 0, 0)], ["ab", "cd"])


def test_five_classes_are_folded_to_three() -> None:
    assert folded([sentence(0, 1, 0.3, 0.3, 0.2, 0.1, 0.1)]) == Prediction("negative", pytest.approx(0.6))
    assert folded([sentence(0, 1, 0.1, 0.1, 0.2, 0.3, 0.3)]) == Prediction("positive", pytest.approx(0.6))
    assert folded([sentence(0, 1, 0.1, 0.1, 0.6, 0.1, 0.1)]) == Prediction("neutral", pytest.approx(0.6))


def test_sentences_count_by_their_tokens_and_one_without_a_sentiment_not_at_all() -> None:
    short, long = sentence(0, 1, 1, 0, 0, 0, 0), sentence(2, 9, 0, 0, 0, 0, 1, tokens=3)
    assert folded([short, long, sentence(10, 11, tokens=50)]) == Prediction("positive", pytest.approx(0.75))


def test_a_text_of_which_nothing_is_known_is_neutral_by_a_third() -> None:
    assert folded([]) == folded([sentence(0, 1)]) == UNKNOWN == Prediction("neutral", 1 / 3)


@pytest.mark.parametrize("shares", [[0.2] * 4, [0.0] * 5, [-1.0, 1, 1, 1, 1], [float("inf"), 0, 0, 0, 0]])
def test_what_is_no_distribution_is_rejected(shares: list[float]) -> None:
    with pytest.raises(Rejected, match="probabilities of five classes"):
        folded([sentence(0, 1, *shares)])


def test_what_a_server_might_cut_off_a_request_is_not_sent() -> None:
    assert stripped("\x01\n a 😀\u3000\n") == "a 😀"
    assert stripped(" \u3000\r\n") == ""
    assert units(joined(["😀"])) == 2 + len(SEPARATOR)
