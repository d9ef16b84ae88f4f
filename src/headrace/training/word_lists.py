"""Word lists: how frequent words are in each language, from folders of files and from the package wordfreq."""

import gzip
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from headrace.errors import Misconfigured
from headrace.training.datasets import Row

# Labels that wordfreq knows under another name. It answers for any name, if need be with another language's list: ask only for known ones.
_NAMES: Mapping[str, str] = {"no": "nb", "hr": "sh", "sr": "sh", "bs": "sh", "tl": "fil"}


def word_lists(folders: Sequence[Path], rows: Sequence[Row]) -> dict[str, dict[str, dict[str, float]]]:
    """The word lists of folders, by their names, and those of the package wordfreq, if it is installed, for the labels of the rows."""
    lists: dict[str, dict[str, dict[str, float]]] = {}
    for folder in folders:
        for name, one in read_words(folder).items():
            lists.setdefault(name, {}).update(one)
    if find_spec("wordfreq"):
        lists["wordfreq"] = word_frequencies(sorted({row.label for row in rows}))
    return lists


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


def merge_lists(lists: Iterable[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    """One word list (label → word → relative frequency) out of several: for each label the mean of the lists that have it."""
    given: dict[str, list[Mapping[str, float]]] = {}
    for one in lists:
        for label, words in one.items():
            if words:
                given.setdefault(label, []).append(words)
    blended: dict[str, dict[str, float]] = {}
    for label, several in given.items():
        into = blended.setdefault(label, {})
        for words in several:
            scale = 1.0 / (sum(words.values()) * len(several))
            for word, frequency in words.items():
                into[word] = into.get(word, 0.0) + frequency * scale
    return blended


def word_frequencies(labels: Iterable[str], limit: int = 120_000) -> dict[str, dict[str, float]]:
    """The most frequent words of each label that the package wordfreq has a list for; other labels are left out. Needs wordfreq."""
    import wordfreq

    known = set(wordfreq.available_languages("small")) | set(wordfreq.available_languages("large"))
    found = {}
    for label in labels:
        name = _NAMES.get(label, label)
        if name in known:
            words = sorted(wordfreq.get_frequency_dict(name, "best").items(), key=lambda entry: (-entry[1], entry[0]))
            kept = [entry for entry in words if any(map(str.isalpha, entry[0])) and not any(map(str.isdigit, entry[0]))]
            found[label] = dict(kept[:limit])
    return found


def _entries(path: Path) -> Iterator[tuple[str, float]]:
    """The words of a list with their counts."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for rank, line in enumerate(lines):
            word, _, count = line.strip().lower().rpartition(" ")
            yield (word, float(count)) if word else (count, 1.0 / (10 + rank))
