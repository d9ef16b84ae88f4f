"""Cuts of held-out texts: pieces of the text, the same every time."""

import pytest

from headrace.training.datasets import Row
from headrace.training.recipes import cuts

SENTENCE = "Tomorrow we shall walk along the river to the old mill"


@pytest.mark.parametrize("cut", [cuts.one_word, cuts.two_words, cuts.twenty_characters])
@pytest.mark.parametrize(
    "text", [SENTENCE, "フェリーは正午に出ますが、まだ誰も切符を買っていません。", "ok", "...", "1 2"]
)
def test_pieces_are_cut_from_the_text_and_are_the_same_every_time(cut, text):
    row = Row(text, "en", "s")
    (piece,) = cuts.cut_rows([row], cut, 0)
    assert piece.text in text
    assert piece.text.strip()
    assert cuts.cut_rows([row], cut, 0) == [piece]
    assert len(piece.text) <= max(20, len(text) // 2)


def test_one_word_is_a_single_one_and_two_words_are_neighbours():
    for seed in range(20):
        row = Row(SENTENCE, "en", "s")
        assert len(cuts.cut_rows([row], cuts.one_word, seed)[0].text.split()) == 1
        pair = cuts.cut_rows([row], cuts.two_words, seed)[0].text
        assert len(pair.split()) == 2
        assert f" {pair} " in f" {SENTENCE} "
