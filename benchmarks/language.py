"""Accuracy, calibration and honesty of the language model on texts that it has not learnt from, beside other libraries.

    python benchmarks/language.py --data ../shared/data/language [--model NAME | --folder FOLDER | --learn FOLDER] [--peers]
        [--plot FILE] [--table]

Needs the extra `bench`, and `train` for `--learn`. `language_tests.learnable` says which rows of the data may be learnt from; a model that
has learnt from all of them, as the one in the package has, is flattered by the tests on sources that it knows. Every label has the same
weight.
"""

import argparse
import os
from collections import Counter
from pathlib import Path
from typing import Any

import language_measures as measures
import language_noise
import language_tests
from candidates import THREADS
from language_dressed import addresses, dressed
from language_measures import NO_LANGUAGE, UNKNOWN, Namer, Scored, Scoring
from language_peers import show_peers
from language_plot import plot
from language_short import short
from no_language import kinds

HALF = 0.5


def main() -> None:
    """Score all tests and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="language", help="a model of the registry, by default the package's")
    parser.add_argument("--folder", type=Path, help="a scorer that was saved in a folder, in place of a model")
    parser.add_argument(
        "--learn", type=Path, help="train the recipe on what may be learnt from, save it there, test it"
    )
    parser.add_argument("--threshold", type=float, default=HALF, help="below which a --folder's label is und")
    parser.add_argument("--size", type=int, default=300, help="texts of each label and test")
    parser.add_argument("--labels", help="test these labels only, separated by commas")
    parser.add_argument("--plot", type=Path, help="where the reliability diagram is drawn")
    parser.add_argument(
        "--table", action="store_true", help="print the table of docs/language.md; needs the extra `console`"
    )
    parser.add_argument("--peers", action="store_true", help="test lingua, CLD2, fastText and heliport, too")
    options = parser.parse_args()
    os.environ.update(dict.fromkeys(THREADS, "1"))
    if options.learn:
        learn(options.data, options.learn)
        options.folder = options.learn
    scorer, model = opened(options)
    name = measures.namer(scorer, options.threshold, model)
    tests = language_tests.gather(options.data, options.size, options.labels.split(",") if options.labels else None)
    scored = report(scorer, name, tests, options.data)
    if options.plot:
        plot(scored, options.plot)
    if options.table:
        from language_table import table

        print("\n" + table(scored))
    if options.peers:
        show_peers(scored, language_tests.other_languages(options.data), name)


def learn(data: Path, folder: Path) -> None:
    """Train the recipe on all rows that are not held out, with the word lists, and save the scorer in a folder."""
    from headrace.training.datasets import read
    from headrace.training.recipes.language import fit_language
    from headrace.training.word_lists import merge_lists, word_lists

    rows = language_tests.learnable(read(language_tests.learnable_files(data)).rows)
    known = [row for row in rows if row.source != language_tests.OTHER]
    others = [row for row in rows if row.source == language_tests.OTHER]
    words = merge_lists(word_lists([data / "words", data / "further" / "words"], known).values())
    scorer = fit_language(known, others=others, words=words, progress=lambda *step: print(*step, flush=True))
    folder.mkdir(parents=True, exist_ok=True)
    scorer.save(folder)


def opened(options: argparse.Namespace) -> tuple[Scoring, Any]:
    """The scorer, and the model around it if there is one."""
    if options.folder:
        from headrace.scoring.opening import open_scorer

        return open_scorer(options.folder), None
    import headrace

    model = headrace.load(options.model)
    return model._scorer, model


def report(scorer: Scoring, name: Namer, tests: language_tests.Tests, data: Path) -> dict[str, Scored]:
    """Print all figures of a scorer; `name` names texts by the rule."""
    scored = measures.score(scorer, tests)
    show_accuracy(scored)
    show_unknown(scored, name)
    show_theft(scored, name)
    show_calibration(scored)
    show_other_languages(measures.score(scorer, language_tests.other_languages(data)), name)
    sentences: dict[str, list[str]] = {}
    for text, label in tests["sentences: news"]:
        sentences.setdefault(label, []).append(text)
    show_noise(sentences, scorer, name)
    show_dressed(sentences, scorer, name)
    show_short(scorer, name)
    return scored


def show_accuracy(scored: dict[str, Scored]) -> None:
    """Print the accuracy on each test, without a threshold."""
    print(f"accuracy\n{'':30}{'texts':>8}{'all labels':>16}{'known ones':>16}{'the first 38':>16}{'only those':>16}")
    for one in measures.accuracies(scored):
        figures = "".join(f"{value:10.4f}{f' ({labels})':>6}" for value, labels in one.figures)
        print(f"{one.name:30}{one.texts:8,}{figures}")


def show_unknown(scored: dict[str, Scored], name: Namer) -> None:
    """Print the share of texts in known labels that the rule does not name."""
    print(f"\nnot named by the rule, in labels that are known\n{'':30}{'und':>10}{'zxx':>10}   most often")
    for test, known in measures.in_known_labels(scored).items():
        answers = name([text for text, _ in known.examples])
        unknown = Counter(
            label for (_, label), answer in zip(known.examples, answers, strict=True) if answer == UNKNOWN
        )
        print(
            f"{test:30}{measures.share(answers, UNKNOWN):10.4f}{measures.share(answers, NO_LANGUAGE):10.4f}   {listed(unknown)}"
        )


def show_theft(scored: dict[str, Scored], name: Namer) -> None:
    """Print the share of sentences and tweets in common languages that get a label outside the first 38."""
    print("\ntexts in common languages that get a label outside the first 38, without a threshold and by the rule")
    common = scored["common languages"]
    free = measures.theft(common.examples, common.best())
    ruled = measures.theft(common.examples, name([text for text, _ in common.examples]))
    for label, stolen in free.items():
        texts, by_rule = stolen.pop("", 0), ruled[label]
        by_rule.pop("", 0)
        if texts:
            print(
                f"{label:30}{texts:8,}{stolen.total() / texts:10.4f}{by_rule.total() / texts:10.4f}   {listed(stolen)}"
            )


def show_calibration(scored: dict[str, Scored]) -> None:
    """Print the expected calibration error by kind of text, and by length over all kinds together."""
    print("\nexpected calibration error, of texts in labels that are known")
    kept = measures.in_known_labels(scored)
    for kind, beginning in measures.CALIBRATED.items():
        chosen = [one for test, one in kept.items() if test.startswith(beginning)]
        print(f"{kind:30}{sum(len(one.examples) for one in chosen):8,}{measures.calibration(chosen)[0]:10.4f}")
    for length, (error, _, texts) in measures.by_length(list(kept.values())).items():
        print(f"{length + ' characters':30}{texts:8,}{error:10.4f}")


def show_other_languages(scored: dict[str, Scored], name: Namer) -> None:
    """Print how many texts in none of the labels get one."""
    print(f"\nlanguages that are no label{'texts':>11}{'score > .8':>12}{'named':>10}   most often named")
    for test, one in scored.items():
        sure, named, by = measures.none_of_the_labels(one, name)
        by.pop(UNKNOWN, None)
        print(f"{test:30}{len(one.examples):8,}{sure:12.4f}{named:10.4f}   {listed(by, 12)}")
        worst = measures.worst(one, 12)
        print(f"{'':30}score > .8: " + ", ".join(f"{language} {share:.2f} {label}" for language, share, label in worst))


def show_noise(sentences: dict[str, list[str]], scorer: Scoring, name: Namer) -> None:
    """Print the share of texts in no language that are und, zxx, and that have a score over .8; of all kinds, and of groups of them."""
    print(f"\nno language{'':24}{'texts':>8}{'und':>10}{'zxx':>10}{'score > .8':>12}   most often named")
    groups: dict[str, list[list[str]]] = {}
    for kind, texts in {**language_noise.kinds(sentences), **kinds(), **addresses()}.items():
        if not texts:
            continue
        answers = name(texts)
        sure = float((scorer.scores(texts).max(axis=1) > measures.CONFIDENT).mean())
        by = Counter(answer for answer in answers if answer not in {UNKNOWN, NO_LANGUAGE})
        und, zxx = measures.share(answers, UNKNOWN), measures.share(answers, NO_LANGUAGE)
        print(f"{kind:35}{len(texts):8,}{und:10.4f}{zxx:10.4f}{sure:12.4f}   {listed(by, 4)}")
        groups.setdefault(language_noise.group(kind), []).append(answers)
    for group, several in groups.items():
        if len(several) > 1:
            together = [answer for answers in several for answer in answers]
            und, zxx = measures.share(together, UNKNOWN), measures.share(together, NO_LANGUAGE)
            print(f"{'all ' + group:35}{len(together):8,}{und:10.4f}{zxx:10.4f}")


def show_dressed(sentences: dict[str, list[str]], scorer: Scoring, name: Namer) -> None:
    """Print what becomes of sentences in markup, in odd letters and garbled, in labels that are known."""
    print(
        f"\nsentences in other clothes{'':9}{'texts':>8}{'right':>10}{'und':>10}{'zxx':>10}{'wrong':>10}   most often"
    )
    for kind, examples in dressed(sentences).items():
        known = [example for example in examples if example[1] in scorer.labels]
        if not known:
            continue
        answers = name([text for text, _ in known])
        right = sum(answer == label for answer, (_, label) in zip(answers, known, strict=True)) / len(known)
        und, zxx = measures.share(answers, UNKNOWN), measures.share(answers, NO_LANGUAGE)
        wrong = Counter(
            f"{label}>{answer}"
            for answer, (_, label) in zip(answers, known, strict=True)
            if answer not in {label, UNKNOWN, NO_LANGUAGE}
        )
        print(
            f"{kind:35}{len(known):8,}{right:10.4f}{und:10.4f}{zxx:10.4f}{abs(1 - right - und - zxx):10.4f}   {listed(wrong, 5)}"
        )


def show_short(scorer: Scoring, name: Namer) -> None:
    """Print the share of short, clear texts that get their label, and the others."""
    examples = [(text, label) for text, label in short() if label in scorer.labels]
    answers = name([text for text, _ in examples])
    wrong = [
        f"{text!r} ({label}): {answer}"
        for (text, label), answer in zip(examples, answers, strict=True)
        if answer != label
    ]
    print(f"\nshort, clear texts: {1 - len(wrong) / len(examples):.4f} of {len(examples)} are named right by the rule")
    print("   " + "; ".join(wrong))


def listed(counts: Counter[str], most: int = 6) -> str:
    """The most frequent of these."""
    return " ".join(f"{label} {count}" for label, count in counts.most_common(most))


if __name__ == "__main__":
    main()
