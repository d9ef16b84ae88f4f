"""The recipe of the default language model: hashed n-grams, short examples, word lists, honest scores.

It is meant to be read and changed: `fit_language` is all of it.
"""

import gzip
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headrace.errors import Misconfigured
from headrace.training.augment import Corpus, Mix, corpus, draw, source_chances
from headrace.training.datasets import Progress, silent
from headrace.training.encoder import Examples, TextEncoder
from headrace.training.serbian import CYRILLIC, LATIN, in_both_scripts, twins
from headrace.training.softmax import HashedSoftmax

EXAMPLES = 4_000_000  # a pass
PASSES = 6
BUCKETS = 500_000
RATE = 1.2
POWER = 0.25
SOURCE_POWER = 0.6  # a source of n texts is drawn from in proportion to n ** SOURCE_POWER
EMPHASIS: Mapping[str, float] = {
    "dsl2014_test": 10.0,  # news in close languages, of which there is little
    "dsl2015_test": 10.0,
    "dsl2014_test/latin": 20.0,
    "dsl2015_test/latin": 20.0,
    "/latin": 2.0,  # Serbian in Latin script, of which there are no short pieces
}
HELD_OUT = 50  # one text in so many calibrates, where nothing else is given for it
CALIBRATING = 100_000  # examples cut from the texts that calibrate

Row = tuple[str, str, str]
Names = NDArray[np.str_]
Words = Mapping[str, Mapping[str, float]]


def fit_language(
    rows: Sequence[Row],
    *,
    words: Words | None = None,
    held: Sequence[Row] | None = None,
    seed: int = 0,
    passes: int = PASSES,
    examples: int = EXAMPLES,
    buckets: int = BUCKETS,
    mix: Mix = Mix(),  # noqa: B008 (frozen)
    emphasis: Mapping[str, float] = EMPHASIS,
    progress: Progress = silent,
) -> HashedSoftmax:
    """A language model from rows (text, label, source), calibrated; the same for the same rows, options and NumPy.

    `words` holds word frequencies (label → word → any unit; see `augment.blend`, `augment.word_frequencies`, `read_words`); labels without
    rows are passed over. `held` are rows that calibrate and are not learnt from; if not given, one text in fifty, by its hash. Each of
    the `passes` draws `examples` anew, all labels equally often; Serbian is learnt in both scripts.
    Raises ValueError for fewer than two labels.
    """
    if held is None:
        held = [row for row in rows if _held_out(row[0])]
        rows = [row for row in rows if not _held_out(row[0])]
    rows = list(twins(rows))
    classes = np.unique([label for _, label, _ in rows])
    model = HashedSoftmax(buckets=buckets, rate=RATE, power=POWER, passes=passes, seed=seed)
    folder = TextEncoder.new()
    model.start(classes, folder)
    progress("folding", 0, len(rows))
    source = _corpus(folder, classes, rows, emphasis, in_both_scripts(words or {}))
    progress("folding", len(rows), len(rows))
    random = np.random.default_rng(seed)
    for number in range(passes):
        progress("training", number, passes)
        rates = (RATE * (1 - number / passes), RATE * (1 - (number + 1) / passes))
        model.learn(draw(source, examples, mix, random), rates)
    progress("training", passes, passes)
    if calibrating := _calibrating(folder, classes, held, mix, seed):
        model.calibrate_on(calibrating)
    return model


def read_words(folder: Path) -> list[dict[str, dict[str, float]]]:
    """Word lists of a folder: one list a subfolder, in it a file a label, `LABEL.txt.gz` or `LABEL_any.txt.gz`.

    A line is a word and its count, or a word alone, by frequency; the count is then 1 / (10 + rank), as Zipf has it. Raises
    Misconfigured where there is none.
    """
    lists = []
    for subfolder in sorted(path for path in folder.iterdir() if path.is_dir()):
        found: dict[str, dict[str, float]] = {}
        for path in sorted(subfolder.glob("*.txt.gz")):
            into = found.setdefault(path.name.partition(".")[0].partition("_")[0], {})
            for word, count in _entries(path):
                into[word] = into.get(word, 0.0) + count
        if found:
            lists.append(found)
    if not lists:
        raise Misconfigured(f"there are no word lists in {folder}: give a folder of folders of LABEL.txt.gz")
    return lists


def _corpus(
    folder: TextEncoder, classes: Names, rows: Sequence[Row], emphasis: Mapping[str, float], words: Words
) -> Corpus:
    labels = np.searchsorted(classes, [label for _, label, _ in rows]).astype(np.int64)
    names, sources = np.unique([source for _, _, source in rows], return_inverse=True)
    factors = np.array([_emphasis(str(name), emphasis) for name in names])
    chances = source_chances(labels, sources.astype(np.int64), SOURCE_POWER, factors)
    lists = {place: words[name] for place, name in enumerate(classes.tolist()) if words.get(name)}
    long = np.char.endswith(names, LATIN)[sources]  # one or two words of it could be Croatian: they are left to that
    return corpus(folder, [text for text, _, _ in rows], labels, chances, lists, long)


def _emphasis(source: str, emphasis: Mapping[str, float]) -> float:
    """Of `NAME/latin` its own or that of LATIN; of other scripts that of `NAME`."""
    if source.endswith(LATIN):
        return emphasis.get(source, emphasis.get(LATIN, 1.0))
    return emphasis.get(source.removesuffix(CYRILLIC), 1.0)


def _calibrating(folder: TextEncoder, classes: Names, held: Sequence[Row], mix: Mix, seed: int) -> Examples | None:
    """Texts, fragments, pairs and single words, cut from rows that were not learnt from."""
    known = set(classes.tolist())
    kept = [row for row in held if row[1] in known]
    if not kept:
        return None
    return draw(_corpus(folder, classes, list(twins(kept)), {}, {}), CALIBRATING, mix, np.random.default_rng(seed))


def _held_out(text: str) -> bool:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) % HELD_OUT == 0


def _entries(path: Path) -> Iterator[tuple[str, float]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for rank, line in enumerate(lines):
            word, _, count = line.strip().lower().rpartition(" ")
            yield (word, float(count)) if word else (count, 1.0 / (10 + rank))
