"""The hashed scorer: batches, threads, saving and the spelling of a text don't change its predictions."""

import functools
import json
import struct
import unicodedata
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.scripts import of_three_scripts

from headrace.errors import Misconfigured, Rejected
from headrace.scoring import weights
from headrace.scoring.cleaning import content
from headrace.scoring.hashed import features, letters
from headrace.scoring.hashed import scorer as hashed
from headrace.scoring.hashed.parameters import CACHE_LINE, FIRST_BYTE, HashedParameters, one_table
from headrace.scoring.hashed.scorer import HashedScorer

LABELS = ("aa", "bb", "cc")
BUCKETS = 4096


def parameters(flags: int = features.WORDS) -> HashedParameters:
    """Random weights: what holds for them holds for learnt ones."""
    random = np.random.default_rng(5)
    weights = random.integers(-40, 40, BUCKETS * len(LABELS) + features.LANES).astype(np.int8)
    gains = np.exp2(-0.25 * np.arange(14)) * 0.02
    return one_table(LABELS, flags, weights, gains, letters.alphabet(), *letters.compositions())


tables = functools.cache(parameters)


def chances_spelt_out(known: HashedParameters, text: str) -> tuple[list[float], float]:
    """The probabilities of all labels and of none, by the words of a text of letters and blanks, in plain Python."""
    runs = [
        (group, "".join(part))
        for group, part in groupby(text.replace(" ", ""), lambda one: int(known.groups[ord(one)]))
    ]
    masses = [sum(len(part) * int(known.masses[group]) for of, part in runs if of == group) for group in range(4)]
    group = max(range(1, 4), key=lambda number: masses[number])
    chances = [0.0] * len(known.labels)
    if not masses[group]:
        return ([0.0] * 62, 1.0) if masses[0] else ([1 / 62] * 62, 0.0)
    first, buckets, row, column, columns = known.layout[group - 1].tolist()
    words = [
        "".join(part)
        for of, part in groupby(text, lambda one: -1 if one == " " else int(known.groups[ord(one)]))
        if of == group
    ]
    totals, count = np.zeros(columns), 0
    for word in words:
        for feature in spelt_out(word):
            place = first + row_of(feature, buckets) * row
            stored = known.weights[place : place + row].astype(np.int64) & 255
            totals += np.concatenate([stored & 15, stored >> 4])[:columns] - 8
            count += 1
    gain = np.interp(np.log2(count), np.arange(14), known.gains[group - 1])
    odds = totals * gain + known.biases[column : column + columns]
    raised = np.exp(odds - odds.max())
    none = 0.0
    for owner, one in zip(known.owners[column : column + columns].tolist(), raised / raised.sum(), strict=True):
        if owner < 0:
            none += one
        else:
            chances[owner] = one
    return ([0.0] * 62, 1.0) if masses[0] * 4 > sum(masses) else (chances, none)


class Opener:
    """Makes scorers that score with the kernels, or without them."""

    def __init__(self, compiled: bool) -> None:
        self.compiled = compiled

    def __call__(self, made_of: HashedParameters, *, threads: int = 1) -> HashedScorer:
        made = HashedScorer(made_of, threads=threads, patience=1 << 62)
        if self.compiled:
            made.prepare(wait=True)
        return made


@pytest.fixture(scope="module", params=[False, True], ids=["interpreted", "compiled"])
def opener(request: pytest.FixtureRequest) -> Opener:
    return Opener(request.param)


@pytest.fixture(scope="module")
def scorer(opener: Opener) -> HashedScorer:
    return opener(parameters())


def spelt_out(text: str, *, words: bool = True) -> list[str]:
    """The features of a text that has nothing but words and blanks, spelt out."""
    found = []
    for word in text.split():
        code = f"\1{word}\1"
        found += [
            code[at : at + n] for n in range(1, 6) for at in range(len(code) - n + 1) if code[at : at + n] != "\1"
        ]
        found += [f"word {word}"] if words and len(word) >= 4 else []
    return found


def test_probabilities_sum_to_one_and_predict_gives_the_highest(scorer: HashedScorer) -> None:
    texts = ["Guten Morgen", "", "42", "привет мир", "\ud800", "a" * 5000]
    scores = scorer.scores(texts)
    assert scores.shape == (6, 3)
    assert scores.dtype == np.float64
    np.testing.assert_array_equal(scorer.predict_proba(texts), scores)
    assert scorer.classes_.tolist() == list(scorer.labels)
    np.testing.assert_allclose(scores.sum(1), 1)
    for row, one in zip(scores, scorer.predict(texts), strict=True):
        assert one.label == LABELS[row.argmax()]
        assert one.score == pytest.approx(row.max())


def test_threads_and_batches_change_nothing(scorer: HashedScorer, opener: Opener) -> None:
    texts = [f"{'guten Morgen ' * (place % 90)}{place} {'x(); y();' * (place % 3)}" for place in range(1500)]
    threaded = opener(scorer.parameters, threads=2)
    assert threaded.predict(texts) == scorer.predict(texts) == [one for text in texts for one in scorer.predict([text])]
    for found, wanted in zip(threaded.predict_content(texts), scorer.predict_content(texts), strict=True):
        np.testing.assert_array_equal(found, wanted)
    best, certain, content_kinds, none = scorer.predict_content(texts)
    assert [(LABELS[place], chance) for place, chance in zip(best, certain, strict=True)] == [
        (one.label, one.score) for one in scorer.predict(texts)
    ]
    np.testing.assert_array_equal(content_kinds, scorer.content_kinds(texts))
    np.testing.assert_allclose(scorer.scores(texts).sum(1) + none, 1)
    for some in (texts, texts[:3], []):
        for found, wanted in zip(
            scorer.content_scores(some), (scorer.scores(some), scorer.content_kinds(some)), strict=True
        ):
            np.testing.assert_array_equal(found, wanted)


def test_no_texts_give_no_predictions(scorer: HashedScorer) -> None:
    assert scorer.predict([]) == []
    assert scorer.scores([]).shape == (0, 3)
    assert scorer.has_letters([]).tolist() == []
    assert [column.tolist() for column in scorer.predict_content([])] == [[], [], [], []]


def test_a_text_without_letters_gives_all_labels_the_same_probability(scorer: HashedScorer) -> None:
    texts = ["", "12 345", "😀 🇩🇪", "https://example.org/guten-morgen", "www.example.org", "@guten_morgen", "\0\n\t…"]
    np.testing.assert_array_equal(scorer.scores(texts), np.full((len(texts), 3), 1 / 3))
    assert not scorer.has_letters(texts).any()


def test_letters_of_any_script_count_as_letters(scorer: HashedScorer) -> None:
    assert scorer.has_letters(["x", "1 ж", "語", "\U00020000", "ωμέγα", "@name said", "see https://a.b c"]).all()


@pytest.mark.parametrize(
    "text",
    [
        "for (int i = 0; i < n; i++) {\n  total += values[i];\n}",
        "def predict_proba(self, texts):\n    return self.scorer.scores(texts)",
        "const found = items.filter(one => one.id === wanted);",
        "#include <stdio.h>\nint main(void) { return 0; }",
        "if (a && b) { std::swap(a, b); }",
        "def f(x):\n    return x+1",
        "print('hello world')",
    ],
)
def test_program_code_is_recognised(scorer: HashedScorer, text: str) -> None:
    assert scorer.content_kinds([text]).tolist() == [content.CODE]


@pytest.mark.parametrize(
    "text",
    [
        "Good morning; how are you? (Fine, thanks.)",
        "so =) nice :) ;-) <3 *grins*",
        "see https://example.org/a_b?c=d&e=f_g for more",
        "Der Name(n) fehlt noch - bitte nachtragen",
        "end.Then it went on, and on, and so it was.",
        "-- And then? -- Nothing.",
        "Kies één persoon a.u.b. en z.s.m.",
        "a(s) estrutura(s) devolvida(s)",
        "The answer is ________ or ____.",
        "5 kg in 2024年",
        "50MB以上のファイル",
    ],
)
def test_words_with_signs_are_not_code(scorer: HashedScorer, text: str) -> None:
    assert scorer.content_kinds([text]).tolist() == [content.WORDS]


@pytest.mark.parametrize(
    "text", ["550e8400-e29b-41d4-a716-446655440000", "0xDEADBEEF", "v1.2.3-rc1", "H2O", "5kg 3x", "192.168.0.1 B2B"]
)
def test_tokens_of_digits_and_latin_letters_are_not_words(scorer: HashedScorer, text: str) -> None:
    assert scorer.content_kinds([text]).tolist() == [content.BLANK]


@given(st.text(st.characters(max_codepoint=0x1F100, exclude_categories=("L", "M", "So"))))
def test_a_text_without_letters_and_marks_is_blank(scorer: HashedScorer, text: str) -> None:
    assert scorer.content_kinds([text]).tolist() == [content.BLANK]


@given(st.lists(st.text(), max_size=8), st.integers(1, 3))
def test_scores_are_the_same_alone_in_a_batch_and_on_threads(
    scorer: HashedScorer, opener: Opener, texts: list[str], threads: int
) -> None:
    together = opener(scorer.parameters, threads=threads).scores(texts)
    for text, row in zip(texts, together, strict=True):
        np.testing.assert_array_equal(scorer.scores([text])[0], row)


def test_many_batches_get_the_same_scores_on_several_threads(scorer: HashedScorer, opener: Opener) -> None:
    texts = [f"text number {'x' * (n % 17)} {'y' * (n % 5)}" for n in range(3 * hashed.BATCH_TEXTS + 5)]
    two = opener(scorer.parameters, threads=2)
    np.testing.assert_array_equal(scorer.scores(texts), two.scores(texts))
    assert scorer.predict(texts) == two.predict(texts)


@given(st.lists(st.text("abcdefghijklmnopqrstuvwxyzäßλ", min_size=2, max_size=12), max_size=400))
def test_a_score_is_the_sum_over_ngrams_within_words(scorer: HashedScorer, words: list[str]) -> None:
    """Spelt out in Python, also for texts longer than the kernel's buffer."""
    text = " ".join(words)
    count = len(spelt_out(text))
    table = scorer.parameters.weights[: -features.LANES].reshape(BUCKETS, 3).astype(np.int64)
    sums = sum((table[row_of(feature)] for feature in spelt_out(text)), np.zeros(3, np.int64))
    gains = scorer.parameters.gains[0]
    gain = np.interp(np.log2(max(count, 1)), np.arange(len(gains)), gains)
    odds = (sums - sums.max()) * gain
    np.testing.assert_allclose(scorer.scores([text])[0], np.exp(odds) / np.exp(odds).sum(), rtol=1e-9)


@given(st.text("bdfgéß жщъя αβγ ॐक ", max_size=60), st.integers(1, 9))
def test_each_script_has_its_own_table_and_that_of_most_letters_decides(opener: Opener, text: str, times: int) -> None:
    """Spelt out in Python; texts are also longer than the kernel's buffer. Single letters in a row would be a word spaced out."""
    known = of_three_scripts()
    text = " ".join(word for word in text.split(" ") if len(word) > 1)
    text = " ".join([text] * times**2)
    chances, none = chances_spelt_out(known, text)
    found = opener(known)
    np.testing.assert_allclose(found.scores([text])[0], chances, rtol=1e-9, atol=1e-15)
    best, probability, _, said = found.predict_content([text])
    assert said[0] == pytest.approx(none)
    assert probability[0] == pytest.approx(max(chances))
    assert chances[best[0]] == pytest.approx(max(chances))


@pytest.mark.parametrize("text", ["ᚠᚢᚦ ᚨᚱᚲ", "ⴰⴱⴳ ⵜⵓⵔⵏⴰ", "hello ᚠᚢᚦᚨᚱᚲ"])
def test_a_text_in_a_script_that_no_label_has_is_none_of_them(opener: Opener, text: str) -> None:
    found = opener(of_three_scripts())
    assert found.predict_content([text])[3].tolist() == [1.0]
    assert found.scores([text]).sum() == 0


def test_weights_of_four_bits_open_as_they_were_saved(opener: Opener, tmp_path: Path) -> None:
    scorer = opener(of_three_scripts())
    scorer.save(tmp_path)
    texts = ["Guten Morgen", "добрый день", "καλημέρα σας", "", "12", "ᚠᚢᚦ"]
    np.testing.assert_array_equal(opener(HashedScorer.open(tmp_path).parameters).scores(texts), scorer.scores(texts))


def test_a_model_of_one_table_opens_as_it_was_saved_before_there_were_several(
    scorer: HashedScorer, tmp_path: Path
) -> None:
    known = scorer.parameters
    arrays = {name: getattr(known, name) for name in ("weights", "letters", "keys", "values")}
    settings = json.dumps({"buckets": BUCKETS, "flags": known.flags})
    metadata = {"kind": "hashed", "labels": json.dumps(LABELS), "settings": settings}
    weights.write(tmp_path / weights.FILE, {**arrays, "gains": known.gains[0]}, metadata)
    texts = ["Guten Morgen", "добрый день", "", "12", "ᚠᚢᚦ"]
    np.testing.assert_array_equal(
        HashedScorer.open(tmp_path).scores(texts), Opener(compiled=False)(known).scores(texts)
    )


def row_of(feature: str, buckets: int = BUCKETS) -> int:
    whole = feature.removeprefix("word ") if feature.startswith("word ") else ""
    state = int(features.WORD_SALT) if whole else 0
    for code in map(ord, whole or feature):
        state = mixed(state, code)
    if whole:
        state = mixed(state, 1)
    return ((state >> 32) * buckets) >> 32


def mixed(state: int, code: int) -> int:
    product = (state + code + 1) * int(features.MULTIPLIER) % (1 << 64)
    return product ^ (product >> 32)


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("GUTEN Morgen", "guten morgen"),
        ("guten, morgen! 2024", "guten morgen"),
        ("@jemand guten morgen https://t.co/AbC", "guten morgen"),
        ("guten http://a.b/c?d=e morgen", "guten morgen"),
        ("guten morgen 😀 #heute", "guten morgen"),
        ("post@example.org guten", "guten"),
        ("l’home", "l'home"),
        ("'quoted'", "quoted"),
        ("ｇｕｔｅｎ", "guten"),
        ("gu\u00adten", "guten"),
        ("مـــن", "من"),
        ("İstanbul", "istanbul"),
    ],
)
def test_everything_but_the_letters_of_words_is_ignored(scorer: HashedScorer, written: str, plain: str) -> None:
    np.testing.assert_array_equal(scorer.scores([written]), scorer.scores([plain]))


# Letters of Latin-1 in a row may be mojibake if they are composed, and not if they are decomposed; words of two scripts are put right more
# often if they are composed.
@given(st.text("aeiouAEIOU āŠžĐőŵǎȘέώḀẞẽỹ", max_size=60) | st.text("аеиоуАЕІОУ йЇёЎќ", max_size=60))
def test_decomposed_letters_are_read_as_composed_ones(scorer: HashedScorer, text: str) -> None:
    composed = unicodedata.normalize("NFC", text)
    decomposed = unicodedata.normalize("NFD", composed)
    np.testing.assert_array_equal(scorer.scores([composed]), scorer.scores([decomposed]))


def test_a_word_of_ten_million_letters_is_scored() -> None:
    (one,) = Opener(compiled=True)(parameters()).predict(["a" * 10_000_000])
    assert one.label in LABELS
    assert 0 < one.score <= 1


MIXED = st.one_of(
    st.text(),
    st.text(" abcdeéïo'\u0301\u0308@.-_:/(){};=\n1\ud800😀ж語", max_size=80),
    st.lists(st.sampled_from(["https://a.b/c", "www.a.b", "@name", "l’home", "e\u0301", "x" * 509, "f();", "a"])).map(
        " ".join
    ),
    st.lists(st.sampled_from(["e", "\u0301", "'", " ", "no\u0308"]), max_size=30).map(
        lambda part: ("y" * 500) + "".join(part)
    ),
)


@given(st.lists(MIXED, max_size=6), st.integers(0, 4))
def test_the_answers_are_the_same_with_the_kernels_and_without_them(texts: list[str], flags: int) -> None:
    made_of = tables(flags) if flags < 4 else of_three_scripts()
    quick, slow = Opener(compiled=True)(made_of), Opener(compiled=False)(made_of)
    np.testing.assert_allclose(slow.scores(texts), quick.scores(texts), rtol=1e-12)
    found, wanted = slow.predict_content(texts), quick.predict_content(texts)
    np.testing.assert_array_equal(found[0], wanted[0])
    np.testing.assert_allclose(found[1], wanted[1], rtol=1e-12)
    np.testing.assert_array_equal(found[2], wanted[2])
    np.testing.assert_allclose(found[3], wanted[3], rtol=1e-12)


def test_a_single_string_is_refused(scorer: HashedScorer) -> None:
    with pytest.raises(Misconfigured, match="put it in a list"):
        scorer.predict("guten Morgen")


@pytest.mark.parametrize("text", [None, 3, ["guten Morgen"]])
def test_a_text_that_is_not_a_string_is_rejected_by_its_index(scorer: HashedScorer, text: Any) -> None:
    with pytest.raises(Rejected, match="text 1 can't be scored"):
        scorer.predict(["guten Morgen", text])


def test_texts_may_come_in_any_iterable(scorer: HashedScorer) -> None:
    texts = ["guten Morgen", "good morning"]
    wanted = scorer.predict(texts)
    for given_ in (
        np.array(texts),
        np.array(texts, object),
        tuple(texts),
        iter(texts),
        [text.encode() for text in texts],
    ):
        assert scorer.predict(given_) == wanted


def test_a_saved_scorer_opens_with_the_same_scores_and_maps_its_weights(scorer: HashedScorer, tmp_path: Path) -> None:
    scorer.save(tmp_path)
    opened = HashedScorer.open(tmp_path)
    assert opened.labels == LABELS
    assert opened.compiled
    assert opened.calibrated
    texts = ["Guten Morgen", "добрый день", "", "12"]
    np.testing.assert_array_equal(opened.scores(texts), scorer.scores(texts))
    assert not opened.parameters.weights.flags.writeable
    assert not opened.parameters.weights.flags.owndata


def test_rows_of_a_saved_scorer_begin_at_a_cache_line(tmp_path: Path) -> None:
    scorer = HashedScorer(of_three_scripts())
    scorer.save(tmp_path)
    (opened := HashedScorer.open(tmp_path)).save(tmp_path)
    again = HashedScorer.open(tmp_path)
    for one in (opened.parameters, again.parameters):
        assert (one.weights.ctypes.data + one.layout[0, FIRST_BYTE]) % CACHE_LINE == 0
    assert len(again.parameters.weights) == len(opened.parameters.weights)
    texts = ["Guten Morgen", "добрый день", ""]
    np.testing.assert_array_equal(again.scores(texts), scorer.scores(texts))


@pytest.mark.parametrize("harm", ["labels", "rows", "owners", "kind", "gains"])
def test_weights_that_do_not_fit_together_are_refused_by_name(scorer: HashedScorer, tmp_path: Path, harm: str) -> None:
    harmed = scorer.parameters
    if harm == "labels":
        harmed = replace(harmed, labels=("aa", "bb"))
    if harm == "rows":
        harmed = replace(harmed, layout=np.array([[0, BUCKETS + 1, 3, 0, 3]], np.int64))
    if harm == "owners":
        harmed = replace(harmed, owners=np.array([0, 1, 3], np.int16))
    if harm == "gains":
        harmed = replace(harmed, gains=harmed.gains[:, :1])
    HashedScorer(harmed).save(tmp_path)
    path = tmp_path / "weights.safetensors"
    if harm == "kind":
        _change_metadata(path, kind="other")
    with pytest.raises(Misconfigured, match=r"weights\.safetensors"):
        HashedScorer.open(tmp_path)


def _change_metadata(path: Path, **changes: str) -> None:
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"].update(changes)
    written = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(written)) + written + data[8 + length :])
