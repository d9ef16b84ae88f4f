"""Spans of mixed texts: offsets, labels and scores, and what texts of one language or of none give."""

from collections.abc import Callable
from typing import Any

import pytest
from support.tabled import TabledScorer

import headrace
from headrace.documents import Prediction
from headrace.errors import Misconfigured, Rejected
from headrace.models.card import Card, Rule
from headrace.models.model import Model
from headrace.models.spans import label_stretches
from headrace.ports import VersionRef
from headrace.spans import Span


@pytest.fixture(scope="module")
def language() -> Model:
    return headrace.load("language")


def texts_of(spans: list[Span]) -> list[tuple[str, str]]:
    return [(one.label, one.text) for one in spans]


@pytest.mark.parametrize(
    "parts",
    [
        [("sv", "Vad är klockan nu?"), ("en", "What time is it now?"), ("ru", "Который сейчас час?")],
        [("de", "Wir haben heute 😀 viel gelacht!"), ("fr", "Nous avons beaucoup ri aujourd’hui 👨‍👩‍👧.")],
        [("en", "They told us about 𝒳 and \U00020bb7 yesterday,"), ("pl", "potem wszyscy poszliśmy do domu.")],
        [
            ("fr", "L’e\u0301te\u0301 dernier, nous e\u0301tions a\u0300 la mer."),
            ("en", "We were at the sea last summer."),
        ],
        [("ar", "أين تقع المكتبة العامة من فضلك؟"), ("en", "Where is the public library, please?")],
        [("de", "Sie sagte mir gestern Abend:"), ("es", "¿Quieres venir mañana con nosotros a la playa?")],
        [
            ("en", "He wrote only two words,"),
            ("ko", "오늘 날씨가 정말 좋네요"),
            ("en", "and nobody of us could read them."),
        ],
    ],
    ids=lambda parts: "+".join(label for label, _ in parts),
)
def test_each_part_of_a_mixed_text_is_one_span_with_its_place(language: Model, parts: list[tuple[str, str]]) -> None:
    text = " ".join(part for _, part in parts)
    spans = language.spans(text)
    assert texts_of(spans) == parts
    for one in spans:
        assert text[one.begin : one.end] == one.text
        assert one.model == f"{language.name}@{language.version}"


def test_languages_change_within_a_line_without_blanks(language: Model) -> None:
    text = "Сегодня очень хорошая погода.今日はとても天気がいいですね。오늘 날씨가 정말 좋네요."
    assert [one.label for one in language.spans(text)] == ["ru", "ja", "ko"]
    assert "".join(one.text for one in language.spans(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "Der Preis beträgt 5,50 € (inkl. MwSt.), sagte Jeff Bezos am Montag in New York.",
        "Я купил новый iPhone в магазине на прошлой неделе",
        "昨日Pythonでプログラムを書きました。",
        "  Hej, hur mår du idag? 😀\n",
    ],
)
def test_a_text_of_one_language_is_one_span_as_predict_labels_it(language: Model, text: str) -> None:
    (span,) = language.spans(text)
    (known,) = language.predict([text])
    assert (span.label, span.score, span.model) == (known.label, known.score, known.model)
    assert span.text == text.strip() == text[span.begin : span.end]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "<p>Vad är klockan nu?</p><p>What time is it <b>now</b>?</p>",
            [("sv", "Vad är klockan nu?"), ("en", "What time is it <b>now</b>?")],
        ),
        (
            "[b]Wann kommst du[/b] heute nach Hause https://example.org/a and when will you call me?",
            [("de", "Wann kommst du[/b] heute nach Hause"), ("en", "and when will you call me?")],
        ),
        (
            "Hej {name}, du har {count} nya meddelanden. Hello {name}, you have {count} new messages.",
            [
                ("sv", "Hej {name}, du har {count} nya meddelanden."),
                ("en", "Hello {name}, you have {count} new messages."),
            ],
        ),
        (
            "Das war gestern in einem sch&ouml;nen H&auml;uschen and now we are going home again",
            [("de", "Das war gestern in einem sch&ouml;nen H&auml;uschen"), ("en", "and now we are going home again")],
        ),
        (
            "FÃ¼r spÃ¤ter viele GrÃ¼ÃŸe aus KÃ¶ln! And many thanks to all of you.",
            [("de", "FÃ¼r spÃ¤ter viele GrÃ¼ÃŸe aus KÃ¶ln!"), ("en", "And many thanks to all of you.")],
        ),
        (
            "𝗧𝗵𝗲 𝗽𝗿𝗲𝘀𝗶𝗱𝗲𝗻𝘁 has spoken to us today. Presidenten har talat till oss idag.",
            [("en", "𝗧𝗵𝗲 𝗽𝗿𝗲𝘀𝗶𝗱𝗲𝗻𝘁 has spoken to us today."), ("sv", "Presidenten har talat till oss idag.")],
        ),
    ],
    ids=["html", "bbcode", "template", "entity", "mojibake", "styled"],
)
def test_spans_have_their_places_in_the_text_as_it_was_given(
    language: Model, text: str, parts: list[tuple[str, str]]
) -> None:
    spans = language.spans(text)
    assert texts_of(spans) == parts
    assert all(text[one.begin : one.end] == one.text for one in spans)


@pytest.mark.parametrize("text", ["", " ", "12:30", "😀 🇩🇪", "https://example.org/a", "print('hello world')"])
def test_a_text_without_any_language_has_no_span(language: Model, text: str) -> None:
    assert language.spans(text) == language.spans(text, threshold=0) == []


def test_a_text_in_letters_that_the_model_does_not_know_is_one_span_as_predict_labels_it(language: Model) -> None:
    text = " ᚠᚢᚦᚨᚱᚲ ᛏᛁᚹᚨᛉ ᛒᛖᚱᚲᚨᚾᚨ\n"
    (span,) = language.spans(text)
    (known,) = language.predict([text])
    assert (span.label, span.score) == (known.label, known.score)
    assert (span.label, span.text) == ("und", text.strip())


@pytest.mark.parametrize("text", [5, None, b"Hej p\xc3\xa5 dig"])
def test_only_strings_have_spans(language: Model, text: Any) -> None:
    texts: list[Any] = ["Hej", text]
    with pytest.raises(
        Rejected, match=f"text 1 can't have spans: it is not a string but of type {type(text).__name__}"
    ):
        language.spans(texts)


def test_each_span_is_labelled_as_a_text_of_its_own_and_by_the_same_threshold(language: Model) -> None:
    text = "Vad är klockan nu? What time is it now?"
    for threshold in (None, 0, 0.9):
        spans = language.spans(text, threshold=threshold)
        known = language.predict([one.text for one in spans], threshold=threshold)
        assert [Prediction(one.label, one.score, one.model) for one in spans] == known
    assert texts_of(language.spans(text, threshold=1)) == [("und", text)]


def test_a_restricted_model_names_only_its_labels_and_what_is_in_none_of_them_is_unknown(language: Model) -> None:
    text = "Vad är klockan nu, min vän? Который сейчас час, мой друг? What time is it now, my friend?"
    restricted = language.restricted(["sv", "en"])
    assert [one.label for one in restricted.spans(text)] == ["sv", "und", "en"]
    assert restricted.spans(text) == language.spans(text, labels=["sv", "en"])
    assert [one.label for one in language.spans(text, labels=["sv"])] == ["sv", "und"]
    (span,) = language.spans(text, labels=["sv"], threshold=0)
    assert (span.label, span.text) == ("sv", text)
    assert language.spans([text, "12"], labels=["ru"], threshold=0)[1] == []


def test_several_texts_have_the_spans_that_each_has_alone(language: Model) -> None:
    texts = ["Vad är klockan nu? What time is it now?", "", "Guten Morgen, wie geht es dir?"]
    assert language.spans(texts) == [language.spans(text) for text in texts] == language.spans(iter(texts))
    assert language.spans([]) == []


def test_a_long_text_has_the_spans_of_its_parts(language: Model) -> None:
    parts = ["Vad är klockan nu, och när kommer ni hem? " * 120, "What time is it now, and when will you come? " * 120]
    spans = language.spans("".join(parts * 2))
    assert texts_of(spans) == [("sv", parts[0].strip()), ("en", parts[1].strip())] * 2


def test_a_model_that_cannot_find_spans_says_so() -> None:
    scorer = TabledScorer(["de", "sv"], {})
    made = Model(VersionRef("mood", "3f9c2a"), Card("mood", scorer.labels, rule=Rule(0.5)), scorer)
    with pytest.raises(Misconfigured, match="model mood@3f9c2a can't find spans"):
        made.spans("text")


def by(labels: dict[str, str]) -> Callable[[list[str]], list[Prediction]]:
    """Predicts what the table says; the score tells how long the text is."""
    return lambda texts: [Prediction(labels[text], len(text) / 100, "m@1") for text in texts]


def test_neighbours_with_the_same_label_are_joined_and_labelled_once_more() -> None:
    known = by({"aa": "sv", "bbb": "sv", "c": "en", "aa bbb": "da"})
    (spans,) = label_stretches(["aa bbb c"], [[(0, 2), (3, 6), (7, 8)]], known, "zxx")
    assert spans == [Span(0, 6, "da", 0.06, "aa bbb", "m@1"), Span(7, 8, "en", 0.01, "c", "m@1")]


def test_what_is_joined_to_the_whole_text_has_the_label_of_the_whole_text() -> None:
    known = by({"aa": "sv", "bbb": "sv", " aa bbb ": "da"})
    (spans,) = label_stretches([" aa bbb "], [[(1, 3), (4, 7)]], known, "zxx")
    assert spans == [Span(1, 7, "da", 0.08, "aa bbb", "m@1")]


def test_what_is_joined_to_the_whole_text_in_two_steps_has_the_label_of_the_whole_text_too() -> None:
    known = by({"aa": "sv", "bbb": "sv", "c": "da", "aa bbb": "da", "aa bbb c": "no"})
    (spans,) = label_stretches(["aa bbb c"], [[(0, 2), (3, 6), (7, 8)]], known, "zxx")
    assert spans == [Span(0, 8, "no", 0.08, "aa bbb c", "m@1")]


def test_a_part_without_language_belongs_to_the_span_before_it_or_to_the_first_one() -> None:
    known = by({"1": "zxx", "aa": "sv", "2": "zxx", "c": "en", "1 aa 2": "sv"})
    (spans,) = label_stretches(["1 aa 2 c"], [[(0, 1), (2, 4), (5, 6), (7, 8)]], known, "zxx")
    assert texts_of(spans) == [("sv", "1 aa 2"), ("en", "c")]
    assert label_stretches(["1 2"], [[(0, 1), (2, 3)]], by({"1": "zxx", "2": "zxx", "1 2": "zxx"}), "zxx") == [[]]
