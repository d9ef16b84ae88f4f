"""Recipes: how a task is trained, evaluated and served, by name. They are meant to be read and changed."""

import hashlib
import random
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import loguniform, uniform
from sklearn.base import clone

from headrace.errors import Misconfigured, did_you_mean
from headrace.models.card import Origin, Rule
from headrace.models.model import Scorer
from headrace.training import fitting
from headrace.training.datasets import Progress, Row, silent
from headrace.training.fitting import Choices, Fitted
from headrace.training.goldens import LANGUAGES
from headrace.training.holdout import split
from headrace.training.search import Trial, search

SOFTMAX = "softmax"
SOFTMAX_NAME = "softmax: over hashed n-grams of characters, by AdaGrad, calibrated by length"
UNKNOWN_BELOW = 0.5  # more likely wrong than right

Cut = Callable[[str, random.Random], str]


@dataclass(frozen=True)
class Recipe:
    """How a task is trained.

    `fit` learns from rows; `rule` goes into the card; `golden` are texts to check every load with (from the user's own data where
    there are none); `cuts` makes further kinds of held-out text from the whole ones; `test_size` is the part held out, unless the
    user says; `sources` tells homes and licences of data by file name.
    """

    name: str
    summary: str
    fit: Callable[[Sequence[Row], Choices, Progress], Fitted]
    rule: Rule | None = None
    golden: tuple[str, ...] = ()
    cuts: tuple[tuple[str, Cut], ...] = ()
    test_size: float = 0.1
    sources: Callable[[], Mapping[str, Mapping[str, str]]] = dict


def recipes() -> dict[str, Recipe]:
    """All recipes by name."""
    known = (
        Recipe("text", "any labels of any texts: TF-IDF of n-grams and a linear classifier, calibrated", fit_text),
        Recipe(
            "language",
            "the language of a text, however short: hashed n-grams and a softmax, calibrated on texts of all lengths",
            fit_language,
            rule=Rule(UNKNOWN_BELOW),
            golden=LANGUAGES,
            cuts=(("20 characters", twenty_characters), ("two words", two_words), ("one word", one_word)),
            test_size=0.02,
            sources=public_sources,
        ),
    )
    return {recipe.name: recipe for recipe in known}


def find(task: str, recipe: str | None = None) -> Recipe:
    """The recipe that was asked for, else the one with the task's name, else "text"; Misconfigured for an unknown one."""
    known = recipes()
    if recipe is None:
        return known.get(task, known["text"])
    if recipe not in known:
        meant = did_you_mean(recipe, known, "{!r}")
        raise Misconfigured(f"there is no recipe {recipe!r}; {meant}there are {', '.join(known)}")
    return known[recipe]


def fit_text(rows: Sequence[Row], choices: Choices, progress: Progress) -> Fitted:
    """A pipeline, or, as estimator "softmax", hashed n-grams and a softmax, calibrated on a tenth of the rows."""
    if choices.estimator != SOFTMAX:
        return fitting.fit(rows, choices, progress)
    if choices.svd:
        raise Misconfigured(
            "softmax learns from hashed n-grams and knows no SVD; leave --svd out, or choose another estimator"
        )
    from headrace.training.softmax import HashedSoftmax

    model = HashedSoftmax(seed=choices.seed)
    trials: tuple[Trial, ...] = ()
    learnt, held = split(rows, 0.1, seed=choices.seed)
    texts, labels = [row.text for row in learnt], np.array([row.label for row in learnt])
    if choices.search:
        ranges = {
            "power": uniform(0.0, 0.5),
            "rate": loguniform(0.1, 2),
            "passes": range(2, 13),
            "pairs": [True, False],
        }
        trials = search(model, ranges, choices.search, texts, labels, seed=choices.seed, progress=progress)
    progress("fitting", 0, 1)
    scorer = _softmax(model, learnt, held)
    progress("fitting", 1, 1)

    def again(some: Sequence[Row]) -> Scorer:
        return _softmax(clone(model), *split(some, 0.1, seed=choices.seed))

    return Fitted(scorer, SOFTMAX_NAME, model.get_params(), again, trials=trials)


def _softmax(model: Any, learnt: Sequence[Row], held: Sequence[Row]) -> Scorer:
    model.fit([row.text for row in learnt], [row.label for row in learnt])
    model.calibrate([row.text for row in held], [row.label for row in held])
    scorer: Scorer = model.to_scorer()
    return scorer


def fit_language(rows: Sequence[Row], choices: Choices, progress: Progress) -> Fitted:
    """The default language recipe; a pipeline like any other task's where an estimator, a search or an SVD is asked for.

    Word frequencies come from the package wordfreq and from the folder of word lists, where there is one.
    """
    if choices.search or choices.svd or choices.estimator not in (None, SOFTMAX):
        return fit_text(rows, choices, progress)
    from headrace.training.augment import FLATNESS, Mix, blend, word_frequencies
    from headrace.training.language import EMPHASIS, EXAMPLES, SOURCE_POWER, read_words
    from headrace.training.language import fit_language as fit

    lists = dict(zip(_subfolders(choices.words), read_words(choices.words), strict=True)) if choices.words else {}
    if find_spec("wordfreq"):
        lists["wordfreq"] = word_frequencies(sorted({row.label for row in rows}))
    words = blend(lists.values())

    effort = {"passes": choices.passes, "examples": choices.examples}
    options: dict[str, Any] = {name: value for name, value in effort.items() if value is not None}

    def learn(some: Sequence[Row], told: Progress) -> Any:
        return fit(some, words=words, seed=choices.seed, progress=told, **options)

    model = learn(rows, progress)
    drawn = {"examples": options.get("examples", EXAMPLES), "source_power": SOURCE_POWER, "flatness": FLATNESS}
    parameters = {**model.get_params(), **drawn, "mix": asdict(Mix()), "emphasis": dict(EMPHASIS)}
    notes = (
        ()
        if lists
        else ("without word lists single words fare worse: pip install 'headrace[language]', or give --words FOLDER",)
    )
    origins = tuple(Origin(name, sum(map(len, one.values()))) for name, one in lists.items())
    again = lambda some: learn(some, silent).to_scorer()  # noqa: E731
    return Fitted(model.to_scorer(), SOFTMAX_NAME, parameters, again, origins=origins, notes=notes)


def _subfolders(folder: Path) -> list[str]:
    """The names of the word lists, in the order in which they are read."""
    if not folder.is_dir():
        raise Misconfigured(f"there are no word lists in {folder}: it is no folder")
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and any(path.glob("*.txt.gz")))


def public_sources() -> dict[str, dict[str, str]]:
    """Home and licence of the public data that the default language model is trained on, by file name."""
    return tomllib.loads(Path(__file__).with_name("sources.toml").read_text(encoding="utf-8"))


def one_word(text: str, chance: random.Random) -> str:
    """A word of the text; of a text that doesn't put blanks between words, up to four characters."""
    words = [word for word in text.split() if any(character.isalpha() for character in word)]
    if not words:
        return text
    word = chance.choice(words)
    return _piece(word, 4, chance) if _unspaced(word) else word


def two_words(text: str, chance: random.Random) -> str:
    """Two neighbouring words; of a text that doesn't put blanks between words, up to eight characters."""
    words = text.split()
    if len(words) < 2:
        return _piece(text, 8, chance) if _unspaced(text) else text
    start = chance.randrange(len(words) - 1)
    pair = " ".join(words[start : start + 2])
    return _piece(pair, 8, chance) if _unspaced(pair) else pair


def twenty_characters(text: str, chance: random.Random) -> str:
    """A piece of twenty characters."""
    return _piece(text, 20, chance).strip() or text


def vary(rows: Sequence[Row], cut: Cut, seed: int) -> list[Row]:
    """Each row's text cut; the same for the same text and seed."""
    return [
        row._replace(text=cut(row.text, random.Random(hashlib.blake2b(f"{seed} {row.text}".encode()).digest())))
        for row in rows
    ]


def _piece(text: str, length: int, chance: random.Random) -> str:
    start = chance.randrange(max(1, len(text) - length + 1))
    return text[start : start + length]


def _unspaced(text: str) -> bool:
    return any("\u3040" <= character <= "\u9fff" for character in text)
