"""Languages of mixed texts by stretch, beside lingua's detect_multiple_languages_of.

    python benchmarks/spans.py --data ../shared/data/language [--texts 300] [--part report] [--model language]

Needs the extra `bench`. Texts are made of held-out sentences (dev/): two to four of different languages, whole or cut to clauses of three
to eight words, of any languages or of close ones; and one to three of one language, which have to give one span. Both candidates label the
same texts, restricted to the languages that both know. The sentences are in two parts: `tune`, on which the costs of a change of language
were chosen (`segmenting.PENALTIES` and MOST), and `report`.

For each kind of text: the share of letters with the right label, the share of texts with the right number of spans, and the mean distance,
in characters, from a place where the language changes to the nearest one that was found. Then texts a second of CPU time, on one thread.
"""

import argparse
import gzip
import json
import random
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import headrace as package

Span = tuple[int, int, str]
#: Languages that are easily taken for one another.
CLOSE = ("ca es pt it fr ro gl oc", "da no sv", "ru uk bg be mk sr", "cs sk pl", "hr sl", "id ms", "de nl af", "et fi", "ar fa ur",
         "tr az kk", "ja zh ko", "hi mr ne", "en de nl", "lt lv", "xh zu")  # fmt: skip
LARGE = 60  # letters of a sentence; shorter ones are not taken


@dataclass(frozen=True)
class Mixed:
    """A text, and its stretches: (begin, end, label)."""

    text: str
    spans: tuple[Span, ...]


Detect = Callable[[Sequence[str]], list[list[Span]]]


def main() -> None:
    """Make the texts, ask both, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--texts", type=int, default=300, help="texts of each kind")
    parser.add_argument("--part", choices=("tune", "report"), default="report")
    parser.add_argument("--model", default="language", help="name or folder of a version")
    parser.add_argument("--only", default="headrace,lingua", help="candidates, separated by commas")
    options = parser.parse_args()
    model = package.load(options.model)
    model.prepare(wait=True)
    labels = known_to_both(model)
    kinds = mixed_texts(sentences(options.data, options.part, labels), options.texts)
    print(f"{len(labels)} languages; {sum(map(len, kinds.values())):,} texts, "
          f"{np.mean([len(one.text) for texts in kinds.values() for one in texts]):.0f} characters on average")  # fmt: skip
    makers: Mapping[str, Callable[[Sequence[str]], Detect]] = {
        "headrace": partial(headrace, model),
        "headrace, one at a time": partial(one_at_a_time, model),
        "lingua": lingua,
    }
    chosen = [name for name in makers if any(part in name for part in options.only.split(","))]
    rates = {name: show(name, makers[name](labels), kinds) for name in chosen}
    for name, rate in rates.items():
        beside = f", {rate / rates['lingua']:.0f}x lingua's" if "lingua" in rates else ""
        print(f"{name:32}{rate:10,.0f} texts/s{beside}")


def show(name: str, detect: Detect, kinds: Mapping[str, Sequence[Mixed]]) -> float:
    """Print what was found; the rate, in texts a second of CPU time."""
    detect([texts[0].text for texts in kinds.values()])
    begun = time.process_time()
    found = {kind: detect([one.text for one in texts]) for kind, texts in kinds.items()}
    rate = sum(map(len, kinds.values())) / (time.process_time() - begun)
    print(f"\n{name:32}{'letters':>10}{'number':>10}{'distance':>10}")
    for kind, texts in kinds.items():
        right, number, distance = figures(texts, found[kind])
        print(f"{kind:32}{right:10.4f}{number:10.3f}{distance:10.2f}", flush=True)
    return rate


def known_to_both(model: Any) -> list[str]:
    from lingua import Language

    theirs = {one.iso_code_639_1.name.lower() for one in Language.all()} | {"no"}
    return [label for label in model.labels if label in theirs]


def sentences(data: Path, part: str, labels: Sequence[str]) -> dict[str, list[str]]:
    """The held-out sentences of each label, of one part."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in [*sorted(data.glob("dev/*.gz")), *sorted(data.glob("further/dev/*.gz"))]:
        if "tweets" in path.name:
            continue
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                text = " ".join(row["text"].split())
                chosen = "tune" if zlib.crc32(text.encode()) % 2 else "report"
                large = LARGE // 3 if row["label"] in {"ja", "zh", "ko", "th"} else LARGE
                if row["label"] in labels and chosen == part and len(text) >= large:
                    found[row["label"]].add(text)
    return {label: sorted(texts) for label, texts in sorted(found.items())}


def mixed_texts(known: Mapping[str, Sequence[str]], size: int) -> dict[str, list[Mixed]]:
    """The texts by kind; the same every time."""
    labels = list(known)
    close = [group for group in ([one for one in line.split() if one in known] for line in CLOSE) if len(group) > 1]
    found: dict[str, list[Mixed]] = {}
    for name, cut in (("sentences", False), ("clauses", True)):
        chance = random.Random(name)
        for kind, groups in (("of any languages", [labels]), ("of close languages", close)):
            found[f"{name} {kind}"] = [_mix(known, chance, chance.choice(groups), cut) for _ in range(size)]
        found[f"{name} of one language"] = [_mix(known, chance, [chance.choice(labels)], cut) for _ in range(size)]
    return found


def _mix(known: Mapping[str, Sequence[str]], chance: random.Random, group: Sequence[str], cut: bool) -> Mixed:
    """A text of two to four languages of the group, or of one to three pieces if it is of one language."""
    several = chance.randint(2, 4)
    order = chance.sample(group, min(len(group), several)) if len(group) > 1 else [*group] * (several - 1)
    text, spans = "", []
    for label in order:
        piece = chance.choice(known[label])
        if cut:
            piece = _clause(piece, label, chance)
        begin = len(text) + bool(text)
        text = f"{text} {piece}" if text else piece
        if spans and spans[-1][2] == label:
            spans[-1] = (spans[-1][0], len(text), label)
        else:
            spans.append((begin, len(text), label))
    return Mixed(text, tuple(spans))


def _clause(text: str, label: str, chance: random.Random) -> str:
    words, size = text.split(), chance.randint(3, 8)
    if label in {"ja", "zh", "th"}:
        begin = chance.randrange(max(1, len(text) - 4 * size))
        return text[begin : begin + 4 * size].strip()
    begin = chance.randrange(max(1, len(words) - size + 1))
    return " ".join(words[begin : begin + size])


def figures(texts: Sequence[Mixed], found: Sequence[Sequence[Span]]) -> tuple[float, float, float]:
    """The share of letters with the right label, of texts with the right number of spans, and the mean distance of changes of language."""
    right = letters = number = 0
    distances = []
    for one, spans in zip(texts, found, strict=True):
        said = [""] * len(one.text)
        for begin, end, label in spans:
            said[begin:end] = [label] * (end - begin)
        for begin, end, label in one.spans:
            places = [place for place in range(begin, end) if one.text[place].isalpha()]
            letters += len(places)
            right += sum(said[place] == label for place in places)
        number += len(joined(spans)) == len(one.spans)
        begins = [begin for begin, _, _ in joined(spans)[1:]] or [len(one.text)]
        distances += [min(abs(begin - other) for other in begins) for begin, _, _ in one.spans[1:]]
    return right / letters, number / len(texts), float(np.mean(distances or [0]))


def joined(spans: Sequence[Span]) -> list[Span]:
    """The spans, neighbours with the same label as one."""
    return [one for place, one in enumerate(spans) if not place or spans[place - 1][2] != one[2]]


def headrace(model: Any, labels: Sequence[str]) -> Detect:
    restricted = model.restricted(labels)

    def detect(texts: Sequence[str]) -> list[list[Span]]:
        return [[(one.begin, one.end, one.label) for one in spans] for spans in restricted.spans(texts, threshold=0)]

    return detect


def one_at_a_time(model: Any, labels: Sequence[str]) -> Detect:
    detect = headrace(model, labels)
    return lambda texts: [detect([text])[0] for text in texts]


def lingua(labels: Sequence[str]) -> Detect:
    from lingua import IsoCode639_1, LanguageDetectorBuilder

    codes = [getattr(IsoCode639_1, "NB" if label == "no" else label.upper()) for label in labels]
    detector = LanguageDetectorBuilder.from_iso_codes_639_1(*codes).with_preloaded_language_models().build()

    def spans(text: str) -> list[Span]:
        found: list[Any] = detector.detect_multiple_languages_of(text)
        names = [one.language.iso_code_639_1.name.lower() for one in found]
        return [
            (one.start_index, one.end_index, "no" if name == "nb" else name)
            for one, name in zip(found, names, strict=True)
        ]

    return lambda texts: list(map(spans, texts))


if __name__ == "__main__":
    main()
