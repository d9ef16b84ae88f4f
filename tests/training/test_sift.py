"""Sifting keeps of each text the words of the script that most of its letters are of."""

import numpy as np
import pytest

from headrace.scoring.hashed import scripts
from headrace.training.encoder import TextEncoder
from headrace.training.sift import sift

NAMES = ("latin", "cyrillic", "east asian")


@pytest.mark.parametrize(
    ("text", "script", "words"),
    [
        ("Guten Morgen", "latin", "guten morgen"),
        ("привет hello мир", "cyrillic", "привет мир"),
        ("смотрю YouTube", "cyrillic", "смотрю"),
        ("we say да here", "latin", "we say here"),
        ("Twitterで読む", "east asian", "で読む"),
        ("l'été", "latin", "l'été"),
        ("aбb cd ef", "latin", "a b cd ef"),
        ("12 345", "", ""),
        ("ᚠᚢᚦ ᚨᚱᚲ a", "", ""),
    ],
)
def test_the_words_of_the_main_script_are_left(text: str, script: str, words: str) -> None:
    encoder = TextEncoder.new()
    table, masses = scripts.group_table(encoder.letters, NAMES), scripts.mass_table(NAMES)
    sifted = sift(*encoder.encode(["Vorher", text, "danach"]), table, masses)
    group = int(sifted.groups[1])
    assert (["", *NAMES][group]) == script
    if group:
        chosen, codes, bounds = sifted.of_group(group)
        place = chosen.tolist().index(1)
        assert "".join(map(chr, codes[bounds[place] : bounds[place + 1]])).strip("\1").replace("\1", " ") == words


def test_no_texts_are_sifted_to_none() -> None:
    encoder = TextEncoder.new()
    sifted = sift(*encoder.encode([]), scripts.group_table(encoder.letters, NAMES), scripts.mass_table(NAMES))
    assert [len(part) for part in sifted.of_group(1)] == [0, 0, 1]
    assert np.array_equal(sifted.bounds, [0])
