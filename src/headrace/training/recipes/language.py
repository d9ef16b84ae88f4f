"""The recipe of the default language model: hashed n-grams, short examples, word lists, scores calibrated on texts of all lengths.

It is meant to be read and changed: `fit_language` is all of it.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np

from headrace.models.card import Origin, Rule
from headrace.scoring.hashed.parameters import NONE
from headrace.scoring.hashed.scorer import HashedScorer
from headrace.training import datasets
from headrace.training.augment import FLATNESS, Mix, draw
from headrace.training.datasets import Progress, Row, silent
from headrace.training.encoder import Examples, TextEncoder
from headrace.training.fitting import Choices, Fitted
from headrace.training.goldens import LANGUAGES
from headrace.training.lessons import Lesson, Lessons, Material, Triple, Words
from headrace.training.recipes.cuts import one_word, twenty_characters, two_words
from headrace.training.recipes.recipe import Recipe
from headrace.training.recipes.sources import public_sources
from headrace.training.recipes.text import SOFTMAX, SOFTMAX_TITLE
from headrace.training.recipes.text import fit as fit_text
from headrace.training.serbian import CYRILLIC, LATIN, lists_in_both_scripts, rows_in_both_scripts
from headrace.training.table import POWER, Table, pack
from headrace.training.wikipedia import LANGUAGES as WIKIPEDIAS
from headrace.training.word_lists import merge_lists, word_lists

#: Examples of each label that a pass learns from, and passes; the last ROUNDED of them learn weights of four bits.
EXAMPLES = 130_000
PASSES = 5
ROUNDED = 1
#: A script with few labels gets as many examples as one with so many.
FEW_LABELS = 4
RATE = 1.2
#: Rows of the table of each script.
ROWS: Mapping[str, int] = {
    "latin": 345_000, "cyrillic": 100_000, "arabic": 80_000, "east asian": 64_000, "hebrew": 40_000, "devanagari": 32_000,
    "greek": 12_000, "bengali": 12_000, "ethiopic": 12_000, "tibetan": 12_000,
}  # fmt: skip
OTHER_ROWS = 4_096
#: The kinds of examples.
MIX = Mix(texts=0.2, fragments=0.16, pairs=0.2, singles=0.18, listed=0.26)
#: Examples of each family of other languages, and of each kind of noise, for one of a label.
OTHER_EXAMPLES = 0.3
#: The odds that a text is in none of the labels, and their factor once scores are calibrated: what is named should be sure.
OTHER_ODDS = 0.2
CAUTION = 3.0
#: The factor of a label's odds once scores are calibrated: a word that may be English most often is.
FAVOUR: Mapping[str, float] = {"en": 2.0}
#: The factor of a label's odds: languages that much is written in, and those that ask for more evidence than others, since texts in them
#: are rare, and close relatives of theirs are common.
ODDS: Mapping[str, float] = {
    "en": 2.0, "de": 1.3, "es": 1.3, "fr": 1.3, "it": 1.3, "pt": 1.3, "ru": 1.5,
    "af": 0.7, "an": 0.35, "ast": 0.35, "ceb": 0.8, "fo": 0.8, "gl": 0.5, "ilo": 0.8, "jv": 0.7, "lb": 0.6, "oc": 0.4, "su": 0.7,
}  # fmt: skip
#: A source of n texts of a label is drawn from in proportion to n ** SOURCE_POWER,
SOURCE_POWER = 0.6
#: times the factor of its name, if it has one.
EMPHASIS: Mapping[str, float] = {
    "dsl2014_test": 10.0,  # news in closely related languages, of which there is little
    "dsl2015_test": 10.0,
    "dsl2014_test/latin": 20.0,
    "dsl2015_test/latin": 20.0,
    "/latin": 2.0,  # Serbian in Latin script, of which no short pieces are drawn
}
#: If no rows are given to calibrate on, one text in so many is kept for that.
HELD_OUT = 50
#: Sources of short messages of programs, with many names and English words: scores are rather calibrated on prose.
MESSAGES = frozenset(
    "android_aosp ankidroid bitcoin_org desktop_apps gnome_help libreoffice mediawiki mediawiki_i18n mozilla_www openstreetmap_l10n "  # noqa: SIM905
    "phpmyadmin_docs scratch_l10n stellarium_skycultures tesseract_text tldr_pages ublock".split()
)
#: Examples of each column that are cut from the texts that calibrate.
CALIBRATING = 1_500
#: Below this probability the label is `und`. A short text may have several languages, of which the best is still the likeliest by far.
UNKNOWN_BELOW = 0.3


def fit_language(
    rows: Sequence[Triple],
    *,
    others: Sequence[Triple] = (),
    words: Words | None = None,
    held: Sequence[Triple] | None = None,
    seed: int = 0,
    passes: int = PASSES,
    examples: int = EXAMPLES,
    shrink: int = 1,
    emphasis: Mapping[str, float] = EMPHASIS,
    progress: Progress = silent,
) -> HashedScorer:
    """A calibrated language model, learnt from rows of (text, label, source).

    `others` are such rows of languages that are none of the labels: the model learns to name none for them and their like, and for noise,
    which is made from the rows. `words` holds word frequencies (label → word → frequency in any unit; see `training.word_lists`); labels
    without rows are ignored. `held` are rows that calibrate and are not learnt from; if not given, one text in HELD_OUT, chosen by its
    hash. Each pass draws about `examples` of each label anew; Serbian is learnt in both scripts. Tables have ROWS / `shrink` rows. The same
    rows, options and version of NumPy give the same model. Raises ValueError for fewer than two labels.
    """
    labels = sorted({label for _, label, _ in rows})
    if len(labels) < 2:
        raise ValueError(f"a classifier needs two labels or more; the rows have {len(labels)}")
    calibrating = (
        [row for row in rows if _held_out(row[0])] if held is None else [row for row in held if row[1] in labels]
    )
    known = [row for row in rows if not _held_out(row[0])] if held is None else rows
    encoder = TextEncoder.new()
    progress("folding", 0, len(rows))
    weighed = partial(_emphasis, emphasis=emphasis)
    held_others = [row for row in others if _held_out(row[0])]
    kept_others = [row for row in others if not _held_out(row[0])]
    lists = lists_in_both_scripts(words or {})
    lessons = Lessons(encoder, _material(known, kept_others, lists, weighed), seed)
    checks = Lessons(encoder, _material(calibrating, held_others, {}, _prose), seed + 1) if calibrating else None
    progress("folding", len(rows), len(rows))
    tables, seen = [], {}
    for number, script in enumerate(lessons.scripts):
        lesson = lessons.of(script)
        random = np.random.default_rng([seed, number])
        table = _table(lesson, labels, shrink)
        for done in range(passes):
            progress(f"training {script}", done, passes)
            rates = (RATE * (1 - done / passes), RATE * (1 - (done + 1) / passes))
            table.learn(_drawn(lesson, examples, random), rates, rounded=done >= passes - ROUNDED)
        progress(f"training {script}", passes, passes)
        if checks:
            _calibrate(table, checks.of(script, lesson), random)
        table.biases += np.log([FAVOUR.get(name, 1.0) if name in lesson.labels else CAUTION for name in lesson.columns])
        seen[number] = lesson.counts
        tables.append(table)
    return HashedScorer(pack(labels, tables, encoder, seen))


def fit(rows: Sequence[Row], choices: Choices, progress: Progress) -> Fitted:
    """The recipe: `fit_language`, or the text recipe if an estimator, a search or an SVD is asked for.

    Word frequencies come from the package wordfreq, if it is installed, and from the folder of word lists, if there is one.
    """
    if choices.search or choices.svd or choices.estimator not in (None, SOFTMAX):
        return fit_text(rows, choices, progress)
    choices.refuse_others("language")
    lists = word_lists(choices.words, rows)
    words = merge_lists(lists.values())
    others = datasets.read(choices.others, fields=choices.fields, label=choices.label).rows if choices.others else ()
    effort = {"passes": choices.passes, "examples": choices.examples}
    options: dict[str, Any] = {name: value for name, value in effort.items() if value is not None}

    def learn(some: Sequence[Row], progress: Progress = silent) -> HashedScorer:
        return fit_language(some, others=others, words=words, seed=choices.seed, progress=progress, **options)

    parameters = {
        "passes": PASSES,
        "examples": EXAMPLES,
        **options,
        "rate": RATE,
        "power": POWER,
        "rows": {**ROWS, "others": OTHER_ROWS},
        "mix": asdict(MIX),
        "other_examples": OTHER_EXAMPLES,
        "other_odds": OTHER_ODDS,
        "caution": CAUTION,
        "favour": dict(FAVOUR),
        "odds": dict(ODDS),
        "source_power": SOURCE_POWER,
        "flatness": FLATNESS,
        "emphasis": dict(EMPHASIS),
    }
    advice = "without word lists, single words are labelled less well: pip install 'headrace[language]', or give --words FOLDER"
    return Fitted(
        learn(rows, progress),
        SOFTMAX_TITLE,
        parameters,
        learn,
        origins=tuple(Origin(name, sum(map(len, one.values()))) for name, one in lists.items()),
        notes=() if lists else (advice,),
    )


LANGUAGE = Recipe(
    "language",
    "the language of a text, however short: hashed n-grams and a softmax, calibrated on texts of all lengths",
    fit,
    rule=Rule(UNKNOWN_BELOW),
    golden=LANGUAGES,
    label_sets={"wikipedias": WIKIPEDIAS},
    cuts=(("20 characters", twenty_characters), ("two words", two_words), ("one word", one_word)),
    test_size=0.02,
    sources=partial(public_sources, "language"),
)


def _material(
    rows: Sequence[Triple], others: Sequence[Triple], words: Words, emphasis: Callable[[str], float]
) -> Material:
    # One or two words of Serbian in Latin script could as well be Croatian: they are left to that.
    both = list(rows_in_both_scripts(rows))
    return Material(both, others, words, SOURCE_POWER, emphasis, lambda source: source.endswith(LATIN))


def _table(lesson: Lesson, labels: Sequence[str], shrink: int) -> Table:
    owners = tuple(labels.index(name) if name in lesson.labels else NONE for name in lesson.columns)
    none = len(owners) - len(lesson.labels)
    odds = [
        ODDS.get(name, 1.0) if name in lesson.labels else OTHER_ODDS * len(lesson.labels) / none
        for name in lesson.columns
    ]
    rows = max(ROWS.get(lesson.script, OTHER_ROWS) // shrink, 64)
    return Table(lesson.script, lesson.columns, owners, rows, np.log(odds))


def _drawn(lesson: Lesson, examples: int, random: np.random.Generator) -> Examples:
    shares = np.array([1.0 if name in lesson.labels else OTHER_EXAMPLES for name in lesson.columns])
    return draw(lesson.corpus, int(examples * max(shares.sum(), FEW_LABELS)), MIX, random, shares)


def _calibrate(table: Table, lesson: Lesson, random: np.random.Generator) -> None:
    """On as many texts of each label, and of none of them by their odds."""
    if lesson.corpus.weights.sum() > 0:
        none = len(lesson.columns) - len(lesson.labels)
        other = OTHER_ODDS * len(lesson.labels) / max(none, 1)
        shares = np.array([1.0 if name in lesson.labels else other for name in lesson.columns])
        table.calibrate(draw(lesson.corpus, CALIBRATING * len(lesson.columns), MIX, random, shares))


def _prose(source: str) -> float:
    return 0.1 if source in MESSAGES else 1.0


def _emphasis(source: str, emphasis: Mapping[str, float]) -> float:
    """The factor of a source: for `NAME/latin` its own or that of LATIN, for any other script that of `NAME`; else 1."""
    if source.endswith(LATIN):
        return emphasis.get(source, emphasis.get(LATIN, 1.0))
    return emphasis.get(source.removesuffix(CYRILLIC), 1.0)


def _held_out(text: str) -> bool:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) % HELD_OUT == 0
