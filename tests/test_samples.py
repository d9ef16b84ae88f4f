"""What `headrace demo` feeds itself: written for it, in every language that the default model knows, and some that break rules."""

import json
import unicodedata
from collections import Counter
from importlib.resources import files

import pytest

import headrace
from headrace.documents import Document, decode

LANGUAGES = {
    *("ar", "bg", "ca", "cs", "da", "de", "en", "es", "et", "eu", "fa", "fi", "fr", "he", "hi", "hr", "hu", "id", "it"),
    *(
        "ja",
        "kk",
        "ko",
        "lt",
        "ms",
        "nl",
        "no",
        "pl",
        "pt",
        "ro",
        "ru",
        "sk",
        "sl",
        "sr",
        "sv",
        "tr",
        "uk",
        "vi",
        "war",
    ),
}
EACH = {"posts": 4, "news": 4, "forms": 2}
SHEETS = (*EACH, "feelings", "odd")


def lines(sheet: str) -> list[bytes]:
    """The lines of a file of samples; only a newline ends one, whatever stands inside the texts."""
    data = (files("headrace") / "samples" / f"{sheet}.jsonl").read_bytes()
    assert data.endswith(b"\n")
    return data[:-1].split(b"\n")


def samples(*sheets: str) -> list[Document]:
    return [decode(line) for sheet in sheets for line in lines(sheet)]


@pytest.mark.parametrize("sheet", SHEETS)
def test_every_sample_decodes_and_says_which_sheet_it_is_from(sheet: str) -> None:
    for document in samples(sheet):
        assert document.source == sheet
        assert document.id.startswith(f"{sheet}-")


@pytest.mark.parametrize("sheet", SHEETS)
def test_samples_can_be_read_as_they_stand(sheet: str) -> None:
    """UTF-8 without escapes, and on every line the same members in the same order."""
    for line in lines(sheet):
        members = json.loads(line)
        assert list(members) == ["id", "text", "source", "meta"]
        assert json.dumps(members, ensure_ascii=False).encode() == line


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_every_language_has_its_samples(language: str) -> None:
    found = Counter(sample.source for sample in samples(*EACH) if sample.meta["language"] == language)
    assert found == EACH


def test_no_sample_is_in_a_language_that_is_not_counted() -> None:
    assert {sample.meta["language"] for sample in samples(*EACH)} == LANGUAGES
    assert {sample.meta["language"] for sample in samples("odd")} <= {*LANGUAGES, "und", "zxx"}


def test_there_are_samples_of_every_sentiment_and_the_default_model_tells_them_apart() -> None:
    found = samples("feelings")
    assert {sample.meta["language"] for sample in found} == {"en"}
    assert Counter(sample.meta["sentiment"] for sample in found) == {"positive": 9, "negative": 9, "neutral": 8}
    said = headrace.load("sentiment").predict([sample.text for sample in found])
    right = sum(one.label == sample.meta["sentiment"] for one, sample in zip(said, found, strict=True))
    assert right >= 22


def test_serbian_comes_in_both_scripts() -> None:
    texts = [sample.text for sample in samples(*EACH) if sample.meta["language"] == "sr"]
    scripts = {unicodedata.name(next(filter(str.isupper, text))).split()[0] for text in texts}
    assert scripts == {"CYRILLIC", "LATIN"}


def test_ids_are_unique() -> None:
    assert [name for name, times in Counter(sample.id for sample in samples(*SHEETS)).items() if times > 1] == []


def test_no_text_comes_twice() -> None:
    assert [text for text, times in Counter(sample.text for sample in samples(*SHEETS)).items() if times > 1] == []


def test_ordinary_samples_are_a_sentence_or_two() -> None:
    assert [sample.id for sample in samples(*EACH) if not 40 <= len(sample.text) <= 200] == []


def test_odd_samples_hold_what_ordinary_ones_do_not() -> None:
    """One letter, a page and a half, several lines, and texts without any letter."""
    texts = [sample.text for sample in samples("odd")]
    assert min(map(len, texts)) == 1
    assert max(map(len, texts)) > 1_400
    assert any("\n" in text for text in texts)
    assert any(not any(map(str.isalpha, text)) for text in texts)
