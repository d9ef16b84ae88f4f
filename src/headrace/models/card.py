"""Cards: what is known of a model version, and how it is written down (`card.json`).

Nothing here imports a model's libraries, so that the keeper can read cards too.
"""

import hashlib
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import msgspec

from headrace.errors import Misconfigured, Missing, system_error

FILE = "card.json"
WEIGHTS = "weights.safetensors"
PIPELINE = "pipeline.skops"
REPORT = "report.html"

_ADDRESS = re.compile(rb'("__id__": |"file": ")\d+')  # skops names objects by their address in memory
_BEGINS_PLAIN = re.compile(r"\w+\s").match
# A link, an e-mail address, a domain with a path, a @name; or else, as a group, a character that may be a letter. Linear in the text's
# length. `scoring.hashed.rules` leaves out these four and much else.
_LETTERS = re.compile(
    r"(?:https?://|www\.)\S+|(?<!\S)[^\s@]++@\S+|(?<!\S)[\w-]++(?:\.[\w-]++)++/\S*|@\w+|([^\W\d_])", re.IGNORECASE
).finditer


class Golden(msgspec.Struct, frozen=True):
    """A text with the label and the score that this version must give it, on every machine."""

    text: str
    label: str
    score: float


class Rule(msgspec.Struct, frozen=True):
    """When a model declines to name one of its labels.

    A text without letters (those of links, addresses and @names don't count) gets the label `no_letters`; so does one of nothing but markup
    or code if the scorer can tell. If the best score is below `threshold`, or the text is more likely none of the labels than the best of
    them, the label is `unknown`. A threshold of 0 switches both off.
    """

    threshold: float
    unknown: str = "und"
    no_letters: str = "zxx"


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where training data came from: a file's or a source's name, its rows, its home, and the licence that is stated there."""

    name: str
    rows: int
    licence: str | None = None
    home: str | None = None


class LabelFigures(msgspec.Struct, frozen=True):
    """How well one label is predicted on held-out texts; `support` is how many have it."""

    precision: float
    recall: float
    f1: float
    support: int


class Coverage(msgspec.Struct, frozen=True):
    """The share of texts whose best score reaches a threshold, and how many of those are right (1 if there are none)."""

    threshold: float
    coverage: float
    precision: float


class Slice(msgspec.Struct, frozen=True, omit_defaults=True):
    """The figures of one kind of text, such as single words; `macro_recall` is the mean recall of the labels that occur."""

    rows: int
    accuracy: float
    ece: float | None = None
    macro_recall: float | None = None


class Figures(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was measured on held-out texts, before the card's rule.

    `ece`, the expected calibration error, and `coverage` are given only if scores are probabilities. If there are `slices`, the figures are
    those of the first: whole texts, or the kind of text that the model is for. But if the others are pieces of whole texts, `ece` and
    `coverage` are those of all slices together.
    """

    accuracy: float
    macro_f1: float
    per_label: dict[str, LabelFigures] = {}
    ece: float | None = None
    coverage: list[Coverage] = []
    slices: dict[str, Slice] = {}
    macro_recall: float | None = None


class ScorerInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a version predicts: by which class of scorer, and whether compiled; if not, `reason` says why."""

    kind: str
    compiled: bool
    reason: str = ""


class Card(msgspec.Struct, frozen=True):
    """What is known of a model version. The registry fills `version`, `hash`, `scorer` and `files`. `about` says what kind of text it is
    for, if the recipe knows.

    `label_sets` names some sets of the labels, such as the 38 of the language model that have a large Wikipedia, to restrict the model to.
    """

    name: str
    labels: tuple[str, ...]
    version: str = ""
    hash: str = ""
    created_at: str = ""
    estimator: str = ""
    parameters: dict[str, Any] = {}
    sizes: dict[str, int] = {}
    figures: Figures | None = None
    rule: Rule | None = None
    scorer: ScorerInfo | None = None
    sources: tuple[Origin, ...] = ()
    golden: tuple[Golden, ...] = ()
    trained_with: dict[str, str] = {}
    files: dict[str, str] = {}
    label_sets: dict[str, tuple[str, ...]] = {}
    about: str = ""


def applied_rule(rule: Rule | None, threshold: float | None) -> Rule | None:
    """The rule to apply: a card's `rule`, with `threshold` in place of its own if that is given; None if the threshold is 0."""
    if threshold is not None:
        rule = Rule(threshold, rule.unknown, rule.no_letters) if rule else Rule(threshold, no_letters="")
    return rule if rule and rule.threshold > 0 else None


def to_json(card: Card) -> bytes:
    """The card as indented JSON, with a final line break."""
    return msgspec.json.format(msgspec.json.encode(card), indent=2) + b"\n"


def from_json(data: bytes, *, where: str) -> Card:
    """The card that `to_json` wrote. Raises Misconfigured, naming `where`, for anything else."""
    try:
        return msgspec.json.decode(data, type=Card)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Misconfigured(
            f"the card {where} cannot be read: {error}; add the model again, or fetch it again"
        ) from None


def read(folder: Path) -> Card:
    """The card of a version's folder. Raises Misconfigured if there is none or it is damaged."""
    path = folder / FILE
    try:
        return from_json(path.read_bytes(), where=str(path))
    except OSError as error:
        raise system_error(f"the card {path} cannot be read", error, f"is {folder} a model version?", Missing) from None


def has_letters(text: str) -> bool:
    """Whether a text has a letter of any script outside links, e-mail addresses, domains with a path, and @names."""
    if text[:1].isalpha() and _BEGINS_PLAIN(text):  # true of nearly every text, for a fifth of the cost
        return True
    for found in _LETTERS(text):
        letter = found[1]
        if letter and letter.isalpha():
            return True
    return False


def digest(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def identity(folder: Path, labels: tuple[str, ...], rule: Rule | None) -> str:
    """The SHA-256 of what decides a version's predictions, in hexadecimal; its beginning names the version.

    That is the content of the file that is served, the labels and the rule. The same training gives the same identity again, although
    safetensors may order its header differently and skops writes the addresses of objects.
    """
    weights = folder / WEIGHTS
    content = _weights_content(weights) if weights.exists() else _pipeline_content(folder / PIPELINE)
    return hashlib.sha256(msgspec.json.encode((content, labels, rule))).hexdigest()


def _weights_content(path: Path) -> str:
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        content = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
        for chunk in iter(lambda: file.read(1 << 20), b""):
            content.update(chunk)
    return content.hexdigest()


def _pipeline_content(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    content = hashlib.sha256(_ADDRESS.sub(rb"\1", members.pop("schema.json", b"")))
    for part in sorted(hashlib.sha256(data).digest() for data in members.values()):
        content.update(part)
    return content.hexdigest()
