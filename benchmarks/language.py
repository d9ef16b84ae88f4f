"""Accuracy and calibration of the language recipe on sources that it has not learnt from, beside lingua.

    python benchmarks/language.py --data ../shared/data/language [--peer 300] [--save FOLDER]

Needs the extras `train` and `bench`. The recipe learns from all sources but those of `LEFT_OUT`, which are whole collections of other
origins, and is then tested on these: on their sentences, on words of five letters or more, and on pairs of such words. Every label has the
same weight. lingua is restricted to the languages of each test, and labels `--peer` texts of each label; Headrace may give any of its 38
labels, and has no threshold. Serbian words and pairs are Cyrillic, the only script in which lingua knows Serbian.
"""

import argparse
import random
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from no_language import kinds

from headrace.scoring.hashed.content import WORDS
from headrace.training.datasets import Row, read
from headrace.training.evaluate import calibration_error, coverage, reliability
from headrace.training.fitting import Choices
from headrace.training.recipes import find

NEWS = {"ntrex128", "wmt_newstest", "lcc_danish", "swedish_ner", "delfi_news"}
ENCYCLOPAEDIAS = {"exams_wiki", "norquad", "kazqad", "xquad", "sib200_train", "tquad", "turku_ner"}
CLOSE_NEWS = {"dsl2015_test"}
LEFT_OUT = NEWS | ENCYCLOPAEDIAS | CLOSE_NEWS
UNKNOWN_TO_MOST = {"id", "ms", "war"}  # left out of tests with 35 languages
CLOSE = {"hr", "sr", "id", "ms", "es", "pt"}
THRESHOLDS = (0.0, 0.3, 0.5, 0.7, 0.9, 0.99)

Example = tuple[str, str]
Tests = dict[str, list[Example]]


def main() -> None:
    """Train, ask both classifiers, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument(
        "--peer", type=int, default=300, help="texts of each label that lingua labels; 0 to leave it out"
    )
    parser.add_argument("--passes", type=int, help="fewer than the recipe has, to try something quickly")
    parser.add_argument("--save", type=Path, help="folder in which the scorer is kept and reused")
    options = parser.parse_args()
    rows = read([options.data / "train", options.data / "more"]).rows
    tests = gather(rows, read([options.data / "dev"]).rows)
    scorer = learn([row for row in rows if row.source not in LEFT_OUT], options)
    print(f"{'':30}{'texts':>8}{'labels':>8}{'headrace':>10}{'lingua':>10}")
    for name, examples in tests.items():
        labels = sorted({label for _, label in examples})
        ours = accuracy(lambda texts: [one.label for one in scorer.predict(texts)], examples)
        peer = f"{accuracy(lingua(labels), few(examples, options.peer)):.4f}" if options.peer else ""
        print(f"{name:30}{len(examples):8,}{len(labels):8}{ours:10.4f}{peer:>10}", flush=True)
    show_calibration(scorer, tests)
    show_no_language(scorer, tests["sentences: news, 35"])


def learn(rows: Sequence[Row], options: argparse.Namespace) -> Any:
    from headrace.scoring.hashed.scorer import HashedScorer

    if options.save and options.save.is_dir():
        return HashedScorer.open(options.save)
    recipe = find("language")
    fitted = recipe.fit(rows, Choices(words=options.data / "words", passes=options.passes), lambda *_: None)
    if options.save:
        options.save.mkdir(parents=True)
        fitted.scorer.save(options.save)
    return fitted.scorer


def gather(rows: Sequence[Row], dev: Sequence[Row]) -> Tests:
    """The tests by name; up to 600 texts of each label and kind."""
    news = [row for row in rows if row.source in NEWS]
    spoken = [row for row in news if row.label not in UNKNOWN_TO_MOST]
    wiki = [row for row in [*rows, *dev] if row.source in ENCYCLOPAEDIAS | {"sib200_dev"}]
    single = words([row for row in spoken if not (row.label == "sr" and re.search("[a-z]", row.text))])
    return {
        "sentences: news, 35": few(spoken, 600),
        "sentences: news, 36 with ms": few([row for row in news if row.label not in {"id", "war"}], 600),
        "pairs of words": pairs(few(single, 1200)),
        "single words": few(single, 600),
        "encyclopaedias, 38": few(wiki, 600),
        "close languages, news": few([r for r in rows if r.source in CLOSE_NEWS and r.label in CLOSE], 1000),
        "tweets, 7": few([row for row in dev if row.source == "tweets_xlmt_val"], 600),
    }


def few(examples: Sequence[Any], size: int) -> list[Example]:
    """Up to `size` examples of each label, drawn at random, the same ones every time."""
    by_label = defaultdict(set)
    for text, label, *_ in examples:
        by_label[label].add(text)
    return [
        (text, label)
        for label, texts in sorted(by_label.items())
        for text in random.Random(0).sample(sorted(texts), min(size, len(texts)))
    ]


def words(rows: Sequence[Row]) -> list[Example]:
    """Words of five letters or more that are not names: they occur in lower case (German ones in any). Of Japanese, four characters."""
    found: set[Example] = set()
    for text, label, _ in rows:
        if label == "ja":
            found.add((text[:4], label))
            continue
        for word in re.split(r"[\s.,;:!?\"“”„»«()\[\]…–—'’‘،؟।/-]+", text):
            plain = all(unicodedata.category(sign)[0] in "LM" for sign in word)
            if len(word) >= 5 and plain and (word == word.lower() or label == "de"):
                found.add((word.lower(), label))
    return sorted(found)


def pairs(singles: Sequence[Example]) -> list[Example]:
    by_label = defaultdict(list)
    for word, label in singles:
        by_label[label].append(word)
    return [
        (" ".join(two), label) for label, all_ in by_label.items() for two in zip(all_[::2], all_[1::2], strict=False)
    ]


def accuracy(predict: Callable[[list[str]], list[str]], examples: Sequence[Example]) -> float:
    """The mean over labels of the share that is labelled right."""
    right = defaultdict(list)
    for (_, label), said in zip(examples, predict([text for text, _ in examples]), strict=True):
        right[label].append(label == said)
    return float(np.mean([np.mean(one) for one in right.values()]))


def lingua(labels: Sequence[str]) -> Callable[[list[str]], list[str]]:
    """lingua, restricted to those of these labels that it knows."""
    from lingua import IsoCode639_1, LanguageDetectorBuilder

    known = [{"no": "nb"}.get(label, label).upper() for label in labels if label != "war"]
    detector = LanguageDetectorBuilder.from_iso_codes_639_1(*(getattr(IsoCode639_1, code) for code in known)).build()

    def predict(texts: list[str]) -> list[str]:
        found = detector.detect_languages_in_parallel_of(texts)
        codes = [one.iso_code_639_1.name.lower() if one else "und" for one in found]
        return ["no" if code == "nb" else code for code in codes]

    return predict


def show_calibration(scorer: Any, tests: Tests) -> None:
    """Print the calibration error of each test and of all together, and coverage and precision at each threshold, of all together."""
    scored = {}
    for name, examples in tests.items():
        found = scorer.predict([text for text, _ in examples])
        right = np.array([one.label == label for one, (_, label) in zip(found, examples, strict=True)])
        scored[name] = (np.array([one.score for one in found]), right)
    scored["all together"] = tuple(map(np.concatenate, zip(*scored.values(), strict=True)))  # type: ignore[assignment]
    print("\nexpected calibration error")
    for name, (scores, right) in scored.items():
        print(f"{name:30}{len(scores):8,}{calibration_error(reliability(scores, right)):18.4f}")
    print("\nthreshold: coverage, precision, over all together")
    for point in coverage(*scored["all together"], THRESHOLDS):
        print(f"{point.threshold:9.2f}{point.coverage:10.4f}{point.precision:10.4f}")


def show_no_language(scorer: Any, sentences: Sequence[Example]) -> None:
    """Print the share of texts that are labelled `zxx`: of each kind of text without a language, and of sentences, which have one."""
    print("\nzxx")
    for name, texts in {**kinds(), "sentences (should be 0)": [text for text, _ in sentences]}.items():
        without = scorer.content_kinds(texts) != WORDS
        print(f"{name:30}{len(texts):8,}{without.mean():18.4f}")


if __name__ == "__main__":
    main()
