"""The recipe of the default sentiment model: short informal text, from as many labelled sources as there are, and distant labels.

It is meant to be read and changed: `fit` is all of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
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
from headrace.training.teacher import NAME as TEACHER
from headrace.training.teacher import Teacher
from headrace.training.token_lessons import Course, Lesson
from headrace.training.token_softmax import TokenSoftmax

#: The estimator of this recipe, and its description on the card.
TOKENS = "tokens"
TITLE = "tokens: softmax over hashed words, emoji and n-grams, by AdaGrad, calibrated"
#: If one of these is among the sources, it is the main one, whose labels are wanted. Otherwise all sources that have every label are.
MAIN = frozenset({"semeval_2013_2016"})
#: Rows of the table for each text that is learnt from, and at most; a power of two is taken.
ROWS_OF_TEXT, MOST_ROWS = 64, 1 << 20
#: Models that are averaged; they differ in the order of the texts.
BAG = 5
#: The order of learning, without a teacher and with one.
PLAIN, TAUGHT = Course(first=1, later=6, rate=0.7), Course(first=8, later=3, rate=0.5)
#: Rows of each group that a teacher learns from: of sources with every label, with some of them, and with distant ones.
TEACHER_ROWS = 50_000
#: Of a main row, and of a row of another source that has every label, the share that is its label's, and not the teacher's.
OWN_LABELS, OTHER_LABELS = 0.7, 0.5
#: How much a row counts if its source is not a main one, or its label a distant one, of which a share of NOISE is taken to be wrong.
OTHER, DISTANT_WEIGHT, NOISE = 0.5, 0.2, 0.1
#: How much less still the words of distant rows count when a row of the table has to be given to one of several.
RARELY = 0.1
#: The most that a row counts because its source has few with this label.
MOST_BALANCE = 5.0
#: Rows of a source with distant labels at most, without a teacher and with one, which is slow.
MOST_DISTANT, MOST_TAUGHT = 500_000, 150_000
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
    choices.refuse_others("sentiment")
    model = TokenSoftmax(buckets=_buckets(len(rows)), seed=choices.seed)
    trials: tuple[Trial, ...] = ()
    if choices.search:
        main = _parted(rows)[0]
        ranges = {"rate": loguniform(0.03, 0.3), "shrinkage": loguniform(1e-4, 1e-2)}
        names = np.array([row.label for row in main])
        trials = search(
            model, ranges, choices.search, [row.text for row in main], names, seed=choices.seed, progress=progress
        )
    course = TAUGHT if choices.teacher else PLAIN
    parameters = {
        **{name: value for name, value in model.get_params().items() if name != "passes"},
        "course": asdict(course), "bag": BAG, "other": OTHER, "distant": DISTANT_WEIGHT, "noise": NOISE,
        "teacher": TEACHER if choices.teacher else None,
    }  # fmt: skip
    notes = tuple(filter(None, [sentiments.remark(rows)]))
    scorer = _fit(model, rows, choices.teacher, progress)
    return Fitted(
        scorer, TITLE, parameters, lambda some: _fit(model, some, choices.teacher), trials=trials, notes=notes
    )


def kinds(rows: Sequence[Row]) -> list[Kind]:
    """Held-out rows by kinds of text: those of the main sources first, then of each other source that is known, then all others."""
    main, others, foreign = _parted(rows)
    names = {row.source for row in main}
    found = {KINDS.get(min(names), "texts") if len(names) == 1 else "texts": main}
    for row in (*others, *foreign):
        found.setdefault(KINDS.get(row.source, "distant labels" if _is_distant(row) else "other texts"), []).append(row)
    return [Kind(name, some) for name, some in found.items() if some]


def _fit(model: TokenSoftmax, rows: Sequence[Row], taught: bool, progress: Progress = silent) -> TokenScorer:
    """The mean of BAG models, calibrated on a part of the main rows."""
    main, others, _ = _parted(rows)
    learnt, held = split(main, CALIBRATING, seed=model.seed)
    others = _fewer(others, MOST_TAUGHT if taught else MOST_DISTANT, model.seed)
    names = np.unique([row.label for row in rows])
    model.start(names)
    lesson, course = (
        (_taught(model, learnt, others, progress), TAUGHT) if taught else (_lesson(model, learnt, others), PLAIN)
    )
    weights, biases = np.zeros_like(model.weights_), np.zeros(len(names))
    for number in range(BAG):
        progress("fitting", number, BAG)
        model.start(names, lesson.owners, len(lesson.material.known))
        course.learn(model, lesson, np.random.default_rng((model.seed, number)))
        weights += model.weights_ / BAG
        biases += model.biases_[0] / BAG
    progress("fitting", BAG, BAG)
    model.weights_, model.biases_ = weights, biases[None]
    return model.calibrate([row.text for row in held], [row.label for row in held]).to_scorer()


def _lesson(model: TokenSoftmax, main: Sequence[Row], others: Sequence[Row]) -> Lesson:
    """Each source says what its labels can, and those with distant labels say it in a low voice."""
    rows = [*main, *others]
    sources, distant = _sources(main, others), np.array([_is_distant(row) for row in rows])
    heard = np.where(distant, DISTANT_WEIGHT, np.where(sources > 0, OTHER, 1.0))
    votes = heard * np.where(distant, RARELY, 1.0)
    noise = np.where(distant, NOISE, 0.0)
    return Lesson.of(model, rows, len(main), sources, heard=heard, votes=votes, noise=noise, most=MOST_BALANCE)


def _taught(model: TokenSoftmax, main: Sequence[Row], others: Sequence[Row], progress: Progress) -> Lesson:
    """The teacher says what it thinks of each text; that is mixed with the labels of sources that have all of them."""
    known, labels = {row.label for row in main}, _labels(others)
    distant = [row for row in others if _is_distant(row)]
    rest = [row for row in others if not _is_distant(row)]
    whole = [row for row in rest if labels[row.source] == known]
    part = [row for row in rest if labels[row.source] != known]
    random = np.random.default_rng(model.seed)
    groups = [_drawn(some, TEACHER_ROWS, random) for some in (whole, part, distant)]
    teacher = Teacher.learn(main, groups, seed=model.seed, progress=progress)
    rows, sources = [*main, *others], _sources(main, others)
    said = teacher.probabilities([row.text for row in rows], progress=progress)
    votes = np.array([DISTANT_WEIGHT * RARELY if _is_distant(row) else 1.0 for row in rows])
    heard = np.where(sources > 0, OTHER, 1.0)
    lesson = Lesson.of(model, rows, len(main), sources, heard=heard, votes=votes, most=MOST_BALANCE)
    trusted = [0.0 if _is_distant(row) or labels[row.source] != known else OTHER_LABELS for row in others]
    return lesson.told(said, np.array([OWN_LABELS] * len(main) + trusted, np.float32))


def _sources(main: Sequence[Row], others: Sequence[Row]) -> NDArray[np.int64]:
    """The place of each row's source; all main ones are the first."""
    places = {source: place for place, source in enumerate(dict.fromkeys(row.source for row in others), 1)}
    return np.array([0] * len(main) + [places[row.source] for row in others], np.int64)


def _labels(rows: Sequence[Row]) -> Mapping[str, set[str]]:
    """The labels that each source has."""
    labels: dict[str, set[str]] = {}
    for row in rows:
        labels.setdefault(row.source, set()).add(row.label)
    return labels


def _parted(rows: Sequence[Row]) -> tuple[list[Row], list[Row], list[Row]]:
    """The rows of main sources, of others, and of those that are not learnt from. Something is always main."""
    labels = _labels(rows)
    known = [source for source in labels if source not in FOREIGN] or list(labels)
    every = set().union(*(labels[source] for source in known))
    main = MAIN & set(known) or {source for source in known if labels[source] == every} or set(known)
    first = [row for row in rows if row.source in main]
    others = [row for row in rows if row.source in known and row.source not in main]
    return first, others, [row for row in rows if row.source not in known]


def _fewer(rows: Sequence[Row], most: int, seed: int) -> list[Row]:
    """The rows, of each source with distant labels at most so many, drawn at random."""
    random = np.random.default_rng(seed)
    by_source: dict[str, list[Row]] = {}
    for row in rows:
        by_source.setdefault(row.source, []).append(row)
    return [
        row for some in by_source.values() for row in (_drawn(some, most, random) if _is_distant(some[0]) else some)
    ]


def _drawn(rows: Sequence[Row], most: int, random: np.random.Generator) -> list[Row]:
    """At most so many of the rows, drawn at random, in their order."""
    if len(rows) <= most:
        return list(rows)
    return [rows[place] for place in np.sort(random.choice(len(rows), most, replace=False)).tolist()]


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
