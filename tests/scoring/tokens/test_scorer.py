"""The scorer of informal text: kernels, batches, threads and saving don't change its predictions."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.errors import Misconfigured, Rejected
from headrace.scoring import weights
from headrace.scoring.opening import open_scorer
from headrace.scoring.texts import Preprocessing
from headrace.scoring.tokens.characters import Characters
from headrace.scoring.tokens.features import LONGEST, SHORTEST, mask_for, most
from headrace.scoring.tokens.interpreted import Interpreted
from headrace.scoring.tokens.kernels import Compiled
from headrace.scoring.tokens.parameters import TokenParameters
from headrace.scoring.tokens.score import READ, SIGN_SHIFT, rows_of
from headrace.scoring.tokens.scorer import TokenScorer

LABELS = ("negative", "neutral", "positive")
TEXTS = (
    "I love this so much!!! 😍 <3",
    "worst day EVER :( don't ask",
    "#BestDay @you http://x.y/z it’s not bad, really",
    "",
    " ",
    "日本語のテキスト 한국어 עברית",
    "\ud800 lone surrogate",
    "&amp; &#x1F600; \\u2019",
    "soooooo gooooood",
    "👍🏽👍🏽",
    "x" * 500,
)


def parameters(buckets: int = 4096) -> TokenParameters:
    """Random weights, whose rows are those of random features or of those of the texts: what holds for them holds for learnt ones."""
    random = np.random.default_rng(5)
    rows = random.integers(-60, 60, (buckets, 4)).astype(np.int8)
    for feature in {one for text in TEXTS for block in features(text) for one in block}:
        rows[feature % buckets, 3] = np.uint8(feature >> SIGN_SHIFT).astype(np.int8)
    return TokenParameters(LABELS, rows, np.array([0.02, 0.01]), np.array([0.1, 0.0, -0.1]), Characters.new())


def features(text: str) -> tuple[list[int], list[int]]:
    """The hashes of a text's features: of words, and of characters."""
    points, size = list(map(ord, text)), min(len(text), READ)
    characters, room = Characters.new(), most(size, size)
    rows, seen = [0] * room, [0] * (mask_for(room) + 1)
    tables = memoryview(characters.kinds), memoryview(characters.small)
    words, others = rows_of(points, 0, len(points), *tables, [0] * size, [0] * size, [0] * (4 * size), seen, 1, rows)
    return rows[:words], rows[room - others :]


@pytest.fixture(scope="module")
def known() -> TokenParameters:
    return parameters()


@pytest.fixture(scope="module")
def scorer(known: TokenParameters) -> TokenScorer:
    made = TokenScorer(known)
    assert made.prepare(wait=True)
    return made


def test_each_feature_counts_once_and_the_order_of_words_matters() -> None:
    assert all(len(set(block)) == len(block) for text in TEXTS for block in features(text))
    assert features("good good good")[1] == features("good good")[1]
    assert set(features("not good")[0]) != set(features("good not")[0])


def test_characters_are_those_of_words_with_their_edges() -> None:
    length = 4
    expected = sum(length + 2 - size + 1 for size in range(SHORTEST, LONGEST + 1))
    assert len(features("abcd")[1]) == len(features(":) abcd 😀")[1]) == expected
    assert features(":) !! 😀")[1] == []


def test_scores_are_the_sums_of_the_rows_of_known_features(known: TokenParameters, scorer: TokenScorer) -> None:
    for text, found in zip(TEXTS, scorer.scores(TEXTS), strict=True):
        odds = known.biases.copy()
        for gain, block in zip(known.gains, features(text), strict=True):
            rows = [known.weights[one % 4096] for one in block]
            mine = [row[:3].astype(int) for row, one in zip(rows, block, strict=True) if int(row[3]) & 255 == one >> 24]
            odds += gain / np.sqrt(max(len(mine), 1)) * np.sum(mine, axis=0, initial=0)
        chances = np.exp(odds - odds.max())
        np.testing.assert_allclose(found, chances / chances.sum(), rtol=1e-9)


@given(st.lists(st.text(st.characters()) | st.sampled_from(TEXTS), max_size=5))
def test_the_kernel_and_the_slower_path_agree(texts: list[str]) -> None:
    known = parameters()
    given = (
        Preprocessing(lowercase=False).code_points(texts) if texts else (np.empty(0, np.uint32), np.zeros(1, np.int64))
    )
    one, other = Compiled(known).score(*given, whole=True), Interpreted(known).score(*given, whole=True)
    np.testing.assert_array_equal(one[0], other[0])
    np.testing.assert_allclose(one[1], other[1], rtol=1e-9)
    np.testing.assert_allclose(one[2], other[2], rtol=1e-9)


def test_a_text_scores_the_same_alone_in_a_batch_and_on_several_threads(
    known: TokenParameters, scorer: TokenScorer
) -> None:
    many = [*TEXTS * 400]
    together = scorer.scores(many)
    alone = np.concatenate([scorer.scores([text]) for text in TEXTS])
    np.testing.assert_array_equal(together, np.tile(alone, (400, 1)))
    threaded = TokenScorer(known, threads=3)
    threaded.prepare(wait=True)
    np.testing.assert_array_equal(threaded.scores(many), together)


def test_predictions_are_the_best_labels_with_their_scores(scorer: TokenScorer) -> None:
    scores = scorer.scores(TEXTS)
    found = scorer.predict(iter(TEXTS))
    assert [one.label for one in found] == [LABELS[place] for place in scores.argmax(axis=1)]
    assert [one.score for one in found] == scores.max(axis=1).tolist()
    np.testing.assert_allclose(scores.sum(axis=1), 1)
    assert scorer.predict([]) == []
    assert scorer.scores([]).shape == (0, 3)
    assert scorer.predict([b"I love this so much!!! \xf0\x9f\x98\x8d <3"]) == found[:1]


def test_a_long_text_is_read_up_to_a_length(scorer: TokenScorer) -> None:
    begin = "good day " * (READ // 9 + 1)
    np.testing.assert_array_equal(scorer.scores([begin[:READ] + " awful" * 100]), scorer.scores([begin[:READ]]))


def test_what_is_not_a_text_is_refused(scorer: TokenScorer) -> None:
    with pytest.raises(Misconfigured, match="a single string"):
        scorer.predict("one")
    with pytest.raises(Rejected, match="text 1 can't be scored"):
        scorer.predict(["one", 2])  # type: ignore[list-item]


def test_a_saved_scorer_opens_with_the_same_scores(scorer: TokenScorer, tmp_path: Path) -> None:
    scorer.save(tmp_path)
    opened = open_scorer(tmp_path)
    assert isinstance(opened, TokenScorer)
    assert opened.labels == LABELS
    np.testing.assert_allclose(opened.scores(TEXTS), scorer.scores(TEXTS), rtol=1e-9)
    np.testing.assert_allclose(pickle.loads(pickle.dumps(opened)).scores(TEXTS), scorer.scores(TEXTS), rtol=1e-9)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"weights": np.zeros((1000, 4), np.int8)}, "not a power of two"),
        ({"weights": np.zeros((1024, 3), np.int8)}, "3 columns for 3 labels"),
        ({"gains": np.zeros(3)}, "3 gains"),
        ({"biases": np.zeros(2)}, "2 biases"),
        ({"letters": np.zeros(2, np.uint32)}, "don't fit together"),
        ({"kinds": np.zeros(1, np.int64)}, "its arrays are"),
    ],
)
def test_weights_that_do_not_fit_together_are_refused(
    known: TokenParameters, tmp_path: Path, change: dict[str, np.ndarray], fault: str
) -> None:
    path = tmp_path / weights.FILE
    known.save(path)
    arrays, metadata = weights.read(path)
    weights.write(path, {**arrays, **change}, metadata)
    with pytest.raises(Misconfigured, match=fault):
        open_scorer(tmp_path)


def test_weights_without_labels_are_refused(known: TokenParameters, tmp_path: Path) -> None:
    path = tmp_path / weights.FILE
    known.save(path)
    arrays, metadata = weights.read(path)
    weights.write(path, arrays, {**metadata, "labels": json.dumps(["a", "a", "b"])})
    with pytest.raises(Misconfigured, match="4 columns for 3 labels"):
        open_scorer(tmp_path)
