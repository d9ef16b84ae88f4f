"""Serbian is written in two scripts: what is there in one is learnt in both."""

import pytest

from headrace.training.scripts import in_both_scripts, twins

CYRILLIC = "Његош и Џорџ љубе ђаке, чаше шире. Сунце, ћурка, жаба, фоц, хлад, бвгдезијклмнопрсту"
LATIN = "Njegoš i Džordž ljube đake, čaše šire. Sunce, ćurka, žaba, foc, hlad, bvgdezijklmnoprstu"


def test_a_row_of_serbian_gets_a_twin_in_the_other_script() -> None:
    assert list(twins([(CYRILLIC, "sr", "news")])) == [(LATIN, "sr", "news/latin")]
    assert list(twins([(LATIN, "sr", "mail")])) == [(CYRILLIC, "sr", "mail/cyrillic")]


def test_capitals_of_two_letters_become_one() -> None:
    assert [text for text, _, _ in twins([("LJUBAV, Njegoš, DŽEP", "sr", "x")])] == ["ЉУБАВ, Његош, ЏЕП"]


@pytest.mark.parametrize("text", ["Windows je spor", "na http://example.rs", "@ana kaže", "42"])
def test_latin_text_that_cyrillic_would_keep_in_part_has_no_twin(text: str) -> None:
    assert list(twins([(text, "sr", "x")])) == []


def test_other_languages_have_none() -> None:
    assert list(twins([("Привет, мир", "ru", "a"), ("Dobar dan", "hr", "b"), ("Добър ден", "bg", "c")])) == []


def test_words_of_serbian_are_listed_in_both_scripts_half_as_often_each() -> None:
    lists = in_both_scripts({"sr": {"ljubav": 4.0, "љубав": 2.0, "xyz": 1.0}, "hr": {"ljubav": 5.0}})
    assert lists == {"sr": {"ljubav": 3.0, "љубав": 3.0, "xyz": 1.0}, "hr": {"ljubav": 5.0}}
