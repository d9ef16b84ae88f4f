"""Serbian texts and words that are given in one script are learnt in both."""

import pytest

from headrace.training.serbian import lists_in_both_scripts, rows_in_both_scripts

CYRILLIC = "Његош и Џорџ љубе ђаке, чаше шире. Сунце, ћурка, жаба, фоц, хлад, бвгдезијклмнопрсту"
LATIN = "Njegoš i Džordž ljube đake, čaše šire. Sunce, ćurka, žaba, foc, hlad, bvgdezijklmnoprstu"


def test_a_row_of_serbian_is_given_in_both_scripts() -> None:
    both = [(CYRILLIC, "sr", "news/cyrillic"), (LATIN, "sr", "news/latin")]
    assert list(rows_in_both_scripts([(CYRILLIC, "sr", "news")])) == both
    assert list(rows_in_both_scripts([(LATIN, "sr", "news")])) == both[::-1]


def test_digraphs_in_capitals_become_one_letter() -> None:
    assert [text for text, _, _ in rows_in_both_scripts([("LJUBAV, Njegoš, DŽEP", "sr", "x")])][1:] == [
        "ЉУБАВ, Његош, ЏЕП"
    ]


@pytest.mark.parametrize("text", ["Windows je spor", "na http://example.rs", "@ana kaže", "42"])
def test_latin_text_that_cyrillic_would_keep_in_part_is_not_transliterated(text: str) -> None:
    assert list(rows_in_both_scripts([(text, "sr", "x")])) == [(text, "sr", "x/latin")]


def test_other_languages_stay_as_they_are() -> None:
    rows = [("Привет, мир", "ru", "a"), ("Dobar dan", "hr", "b"), ("Добър ден", "bg", "c")]
    assert list(rows_in_both_scripts(rows)) == rows


def test_serbian_words_are_listed_in_both_scripts_and_mostly_in_cyrillic() -> None:
    lists = lists_in_both_scripts({"sr": {"ljubav": 4.0, "љубав": 2.0, "xyz": 1.0}, "hr": {"ljubav": 5.0}})
    assert lists["sr"] == {"ljubav": pytest.approx(1.8), "љубав": pytest.approx(4.2), "xyz": pytest.approx(1.0)}
    assert lists["hr"] == {"ljubav": 5.0}
