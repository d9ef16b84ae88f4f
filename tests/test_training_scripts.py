"""Serbian in Cyrillic has one Latin form, and only Serbian has one."""

from headrace.training.scripts import twins


def test_a_cyrillic_row_of_serbian_gets_a_latin_twin() -> None:
    rows = [
        ("Његош и Џорџ љубе ђаке, чаше шире.", "sr", "news"),
        ("Сунце, ћурка, жаба, фоц, хлад, бвгдезијклмнопрсту", "sr", "x"),
    ]
    assert list(twins(rows)) == [
        ("Njegoš i Džordž ljube đake, čaše šire.", "sr", "news/latin"),
        ("Sunce, ćurka, žaba, foc, hlad, bvgdezijklmnoprstu", "sr", "x/latin"),
    ]


def test_other_languages_and_latin_rows_have_none() -> None:
    assert list(twins([("Привет, мир", "ru", "a"), ("Dobar dan", "sr", "b"), ("Добър ден", "bg", "c")])) == []
