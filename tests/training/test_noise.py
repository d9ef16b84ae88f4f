"""Noise is made from real texts, keeps its kind, and is the same for the same seed."""

import random

import pytest

from headrace.training import noise
from headrace.training.romanising import romanised

TEXTS = {
    "en": ["The ferry leaves at noon", "Nobody has bought the tickets yet"],
    "ru": ["Паром отходит в полдень", "Билеты ещё никто не купил"],
    "el": ["Το φέρι φεύγει το μεσημέρι"],
    "ar": ["تغادر العبارة عند الظهر"],
    "hi": ["नाव दोपहर को चलती है"],
}


def test_each_kind_is_made_of_texts_of_its_script() -> None:
    made = noise.make(TEXTS, ["en"], "latin", 50, 7)
    kinds = {one.kind for one in made}
    assert kinds == {
        "mashed", "ciphered", "shuffled", "mistyped", "misread",
        "romanised cyrillic", "romanised greek", "romanised arabic", "romanised devanagari",
    }  # fmt: skip
    assert all(letter.isascii() for one in made if one.kind == "romanised cyrillic" for letter in one.text)
    assert {one.kind for one in made if one.long_only} == {"ciphered", "shuffled"}
    assert made == noise.make(TEXTS, ["en"], "latin", 50, 7)
    assert made != noise.make(TEXTS, ["en"], "latin", 50, 8)


def test_other_scripts_are_not_romanised_into() -> None:
    assert {one.kind for one in noise.make(TEXTS, ["ru"], "cyrillic", 5, 1)} == {
        "mashed", "ciphered", "shuffled", "mistyped", "misread",
    }  # fmt: skip


def test_letters_that_stand_at_edges_of_words_are_no_sign_of_mash() -> None:
    texts = ["שלום לכם אנשים טובים", "מים חמים מאוד", "הם באים לכאן היום"] * 10
    alphabet = noise.alphabet_of(texts)
    inner = noise.inside_of(texts, alphabet)
    assert set("םן") <= set(alphabet)
    assert not set("םן") & set(inner)
    assert noise.inside_of(["ab ba"], ["a", "b"]) == ["a", "b"]
    words = [noise.mashed(inner, "hebrew")("שלום לכם", random.Random(seed)) for seed in range(40)]
    assert not set("םן") & set("".join(words))


def test_without_texts_there_is_no_noise() -> None:
    assert noise.make({}, [], "latin", 50, 7) == []
    assert noise.make({"de": []}, ["de"], "latin", 50, 7) == []


@pytest.mark.parametrize(
    ("script", "text", "wanted"),
    [
        ("cyrillic", "мама", "mama"),
        ("greek", "καλα", "kala"),
        ("devanagari", "नमस्ते", "namaste"),
        ("devanagari", "काम", "kam"),
    ],
)
def test_texts_are_romanised_as_people_write_them(script: str, text: str, wanted: str) -> None:
    ways = {romanised(script)(text, random.Random(seed)) for seed in range(50)}
    assert wanted in ways


def test_a_mistyped_text_has_the_keys_of_the_other_layout() -> None:
    assert noise.mistyped("cyrillic")("Привет", random.Random(0)) == "ghbdtn"


def test_a_text_can_be_typed_in_latin_letters_on_another_layout_or_read_in_another_encoding() -> None:
    assert noise.typed("greek")("hello", random.Random(0)) == "ηελλο"
    ways = {noise.misread("мир", random.Random(seed)) for seed in range(60)}
    assert {"Ð¼Ð¸Ñ\x80", "ìèð"} <= ways
