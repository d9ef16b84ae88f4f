"""The recipe of the default language model, on data of a few words."""

import numpy as np
import pytest

from headrace.scoring.hashed.scorer import HashedScorer
from headrace.training.encoder import TextEncoder
from headrace.training.lessons import Lessons, Material
from headrace.training.recipes import language

SENTENCES = {
    "de": "der hund läuft schnell durch den wald und die katze schläft noch immer auf dem sofa im haus",
    "en": "the dog runs quickly through the forest while the cat still sleeps on the sofa in our house",
}


def rows() -> list[tuple[str, str, str]]:
    found = []
    for label, sentence in SENTENCES.items():
        words = sentence.split()
        found += [
            (" ".join(words[at : at + size]), label, f"source{size}")
            for size in (5, 8)
            for at in range(len(words) - size)
        ]
    return found


def fit(given: list[tuple[str, str, str]] | None = None, **options: object) -> HashedScorer:
    return language.fit_language(given or rows(), **{"passes": 2, "examples": 1500, "shrink": 90, **options})  # type: ignore[arg-type]


def labels_of(model: HashedScorer, texts: list[str]) -> list[str]:
    return [one.label for one in model.predict(texts)]


def test_it_learns_short_texts_and_reports_progress() -> None:
    steps: list[tuple[str, int, int]] = []
    model = fit(held=rows()[::3], progress=lambda *step: steps.append(step))
    assert labels_of(model, ["katze", "forest", "der hund", "the dog"]) == ["de", "en", "de", "en"]
    assert steps[0] == ("folding", 0, len(rows()))
    assert steps[-1] == ("training latin", 2, 2)


def test_the_same_rows_and_seed_give_the_same_model() -> None:
    one, two, other = (fit(seed=seed).parameters for seed in (4, 4, 5))
    for name, array in one.arrays().items():
        np.testing.assert_array_equal(array, two.arrays()[name])
    assert not np.array_equal(one.weights, other.weights)


def test_each_script_has_a_table_with_the_labels_that_are_written_in_it() -> None:
    russian = [
        (sentence, "ru", "source") for sentence in ("собака бежит по лесу", "кошка спит на диване", "дом стоит у реки")
    ]
    serbian = [
        (sentence, "sr", "source") for sentence in ("pas trči kroz šumu", "мачка спава на софи", "kuća stoji kraj reke")
    ]
    model = fit([*rows(), *russian, *serbian], held=[])
    known = model.parameters
    owners = [
        {model.labels[owner] for owner in known.owners[first : first + columns] if owner >= 0}
        for _, _, _, first, columns in known.layout.tolist()
    ]
    assert owners == [{"de", "en", "sr"}, {"ru", "sr"}]
    assert labels_of(model, ["собака бежит", "мачка спава", "kuća stoji", "the dog"]) == ["ru", "sr", "sr", "en"]


def test_texts_like_those_of_other_languages_are_none_of_the_labels() -> None:
    others = [(" ".join(sentence.split()[at : at + 5]), "da", "other") for sentence in (
        "hunden løber hurtigt gennem skoven mens katten stadig sover på sofaen i huset", "hver morgen læser hun avisen ved vinduet",
    ) for at in range(6)]  # fmt: skip
    model = fit(others=others, held=rows()[::3])
    none = model.predict_content(["hunden løber gennem skoven", "der hund läuft durch den wald"])[3]
    assert none[0] > 0.5 > none[1]
    assert model.labels == ("de", "en")


def test_noise_and_letters_that_were_not_learnt_are_none_of_the_labels() -> None:
    model = fit(held=rows()[::3], examples=4000)
    none = model.predict_content(["fhsdjkf hweufih sdkfjh", "ɐʇzɐʞ puʇɥ ʇɥɐ", "собака бежит", "the dog runs quickly"])[
        3
    ]
    assert (none > 0.5).tolist() == [True, True, True, False]


def test_listed_words_are_learnt_if_their_label_has_rows() -> None:
    words = {"de": {"regenschirm": 1.0}, "en": {"umbrella": 1.0}, "fr": {"parapluie": 1.0}}
    model = fit(words=words)
    assert model.labels == ("de", "en")
    assert labels_of(model, ["regenschirm", "umbrella"]) == ["de", "en"]


def test_held_out_rows_of_unknown_labels_are_ignored() -> None:
    model = fit(held=[("le chien dort", "fr", "elsewhere")])
    np.testing.assert_array_equal(model.parameters.gains, fit(held=[]).parameters.gains)


def test_a_single_label_is_refused() -> None:
    with pytest.raises(ValueError, match="two labels"):
        fit([row for row in rows() if row[1] == "de"])


def test_a_table_has_room_for_a_column_each_of_labels_and_noise_and_families_share_the_rest() -> None:
    others = [(f"{syllable}na {syllable}ti lo{syllable} {number}mi", f"x{syllable}", "other")
              for syllable in ("ka", "ke", "ki", "ko", "ku", "ma", "me", "mi", "mo", "mu") for number in range(4)]  # fmt: skip
    lessons = Lessons(TextEncoder.new(), Material(rows(), others, {}, 0.6, lambda _: 1.0, lambda _: False), 0)
    lesson = lessons.of("latin")
    assert lesson.labels == ("de", "en")
    assert len(lesson.columns) <= 128
    assert set(lesson.families.values()) <= set(lesson.columns)
    assert len(lesson.families) == 10
    fewer = Lessons(TextEncoder.new(), Material(rows(), others[:12], {}, 0.6, lambda _: 1.0, lambda _: False), 1)
    assert fewer.of("latin", lesson).columns == lesson.columns
