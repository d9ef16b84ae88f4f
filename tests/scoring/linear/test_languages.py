"""On real texts in all 38 languages, the compiled pipeline gives the labels and scores of the pipeline.

The texts stand beside the checkout (../shared/data) and are not part of the project.
"""

import gzip
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import RidgeClassifier, SGDClassifier
from sklearn.naive_bayes import ComplementNB
from sklearn.pipeline import make_pipeline

from headrace.scoring.linear.compile import compile as compile_
from headrace.scoring.linear.scorer import LinearScorer

DATA = Path(__file__).parents[4] / "shared" / "data" / "language" / "dev"
pytestmark = pytest.mark.skipif(
    not DATA.is_dir() and os.environ.get("CI") != "true", reason=f"the texts of 38 languages are not at {DATA}"
)
PIPELINES: dict[str, Any] = {
    "characters, SGD": make_pipeline(
        TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True, max_features=20_000),
        SGDClassifier("log_loss", max_iter=3, tol=None, random_state=0),
    ),
    "within words, Bayes": make_pipeline(
        CountVectorizer(analyzer="char_wb", ngram_range=(2, 4), max_features=20_000), ComplementNB()
    ),
    "hashed words and pairs, ridge": make_pipeline(
        HashingVectorizer(ngram_range=(1, 2), n_features=2**13, lowercase=False),
        RidgeClassifier(solver="lsqr", max_iter=5),
    ),
}


@pytest.fixture(scope="module")
def rows() -> tuple[list[str], list[str]]:
    texts, labels = [], []
    for path in sorted(DATA.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                texts.append(row["text"])
                labels.append(row["label"])
    assert len(set(labels)) == 38, "all languages must be there"
    return texts, labels


@pytest.mark.parametrize("name", PIPELINES)
def test_labels_and_scores_are_those_of_the_pipeline(name: str, rows: tuple[list[str], list[str]]) -> None:
    texts, labels = (column[::5] for column in rows)
    pipeline = PIPELINES[name].fit(texts[::2], labels[::2])
    scorer = compile_(pipeline)
    assert isinstance(scorer, LinearScorer)
    predict = pipeline.predict_proba if scorer.calibrated else pipeline.decision_function
    wanted, scores = predict(texts), scorer.scores(texts)
    np.testing.assert_allclose(scores, wanted, rtol=1e-5, atol=1e-12)
    predicted = [prediction.label for prediction in scorer.predict(texts)]
    top = np.sort(wanted, axis=1)
    apart = top[:, -1] - top[:, -2] >= 1e-9
    np.testing.assert_array_equal(np.array(predicted)[apart], pipeline.predict(texts)[apart])
