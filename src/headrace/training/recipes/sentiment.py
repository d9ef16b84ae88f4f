"""The recipe of the default sentiment model: short informal text, from as many labelled sources as there are, and distant labels.

It is meant to be read and changed: `fit` is all of it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.stats import loguniform

from headrace.scoring.tokens.scorer import TokenScorer
from headrace.training import sentiments
from headrace.training.datasets import Progress, Row, silent
from headrace.training.distant import SOURCE as DISTANT
from headrace.training.fitting import Choices, Fitted
from headrace.training.goldens import SENTIMENTS
from headrace.training.holdout import split
from headrace.training.recipes.recipe import Kind, Recipe
from headrace.training.recipes.sources import public_sources
from headrace.training.recipes.text import fit as fit_text
from headrace.training.search import Trial, search
from headrace.training.token_examples import TokenExamples
from headrace.training.token_owners import owned, owners
from headrace.training.token_softmax import Material, TokenSoftmax

#: The estimator of this recipe, and its description on the card.
TOKENS = "tokens"
TITLE = "tokens: softmax over hashed words, emoji and n-grams, by AdaGrad, calibrated"
#: If one of these is among the sources, it is the main one, whose labels are wanted. Otherwise all sources that have every label are.
MAIN = frozenset({"semeval_2013_2016"})
#: Rows of the table for each text that is learnt from, and at most; a power of two is taken.
ROWS_OF_TEXT, MOST_ROWS = 64, 1 << 20
#: Models that are averaged; they differ in the order of the texts.
BAG = 5
#: The first pass is over all sources, at the estimator's rate, falling to the second of these shares of it.
START = (1.0, 0.5)
#: Then the sums of squared gradients are multiplied by this, so that the main sources are heard.
FORGET = 0.1
#: In each of the further passes, over all main rows, these shares: of the other rows that are taken along, and of the rate at first.
REMINDER, RATE = 0.25, 0.5
#: How much a row counts if its source is not a main one, or its label a distant one, of which a share of NOISE is taken to be wrong.
OTHER, DISTANT_WEIGHT, NOISE = 0.5, 0.2, 0.1
#: How much less still the words of distant rows count when a row of the table has to be given to one of several.
RARELY = 0.1
#: The most that a row counts because its source has few with this label, and rows of a source with distant labels at most.
MOST_BALANCE, MOST_DISTANT = 5.0, 500_000
#: The share of the main rows that calibrates.
CALIBRATING = 0.1
#: Sources with distant labels whose names do not say so.
DISTANT_SOURCES = frozenset({"gkemmey2011", "nltk2015"})
#: What the model knows, for its card.
ABOUT = "Short informal text, such as tweets, posts and messages. It was not made for reviews, headlines and other edited text."
#: Sources that are only measured, with what their texts are: what is negative or positive in them is something else than in tweets.
FOREIGN: Mapping[str, str] = {
    "sst2": "phrases of film reviews",
    "sentence_polarity": "sentences of film reviews",
    "uci_reviews": "sentences of reviews of goods, films and restaurants",
    "vader_amazon": "sentences of reviews of goods",
    "vader_nyt": "sentences of newspapers",
}
#: What the texts of some sources that are learnt from are.
KINDS: Mapping[str, str] = {
    "semeval_2013_2016": "tweets on many topics",
    "us_airline": "tweets to the support of airlines",
    "gop_debate": "tweets on a debate",
    "kaggle_entity_sentiment": "tweets on games and brands",
    **FOREIGN,
}


def fit(rows: Sequence[Row], choices: Choices, progress: Progress) -> Fitted:
    """The recipe, or the text recipe if another estimator or an SVD is asked for.

    Raises Misconfigured if a choice does not exist or does not fit the data.
    """
    if choices.svd or choices.estimator not in (None, TOKENS):
        return fit_text(rows, choices, progress)
    model = TokenSoftmax(buckets=_buckets(len(rows)), passes=5, seed=choices.seed)
    trials: tuple[Trial, ...] = ()
    if choices.search:
        main = _parted(rows)[0]
        ranges = {"rate": loguniform(0.03, 0.3), "shrinkage": loguniform(1e-4, 1e-2), "passes": range(3, 9)}
        names = np.array([row.label for row in main])
        trials = search(
            model, ranges, choices.search, [row.text for row in main], names, seed=choices.seed, progress=progress
        )
    parameters = {
        **model.get_params(), "bag": BAG, "start": START, "forget": FORGET, "reminder": REMINDER, "later_rate": RATE, "other": OTHER,
        "distant": DISTANT_WEIGHT, "noise": NOISE,
    }  # fmt: skip
    notes = tuple(filter(None, [sentiments.remark(rows)]))
    return Fitted(
        _fit(model, rows, progress), TITLE, parameters, lambda some: _fit(model, some), trials=trials, notes=notes
    )


def kinds(rows: Sequence[Row]) -> list[Kind]:
    """Held-out rows by kinds of text: those of the main sources first, then of each other source that is known, then all others."""
    main, others, foreign = _parted(rows)
    names = {row.source for row in main}
    found = {KINDS.get(min(names), "texts") if len(names) == 1 else "texts": main}
    for row in (*others, *foreign):
        found.setdefault(KINDS.get(row.source, "distant labels" if _is_distant(row) else "other texts"), []).append(row)
    return [Kind(name, some) for name, some in found.items() if some]


@dataclass(frozen=True)
class _Lesson:
    """What is learnt from, and the places in it of the rows of main sources and of all others."""

    material: Material
    owners: NDArray[np.int64]
    main: NDArray[np.int64]
    others: NDArray[np.int64]


def _fit(model: TokenSoftmax, rows: Sequence[Row], progress: Progress = silent) -> TokenScorer:
    """The mean of BAG models, calibrated on a part of the main rows."""
    main, others, _ = _parted(rows)
    learnt, held = split(main, CALIBRATING, seed=model.seed)
    names = np.unique([row.label for row in rows])
    model.start(names)
    lesson = _lesson(model, learnt, _fewer(others, model.seed))
    weights, biases = np.zeros_like(model.weights_), np.zeros(len(names))
    for number in range(BAG):
        progress("fitting", number, BAG)
        model.start(names, lesson.owners, len(lesson.material.known))
        _learn(model, lesson, np.random.default_rng((model.seed, number)))
        weights += model.weights_ / BAG
        biases += model.biases_[0] / BAG
    progress("fitting", BAG, BAG)
    model.weights_, model.biases_ = weights, biases[None]
    return model.calibrate([row.text for row in held], [row.label for row in held]).to_scorer()


def _learn(model: TokenSoftmax, lesson: _Lesson, random: np.random.Generator) -> None:
    everything = random.permutation(len(lesson.main) + len(lesson.others))
    model.learn(lesson.material, everything, (model.rate * START[0], model.rate * START[1]))
    model.squares_ *= FORGET
    later, rate = model.passes - 1, model.rate * RATE
    for number in range(later):
        some = random.choice(lesson.others, int(len(lesson.others) * REMINDER), replace=False)
        order = random.permutation(np.concatenate([lesson.main, some]))
        model.learn(lesson.material, order, (rate * (1 - number / later), rate * (1 - (number + 1) / later)))


def _lesson(model: TokenSoftmax, main: Sequence[Row], others: Sequence[Row]) -> _Lesson:
    """The rows as material: those of main sources are of one source, the first."""
    rows = [*main, *others]
    places = {source: place for place, source in enumerate(dict.fromkeys(row.source for row in others), 1)}
    sources = np.array([0] * len(main) + [places[row.source] for row in others], np.int64)
    labels = np.searchsorted(model.classes_, [row.label for row in rows])
    known = np.zeros((len(places) + 1, len(model.classes_)), np.bool_)
    known[sources, labels] = True
    distant = np.array([_is_distant(row) for row in rows])
    examples = TokenExamples.of([row.text for row in rows], model.characters_)
    shares = np.where(distant, NOISE, 0.0)[:, None] * known[sources] / known[sources].sum(axis=1, keepdims=True)
    targets = shares + np.eye(len(model.classes_))[labels] * np.where(distant, 1 - NOISE, 1.0)[:, None]
    counts = np.zeros(known.shape)
    np.add.at(counts, (sources, labels), 1)
    fair = counts.sum(axis=1, keepdims=True) / np.maximum(counts, 1) / known.sum(axis=1, keepdims=True)
    heard = np.where(distant, DISTANT_WEIGHT, np.where(sources > 0, OTHER, 1.0)).astype(np.float32)
    weights = np.minimum(fair[sources, labels], MOST_BALANCE) * heard
    owning = owners(examples, heard * np.where(distant, RARELY, 1.0).astype(np.float32), model.buckets, model.least)
    material = Material(owned(examples, owning), targets.astype(np.float32), weights.astype(np.float32), sources, known)
    return _Lesson(material, owning, np.arange(len(main)), np.arange(len(main), len(rows)))


def _parted(rows: Sequence[Row]) -> tuple[list[Row], list[Row], list[Row]]:
    """The rows of main sources, of others, and of those that are not learnt from. Something is always main."""
    labels: dict[str, set[str]] = {}
    for row in rows:
        labels.setdefault(row.source, set()).add(row.label)
    known = [source for source in labels if source not in FOREIGN] or list(labels)
    every = set().union(*(labels[source] for source in known))
    main = MAIN & set(known) or {source for source in known if labels[source] == every} or set(known)
    first = [row for row in rows if row.source in main]
    others = [row for row in rows if row.source in known and row.source not in main]
    return first, others, [row for row in rows if row.source not in known]


def _fewer(rows: Sequence[Row], seed: int) -> list[Row]:
    """The rows, of each source with distant labels at most MOST_DISTANT, drawn at random."""
    counts = Counter(row.source for row in rows if _is_distant(row))
    shares = {source: MOST_DISTANT / count for source, count in counts.items() if count > MOST_DISTANT}
    drawn = np.random.default_rng(seed).random(len(rows)).tolist() if shares else [0.0] * len(rows)
    return [row for row, chance in zip(rows, drawn, strict=True) if chance < shares.get(row.source, 1.0)]


def _is_distant(row: Row) -> bool:
    return row.source.startswith(DISTANT) or row.source in DISTANT_SOURCES


def _buckets(texts: int) -> int:
    """A power of two: rows of the table for so many texts."""
    return min(1 << (texts * ROWS_OF_TEXT - 1).bit_length(), MOST_ROWS)


SENTIMENT = Recipe(
    "sentiment",
    "the sentiment of short informal text, or any other labels of it: words, emoji, emoticons, n-grams and a softmax, calibrated",
    fit,
    check=sentiments.check,
    about=ABOUT,
    golden=SENTIMENTS,
    kinds=kinds,
    sources=partial(public_sources, "sentiment"),
)
