"""Languages that are alike come into one family."""

from itertools import pairwise

import numpy as np

from headrace.training.encoder import TextEncoder
from headrace.training.families import families


def test_few_languages_have_a_family_each_and_many_share_with_the_most_alike() -> None:
    encoder = TextEncoder.new()
    texts = {
        "a": ["der hund und die katze schlafen", "und der wald"],
        "b": ["der hund und die katzen schliefen", "und die wälder"],
        "c": ["koira ja kissa nukkuvat", "ja metsä"],
    }
    coded = {}
    for name, some in texts.items():
        codes, bounds = encoder.encode(some)
        coded[name] = [codes[begin:end] for begin, end in pairwise(bounds)]
    assert families(coded, 3) == {"a": "a", "b": "b", "c": "c"}
    assert families(coded, 2) == {"a": "a", "b": "a", "c": "c"}
    assert families({}, 2) == {}
    assert families({**coded, "d": [np.zeros(0, np.uint16)], "e": []}, 9) == {name: name for name in "abcde"}
