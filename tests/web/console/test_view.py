"""What the console's pages get to show: names, rows, figures."""

from pathlib import Path

import pytest

from headrace.documents import DeadLetter, Prediction, Result
from headrace.models import card
from headrace.models.card import Card
from headrace.models.registry import Registry
from headrace.ports import Backlog, WorkerStatus
from headrace.web.console.dead_letters import row as dead_row
from headrace.web.console.labels import Name, are_languages, name_of, of_language
from headrace.web.console.snapshot import Totals
from headrace.web.console.try_it import opinion
from headrace.web.console.view import LabelNames, bars, detail, row, shorten, span, tiles, worker
from headrace.web.lookup import DeadLetterInfo, FullResult

MODEL = "language@3f9c2a"
LANGUAGES = (
    "ar bg ca cs da de en es et eu fa fi fr he hi hr hu id it ja kk ko lt ms nl no pl pt ro ru sk sl sr sv tr uk vi war "
    "zh yue el th af bn ta ur tl sw lv sq mk be az ka hy mn is ga cy gl mr gu pa te kn ml ne si my km lo am so yo ig ha zu xh sn st tn ts "
    "lg rw mg ny eo la mi mt lb fo oc br ast an uz ky tg tk tt ba cv ug ku ckb ps sd dv jv su ceb ilo ht yi or as bo dz gn qu ti om sa"
)
LABELS = (*LANGUAGES.split(), "und", "zxx")


@pytest.fixture
def names(tmp_path: Path) -> LabelNames:
    home = tmp_path / "language" / "3f9c2a"
    home.mkdir(parents=True)
    (home / card.FILE).write_bytes(card.to_json(Card("language", LABELS, version="3f9c2a")))
    (tmp_path / "language" / "aliases.json").write_text('{"champion": [{"version": "3f9c2a", "at": ""}]}')
    return LabelNames(Registry(tmp_path, builtin=None))


@pytest.mark.parametrize(
    ("tag", "english", "own"),
    [
        ("sv", "Swedish", "Svenska"),
        ("sr", "Serbian", "Српски"),
        ("he", "Hebrew", "עברית"),
        ("ja", "Japanese", "日本語"),
        ("war", "Waray", "Winaray"),
        ("ka", "Georgian", "ქართული"),
        ("id", "Indonesian", "Bahasa Indonesia"),
        ("pt-BR", "Portuguese (Brazil)", "Português (Brasil)"),
        ("en", "English", ""),
        ("und", "Unknown language", ""),
        ("zxx", "No language", ""),
    ],
)
def test_a_language_is_shown_with_both_its_names(tag: str, english: str, own: str) -> None:
    assert of_language(tag) == Name(english, own)


def test_each_of_the_default_models_languages_has_both_names() -> None:
    named = {label: of_language(label) for label in LABELS}
    alike = {"en", "af", "ceb", "eo", "ha", "mg", "mi", "oc", "tl", "und", "zxx"}  # the same in both, or no language
    assert {label for label, name in named.items() if not (name and name.own)} == alike


@pytest.mark.parametrize("label", ["", "xx", "qqq", "positive", "not a tag", "a/b", "../etc", "e", "en_US.UTF-8", "1"])
def test_a_label_that_is_not_a_language_is_shown_as_it_is(label: str) -> None:
    assert of_language(label) is None
    assert name_of(label, language=True) == Name(label)


@pytest.mark.parametrize(
    ("labels", "languages"),
    [
        (["sv", "fi", "und"], True),
        (["negative", "neutral", "positive"], False),
        (["yes", "no"], False),
        (["no"], False),
        ([], False),
        (["sv", "spam"], False),
    ],
)
def test_labels_are_languages_only_where_all_of_them_are(labels: list[str], languages: bool) -> None:
    assert are_languages(labels) is languages


def test_a_models_card_says_whether_its_labels_are_languages_and_else_what_was_seen_does(names: LabelNames) -> None:
    assert names.name(MODEL, "no") == Name("Norwegian", "Norsk")
    assert names.name("answers", "no") == Name("no")
    names.learn({"answers": {"no": 3, "yes": 1}, "tongue": {"no": 3, "sv": 1}})
    assert names.name("answers", "no") == Name("no")
    assert names.name("tongue", "no") == Name("Norwegian", "Norsk")


def test_a_row_shows_one_models_answer_and_the_others_beside_it(names: LabelNames) -> None:
    said = {"language": Prediction("sv", 0.98765, MODEL), "sentiment": Prediction("positive", 0.7, "sentiment@1a2b3c")}
    shown = row(Result("a", "Hej <b>", "form", None, {}, said), "language", names)
    assert (shown["name"], shown["own"], shown["score"]) == ("Swedish", "Svenska", 0.988)
    assert shown["others"] == [{"model": "sentiment", "name": "positive"}]
    assert shown["text"] == "Hej <b>"


def test_a_document_that_the_model_did_not_label_has_a_row_too(names: LabelNames) -> None:
    shown = row(Result("a", "Hej", "", None, {}, {}), "language", names)
    assert (shown["name"], shown["score"]) == ("–", None)


def test_a_long_text_is_shortened_and_a_short_one_is_not() -> None:
    assert shorten("abc", 3) == "abc"
    assert shorten("abcd", 3) == "ab…"


def test_bars_are_in_the_order_of_their_counts(names: LabelNames) -> None:
    shown = bars({"sv": 2, "fi": 5, "de": 2}, "language", names)
    assert [(bar["label"], bar["count"]) for bar in shown] == [("fi", 5), ("de", 2), ("sv", 2)]


def test_figures_that_are_not_known_are_question_marks() -> None:
    full = Totals(1234567, 812.4, {}, {"raised": 3, "malformed": 9}, Backlog(1200, 3, 75.0))
    assert [tile["value"] for tile in tiles(full)] == ["1,234,567", "812", "1,200", "12"]
    assert [tile["more"] for tile in tiles(full)][2:] == ["3 in progress, oldest 1 min", "malformed 9, others 3"]
    assert [tile["value"] for tile in tiles(Totals(backlog=Backlog(None, None, None)))] == ["0", "0", "?", "0"]
    assert tiles(Totals(rate=0.24))[1]["value"] == "0.2"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-1, "0 s"), (0.4, "0 s"), (59, "59 s"), (60, "1 min"), (3600, "1 h"), (7500, "2 h 5 min"), (200_000, "2 d")],
)
def test_durations_are_short(seconds: float, said: str) -> None:
    assert span(seconds) == said


def test_a_silent_worker_is_faded() -> None:
    one = WorkerStatus("host:1", 0, 60_000_000, "working", (MODEL,), {"stored": 1000, "buried": 0})
    assert worker(one, 61_000_000) == {
        "name": "host:1",
        "state": "working",
        "more": f"1,000 stored · up 1 min · {MODEL}",
        "tone": "well",
    }
    late = worker(one, 100_000_000)
    assert (late["tone"], "silent for 40 s" in late["more"]) == ("stale", True)


def test_all_that_is_known_of_a_document_is_shown_and_a_missing_one_is_gone(names: LabelNames) -> None:
    dead = DeadLetterInfo("a", 1, "raised", "no mood", "mood@1a2b3c", "form", "2026-01-01T00:00:00Z", "{}")
    answers = {"language": Prediction("sv", 0.98, MODEL)}
    found = FullResult("a", "Hej", "form", "2026-01-01", {"ö": 1}, answers, None, None, (dead,))
    shown = detail("a", found, names)
    assert shown["facts"] == [
        [MODEL, "Swedish · Svenska (sv), 0.9800"],
        ["Failed: mood@1a2b3c", "no mood"],
        ["Source", "form"],
        ["Created", "2026-01-01"],
    ]
    assert '"ö": 1' in shown["meta"]
    assert detail("a", None, names) == {"id": "a", "gone": True}


def test_an_opinion_names_the_label_and_those_that_came_closest(names: LabelNames) -> None:
    best = [Prediction("sv", 0.6, MODEL), Prediction("no", 0.3, MODEL)]
    said = opinion("language", Prediction("und", 0.6, MODEL), best, names)
    assert (said["name"], said["own"], said["model"]) == ("Unknown language", "", MODEL)
    assert [(one["name"], one["own"]) for one in said["top"]] == [("Swedish", "Svenska"), ("Norwegian", "Norsk")]


def test_a_dead_letter_is_shown_as_text_even_if_its_bytes_are_not() -> None:
    letter = DeadLetter("x", "malformed", "no UTF-8", b"\xff" * 5000, "x", burial=7, buried_at=1_000_000)
    shown = dead_row(letter)
    assert (shown["burial"], shown["at"], len(shown["data"])) == (7, "1970-01-01T00:00:01.000Z", 4000)
