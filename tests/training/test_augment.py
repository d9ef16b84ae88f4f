"""Examples that are drawn from a corpus: each label equally often, whole texts and pieces, listed words by their share."""

from collections import Counter

import numpy as np
import pytest

from headrace.scoring.hashed.folding import BOUNDARY
from headrace.training import augment
from headrace.training.augment import Mix
from headrace.training.encoder import Examples, TextEncoder

TEXTS = ["One two three four five six seven", "eins zwei", "Drei!", "123", "vier fünf sechs"]
LABELS = np.array([0, 1, 1, 0, 1])


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return TextEncoder.new()


def spelt(examples: Examples) -> list[str]:
    """Examples as words again, joined by blanks."""
    pieces = (examples.codes[b:e] for b, e in zip(examples.begins, examples.ends, strict=True))
    return ["".join(map(chr, piece)).strip("\1").replace("\1", " ") for piece in pieces]


def corpus(
    encoder: TextEncoder, lists: dict[int, dict[str, float]] | None = None, long_only: tuple[int, ...] = ()
) -> augment.Corpus:
    names, owners, weights = augment.list_words(lists or {})
    listed = augment.Listed(*encoder.encode(names), owners, weights)
    long = np.isin(np.arange(len(TEXTS)), long_only)
    return augment.build_corpus(*encoder.encode(TEXTS), LABELS, np.ones(len(TEXTS)), long, listed)


def drawn(
    encoder: TextEncoder, mix: Mix, lists: dict[int, dict[str, float]] | None = None, size: int = 2000
) -> Examples:
    return augment.draw(corpus(encoder, lists), size, mix, np.random.default_rng(3))


def test_no_pairs_and_single_words_are_drawn_from_texts_marked_as_long_only(encoder: TextEncoder) -> None:
    source = corpus(encoder, long_only=(0,))
    found = augment.draw(source, 2000, Mix(0.25, 0.25, 0.25, 0.25, 0.0), np.random.default_rng(3))
    sizes = {
        label: {len(text.split()) for text, of in zip(spelt(found), found.labels, strict=True) if of == label}
        for label in (0, 1)
    }
    assert min(sizes[0]) == 3
    assert min(sizes[1]) == 1


def test_texts_are_encoded_as_words_between_boundaries(encoder: TextEncoder) -> None:
    codes, starts = encoder.encode(["Ab, c!", "", "Ä"])
    assert codes.tolist() == [BOUNDARY, 97, 98, BOUNDARY, 99, BOUNDARY, BOUNDARY, BOUNDARY, 228, BOUNDARY]
    assert starts.tolist() == [0, 6, 7, 10]
    none, only = encoder.encode([])
    assert none.size == 0
    assert only.tolist() == [0]


def test_labels_are_drawn_equally_often_and_texts_without_words_never(encoder: TextEncoder) -> None:
    examples = drawn(encoder, Mix(1, 0, 0, 0, 0))
    assert np.bincount(examples.labels).tolist() == [1000, 1000]
    texts = spelt(examples)
    assert {text for text, label in zip(texts, examples.labels, strict=True) if label == 0} == {TEXTS[0].lower()}
    counts = Counter(texts)
    assert set(counts) == {TEXTS[0].lower(), "eins zwei", "drei", "vier fünf sechs"}
    assert 270 < counts["drei"] < 400


def test_pieces_are_successive_words_of_one_text(encoder: TextEncoder) -> None:
    examples = drawn(encoder, Mix(0, 1, 1, 1, 0))
    texts = spelt(examples)
    lengths = Counter(len(text.split()) for text in texts)
    assert set(lengths) == {1, 2, 3, 4, 5, 6, 7}
    for text in texts:
        assert any(f" {text} " in f" {' '.join(whole.lower().strip('!').split())} " for whole in TEXTS)


def test_the_label_of_a_word_of_two_lists_is_drawn_by_its_share_in_each(encoder: TextEncoder) -> None:
    lists = {0: {"both": 30.0, "left": 70.0}, 1: {"both": 0.1, "right": 0.9}}
    examples = drawn(encoder, Mix(0, 0, 0, 1, 1), lists, size=8000)
    listed = Counter(zip(spelt(examples), examples.labels.tolist(), strict=True))
    assert listed["both", 0] / listed["both", 1] == pytest.approx(3, rel=0.15)
    assert listed["left", 1] == listed["right", 0] == 0


def test_a_large_source_counts_for_less_than_its_rows() -> None:
    labels, sources = np.zeros(110, np.int64), np.array([0] * 100 + [1] * 10)
    chances = augment.source_weights(labels, sources, 0.5, np.array([1.0, 2.0]))
    assert chances[:100].sum() == pytest.approx(10)
    assert chances[100:].sum() == pytest.approx(2 * 10**0.5)


def test_labels_are_drawn_in_proportion_to_shares(encoder: TextEncoder) -> None:
    source = corpus(encoder)
    examples = augment.draw(source, 2000, Mix(1, 0, 0, 0, 0), np.random.default_rng(3), np.array([3.0, 1.0]))
    assert np.bincount(examples.labels).tolist() == [1500, 500]
