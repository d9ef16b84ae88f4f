"""The recipe of the default language model: hashed n-grams, short examples, word lists, scores calibrated on texts of all lengths.

It is meant to be read and changed: `fit_language` is all of it.
"""

import gzip
import hashlib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace.errors import Misconfigured
from headrace.models.card import Origin, Rule
from headrace.training.augment import (
    FLATNESS,
    Corpus,
    Mix,
    build_corpus,
    draw,
    merge_lists,
    source_weights,
    word_frequencies,
)
from headrace.training.datasets import Progress, Row, silent
from headrace.training.encoder import Examples, TextEncoder
from headrace.training.fitting import Choices, Fitted
from headrace.training.goldens import LANGUAGES
from headrace.training.recipes.cuts import one_word, twenty_characters, two_words
from headrace.training.recipes.recipe import Recipe
from headrace.training.recipes.text import SOFTMAX, SOFTMAX_TITLE
from headrace.training.recipes.text import fit as fit_text
from headrace.training.serbian import CYRILLIC, LATIN, lists_in_both_scripts, rows_in_both_scripts
from headrace.training.softmax import HashedSoftmax
from headrace.training.wikipedia import LANGUAGES as WIKIPEDIAS

#: Examples that a pass learns from, and passes.
EXAMPLES = 4_000_000
PASSES = 6
#: Parameters of HashedSoftmax.
BUCKETS = 500_000
RATE = 1.2
POWER = 0.25
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
#: Examples that are cut from the texts that calibrate.
CALIBRATING = 100_000
#: Below this probability the label is `und`: it is more likely wrong than right.
UNKNOWN_BELOW = 0.5

Triple = tuple[str, str, str]
Names = NDArray[np.str_]
Words = Mapping[str, Mapping[str, float]]


def fit_language(
    rows: Sequence[Triple],
    *,
    words: Words | None = None,
    held: Sequence[Triple] | None = None,
    seed: int = 0,
    passes: int = PASSES,
    examples: int = EXAMPLES,
    buckets: int = BUCKETS,
    mix: Mix = Mix(),  # noqa: B008 (frozen)
    emphasis: Mapping[str, float] = EMPHASIS,
    progress: Progress = silent,
) -> HashedSoftmax:
    """A calibrated language model, learnt from rows of (text, label, source).

    `words` holds word frequencies (label → word → frequency in any unit; see `augment.merge_lists`, `augment.word_frequencies`,
    `read_words`); labels without rows are ignored. `held` are rows that calibrate and are not learnt from; if not given, one text in
    HELD_OUT, chosen by its hash. Each pass draws `examples` anew, as many of each label; Serbian is learnt in both scripts. The same rows,
    options and version of NumPy give the same model. Raises ValueError for fewer than two labels.
    """
    if held is None:
        held = [row for row in rows if _held_out(row[0])]
        rows = [row for row in rows if not _held_out(row[0])]
    rows = list(rows_in_both_scripts(rows))
    classes = np.unique([label for _, label, _ in rows])
    model = HashedSoftmax(buckets=buckets, rate=RATE, power=POWER, passes=passes, seed=seed)
    encoder = TextEncoder.new()
    model.start(classes, encoder)
    progress("folding", 0, len(rows))
    source = _corpus(encoder, classes, rows, emphasis, lists_in_both_scripts(words or {}))
    progress("folding", len(rows), len(rows))
    random = np.random.default_rng(seed)
    for number in range(passes):
        progress("training", number, passes)
        rates = (RATE * (1 - number / passes), RATE * (1 - (number + 1) / passes))
        model.learn(draw(source, examples, mix, random), rates)
    progress("training", passes, passes)
    if calibrating := _calibrating(encoder, classes, held, mix, seed):
        model.calibrate_on(calibrating)
    return model


def read_words(folder: Path) -> dict[str, dict[str, dict[str, float]]]:
    """The word lists of a folder, by the names of its subfolders: label → word → frequency, from `LABEL.txt.gz` or `LABEL_any.txt.gz`.

    A line is a word and its count; or a word alone, in the order of frequency, and then its count is 1 / (10 + rank), by Zipf's law.
    Subfolders without such files are ignored. Raises Misconfigured if the folder has no word list.
    """
    if not folder.is_dir():
        raise Misconfigured(f"there are no word lists in {folder}: it is not a folder")
    lists: dict[str, dict[str, dict[str, float]]] = {}
    for subfolder in sorted(path for path in folder.iterdir() if path.is_dir()):
        for path in sorted(subfolder.glob("*.txt.gz")):
            label = path.name.partition(".")[0].partition("_")[0]
            frequencies = lists.setdefault(subfolder.name, {}).setdefault(label, {})
            for word, count in _entries(path):
                frequencies[word] = frequencies.get(word, 0.0) + count
    if not lists:
        raise Misconfigured(
            f"there are no word lists in {folder}: it needs a subfolder for each list, with files LABEL.txt.gz"
        )
    return lists


def fit(rows: Sequence[Row], choices: Choices, progress: Progress) -> Fitted:
    """The recipe: `fit_language`, or the text recipe if an estimator, a search or an SVD is asked for.

    Word frequencies come from the package wordfreq, if it is installed, and from the folder of word lists, if there is one.
    """
    if choices.search or choices.svd or choices.estimator not in (None, SOFTMAX):
        return fit_text(rows, choices, progress)
    lists = read_words(choices.words) if choices.words else {}
    if find_spec("wordfreq"):
        lists["wordfreq"] = word_frequencies(sorted({row.label for row in rows}))
    words = merge_lists(lists.values())
    effort = {"passes": choices.passes, "examples": choices.examples}
    options: dict[str, Any] = {name: value for name, value in effort.items() if value is not None}

    def learn(some: Sequence[Row], progress: Progress = silent) -> HashedSoftmax:
        return fit_language(some, words=words, seed=choices.seed, progress=progress, **options)

    model = learn(rows, progress)
    drawn = {"examples": options.get("examples", EXAMPLES), "source_power": SOURCE_POWER, "flatness": FLATNESS}
    parameters = {**model.get_params(), **drawn, "mix": asdict(Mix()), "emphasis": dict(EMPHASIS)}
    advice = "without word lists, single words are labelled less well: pip install 'headrace[language]', or give --words FOLDER"
    return Fitted(
        model.to_scorer(),
        SOFTMAX_TITLE,
        parameters,
        lambda some: learn(some).to_scorer(),
        origins=tuple(Origin(name, sum(map(len, one.values()))) for name, one in lists.items()),
        notes=() if lists else (advice,),
    )


def public_sources() -> dict[str, dict[str, str]]:
    """Home and licence of the public data that the default language model is trained on, by the names of its files."""
    return tomllib.loads(Path(__file__).with_name("sources.toml").read_text(encoding="utf-8"))


LANGUAGE = Recipe(
    "language",
    "the language of a text, however short: hashed n-grams and a softmax, calibrated on texts of all lengths",
    fit,
    rule=Rule(UNKNOWN_BELOW),
    golden=LANGUAGES,
    label_sets={"wikipedias": WIKIPEDIAS},
    cuts=(("20 characters", twenty_characters), ("two words", two_words), ("one word", one_word)),
    test_size=0.02,
    sources=public_sources,
)


def _corpus(
    encoder: TextEncoder, classes: Names, rows: Sequence[Triple], emphasis: Mapping[str, float], words: Words
) -> Corpus:
    labels = np.searchsorted(classes, [label for _, label, _ in rows]).astype(np.int64)
    names, sources = np.unique([source for _, _, source in rows], return_inverse=True)
    factors = np.array([_emphasis(str(name), emphasis) for name in names])
    weights = source_weights(labels, sources.astype(np.int64), SOURCE_POWER, factors)
    lists = {place: words[name] for place, name in enumerate(classes.tolist()) if words.get(name)}
    # One or two words of Serbian in Latin script could as well be Croatian: they are left to that.
    long_only = np.char.endswith(names, LATIN)[sources]
    return build_corpus(encoder, [text for text, _, _ in rows], labels, weights, lists, long_only)


def _emphasis(source: str, emphasis: Mapping[str, float]) -> float:
    """The factor of a source: for `NAME/latin` its own or that of LATIN, for any other script that of `NAME`; else 1."""
    if source.endswith(LATIN):
        return emphasis.get(source, emphasis.get(LATIN, 1.0))
    return emphasis.get(source.removesuffix(CYRILLIC), 1.0)


def _calibrating(encoder: TextEncoder, classes: Names, held: Sequence[Triple], mix: Mix, seed: int) -> Examples | None:
    """Texts, fragments, pairs and single words that are cut from the rows held out; None if these have no known label."""
    known = set(classes.tolist())
    kept = [row for row in held if row[1] in known]
    if not kept:
        return None
    rows = list(rows_in_both_scripts(kept))
    return draw(_corpus(encoder, classes, rows, {}, {}), CALIBRATING, mix, np.random.default_rng(seed))


def _held_out(text: str) -> bool:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) % HELD_OUT == 0


def _entries(path: Path) -> Iterator[tuple[str, float]]:
    """The words of a list with their counts."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for rank, line in enumerate(lines):
            word, _, count = line.strip().lower().rpartition(" ")
            yield (word, float(count)) if word else (count, 1.0 / (10 + rank))
