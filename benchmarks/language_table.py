"""The table of languages in docs/language.md: names, scripts, and what each is taken for, as benchmarks/language.py finds it."""

import unicodedata
from collections import Counter
from collections.abc import Iterable

import language_measures as measures
from language_measures import Scored

from headrace.web.console.labels import of_language

#: A script is named if it has this share of the letters, another label if it gets this share of the pairs of words.
SHARE = 0.1
TAKEN = 0.01
#: Scripts by the first word of their letters' names in Unicode, unless it is the script's name.
SCRIPTS = {
    "CJK": "Han",
    "MYANMAR": "Burmese",
    "HANGUL": "Hangul",
    "HIRAGANA": "kana",
    "KATAKANA": "kana",
    "ETHIOPIC": "Geʽez",
}


def table(scored: dict[str, Scored]) -> str:
    """A table in Markdown with a row a label: name, scripts, the share of sentences and of pairs of words that are right, confusions."""
    labels = next(iter(scored.values())).labels
    sentences = measures.confusions([one for test, one in scored.items() if measures.is_prose(test)])
    pairs = measures.confusions([scored["pairs of words"]])
    texts: dict[str, list[str]] = {}
    for test, one in scored.items():
        for text, label in one.examples if measures.is_prose(test) else ():
            texts.setdefault(label, []).append(text)
    named = sorted((name.name if (name := of_language(label)) else label, label) for label in labels)
    lines = ["| label | language | script | sentences | pairs of words | taken for |", "|---|---|---|---|---|---|"]
    for name, label in named:
        figures = " | ".join(_share(counts.get(label, Counter()), label) for counts in (sentences, pairs))
        lines.append(f"| {label} | {name} | {_scripts(texts.get(label, []))} | {figures} | {_taken(pairs, label)} |")
    return "\n".join(lines)


def _share(counts: Counter[str], label: str) -> str:
    return f"{100 * counts[label] / counts.total():.1f} %" if counts else ""


def _taken(pairs: dict[str, Counter[str]], label: str) -> str:
    counts = pairs.get(label, Counter[str]())
    others = [other for other, count in counts.most_common(4) if other != label and count >= TAKEN * counts.total()]
    return " ".join(others[:3])


def _scripts(texts: Iterable[str]) -> str:
    counts = Counter(
        unicodedata.name(sign, "").split(" ")[0] for text in texts for sign in text[:200] if sign.isalpha()
    )
    names = Counter[str]()
    for script, count in counts.items():
        names[SCRIPTS.get(script, script.capitalize())] += count
    return ", ".join(script for script, count in names.most_common() if count >= SHARE * names.total())
