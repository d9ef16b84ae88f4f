"""The recipe of the default language model, on data of a few words."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from headrace.errors import Misconfigured
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


def fit(**options: object) -> language.HashedSoftmax:
    return language.fit_language(rows(), **{"passes": 2, "examples": 3000, "buckets": 4096, **options})  # type: ignore[arg-type]


def test_it_learns_short_texts_and_reports_progress() -> None:
    steps: list[tuple[str, int, int]] = []
    model = fit(held=rows()[::3], progress=lambda *step: steps.append(step))
    assert model.predict(["katze", "forest", "der hund", "the dog"]).tolist() == ["de", "en", "de", "en"]
    assert steps[0] == ("folding", 0, len(rows()))
    assert steps[-1] == ("training", 2, 2)


def test_the_same_rows_and_seed_give_the_same_model() -> None:
    one, two, other = fit(seed=4), fit(seed=4), fit(seed=5)
    np.testing.assert_array_equal(one.weights_, two.weights_)
    np.testing.assert_array_equal(one.gains_, two.gains_)
    assert not np.array_equal(one.weights_, other.weights_)


def test_listed_words_are_learnt_if_their_label_has_rows() -> None:
    words = {"de": {"regenschirm": 1.0}, "en": {"umbrella": 1.0}, "fr": {"parapluie": 1.0}}
    model = fit(words=words)
    assert model.classes_.tolist() == ["de", "en"]
    assert model.predict_proba(["regenschirm"])[0, 0] > 0.9
    assert model.predict_proba(["umbrella"])[0, 1] > 0.9


def test_held_out_rows_of_unknown_labels_are_ignored() -> None:
    model = fit(held=[("le chien dort", "fr", "elsewhere")])
    plain = fit(held=[])
    np.testing.assert_array_equal(model.gains_, plain.gains_)


def test_word_lists_are_read_with_counts_or_by_rank(tmp_path: Path) -> None:
    for name, lines in {
        "a/de.txt.gz": "Der 7\nund 3\nder 1\n",
        "b/sr.txt.gz": "и\nје\n",
        "b/sr_latn.txt.gz": "i\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(gzip.compress(lines.encode()))
    assert language.read_words(tmp_path) == {
        "a": {"de": {"der": 8.0, "und": 3.0}},
        "b": {"sr": {"и": 1 / 10, "је": 1 / 11, "i": 1 / 10}},
    }


def test_a_folder_without_word_lists_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=tmp_path.name):
        language.read_words(tmp_path)
