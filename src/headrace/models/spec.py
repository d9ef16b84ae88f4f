"""The setting `models`: which models are served, and how. It is parsed once; what travels is a tuple of `ModelSpec`.

language                            a name (its champion), an alias or a version of the registry
language[sv|da|no]                  restricted to some of its labels, or to a set of labels that its card names
sentiment if language=en            only if `language` answers `en`; several labels as en|de
shadow language@challenger          predicts but never answers, and its failures are only counted
mood = python:package.module:Class  a classifier that is not in the registry, by its URL; the scheme is the kind of classifier

A command that takes models one by one reads each of them with `operand`.
"""

import re
from collections.abc import Mapping

import msgspec

from headrace.adapters import CLASSIFIERS, Entry
from headrace.errors import Misconfigured, Missing, did_you_mean
from headrace.masking import mask_url
from headrace.models import card as cards
from headrace.models import restriction
from headrace.models.alias import CHAMPION
from headrace.models.card import Card
from headrace.models.registry import Registry
from headrace.ports import VersionRef

_ENTRIES = re.compile(r"(?:\[[^\[\]]*\]|[^,])+")
_ENTRY = re.compile(
    r"(?P<shadow>shadow\s+)?(?P<model>[\w.@-]+)(?:\s*\[(?P<restriction>[^\[\]]*)\])?"
    r"(?:\s*=\s*(?P<url>[a-z][a-z0-9+.-]*:\S*))?"
    r"(?:\s+if\s+(?P<condition>[\w.-]+)\s*=\s*(?P<labels>\S+))?"
)
_URL = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*):(?P<rest>\S*)")
_NAME = re.compile(r"[^\W\d][\w.-]*")


class ModelSpec(msgspec.Struct, frozen=True):
    """One model to serve, under a name: a `reference` to the registry, or else the `url` of a classifier.

    A `shadow` predicts and never answers. With a `condition`, the name of another model, it sees only the documents for which that model
    answers one of `labels`. With a `restriction` it names only these of its labels, or of those in these sets of its card.
    """

    name: str
    reference: str = ""
    url: str = ""
    shadow: bool = False
    condition: str = ""
    labels: tuple[str, ...] = ()
    restriction: tuple[str, ...] = ()


def parse(setting: str) -> tuple[ModelSpec, ...]:
    """The models that the setting lists, in its order. Raises Misconfigured if it can't be read or contradicts itself."""
    specs = [_read(part) for part in filter(None, (part.strip() for part in _ENTRIES.findall(setting)))]
    _check(specs, setting)
    return tuple(specs)


def operand(word: str, registry: Registry, classifiers: Mapping[str, Entry] = CLASSIFIERS) -> ModelSpec:
    """The model that an operand of a command names: a reference, restricted or not, a URL, NAME=URL, or a scheme alone (`vader`).

    A model of the registry comes before a scheme of the same name. A URL without a NAME is called by its class or its scheme. Raises
    Misconfigured if the operand can't be read, and if it names nothing, with what was perhaps meant.
    """
    word = word.strip()
    if url := _URL.fullmatch(word):
        return ModelSpec(_called(url), url=word)
    match = _ENTRY.fullmatch(word)
    if match is None or match["shadow"] or match["condition"] or (match["url"] and "@" in match["model"]):
        raise Misconfigured(
            f"{mask_url(word)!r} is not a model; write a model's name, such as language or language@challenger, the URL of a"
            " classifier, or NAME=URL"
        )
    spec = _read(word, "the operands hold")
    known = {version.name for version in registry.list()}
    if spec.url or spec.name in known:
        return spec
    entry = classifiers.get(spec.reference, Entry(""))
    if entry.alone:
        return msgspec.structs.replace(spec, reference="", url=entry.alone)
    if entry.target:
        raise Misconfigured(f"{word} alone names no classifier; write its whole URL, {word}:… (docs/configuration.md)")
    words = sorted(scheme for scheme, one in classifiers.items() if one.alone)
    raise Missing(
        f"there is no model {spec.name!r}; {did_you_mean(spec.name, [*sorted(known), *words], '{!r}')}`headrace models list`"
        f" shows those of the registry, and {' and '.join(words)} can be named without a URL"
    )


def pinned(specs: tuple[ModelSpec, ...], registry: Registry) -> tuple[ModelSpec, ...]:
    """The same models, each reference replaced by the version that it means now, whatever its alias means later, and each set of labels
    in a restriction by its labels.

    Raises Misconfigured, with what was perhaps meant, if the registry has no such version, if a version has no such label, or if a
    condition can never hold because of a restriction.
    """
    made: list[ModelSpec] = []
    answers: dict[str, set[str]] = {}  # what restricted models may answer, by name
    for spec in specs:
        _check_condition(spec, answers)
        if spec.reference:
            version = registry.resolve(spec.reference)
            spec = msgspec.structs.replace(spec, reference=str(version))
            if spec.restriction:
                card = cards.read(version.folder)
                spec = msgspec.structs.replace(spec, restriction=_chosen(spec, card))
                if not spec.shadow:
                    answers[spec.name] = {*spec.restriction, *_declining(card)}
        made.append(spec)
    return tuple(made)


def _called(url: re.Match[str]) -> str:
    """What to call the classifier of a URL: by the last part of python:module:Class, else by the scheme."""
    last = url["rest"].rpartition(":")[2]
    return last if "/" not in url["rest"] and _NAME.fullmatch(last) else url["scheme"]


def _read(part: str, where: str = "the setting models holds") -> ModelSpec:
    match = _ENTRY.fullmatch(part)
    if match is None or (match["url"] and "@" in match["model"]):
        raise Misconfigured(
            f"{where} {part!r}, which can't be read; write a model's name, such as language, `language[sv|da|no]`,"
            " `sentiment if language=en` or `shadow language@challenger`, with commas between"
        )
    found = match.groupdict(default="")
    return ModelSpec(
        name=found["model"] if found["url"] else VersionRef.parse(found["model"]).name,
        reference="" if found["url"] else found["model"],
        url=found["url"],
        shadow=bool(found["shadow"]),
        condition=found["condition"],
        labels=tuple(found["labels"].split("|")) if found["labels"] else (),
        restriction=_restriction(f"{where} {part!r}", match["restriction"]),
    )


def _restriction(where: str, written: str | None) -> tuple[str, ...]:
    if written is None:
        return ()
    try:
        return restriction.check(restriction.split(written))
    except Misconfigured as error:
        raise Misconfigured(f"{where}: {error}") from None


def _chosen(spec: ModelSpec, card: Card) -> tuple[str, ...]:
    """The labels of a restriction, its sets replaced by their labels, in the card's order."""
    try:
        return restriction.choose(
            spec.restriction, of=spec.reference, known=card.labels, sets=card.label_sets, rule=card.rule
        )
    except Misconfigured as error:
        raise Misconfigured(f"the setting models: {error}") from None


def _declining(card: Card) -> tuple[str, ...]:
    """What a model answers if it names none of its labels."""
    return (card.rule.unknown, card.rule.no_letters) if card.rule else ()


def _check_condition(spec: ModelSpec, answers: Mapping[str, set[str]]) -> None:
    for label in spec.labels if spec.condition in answers else ():
        if label not in answers[spec.condition]:
            raise Misconfigured(
                f"the setting models lets {spec.name} depend on {spec.condition}={label}, which {spec.condition} never answers: it is"
                " restricted to other labels; add this one to them, or take the condition away"
            )


def _check(specs: list[ModelSpec], setting: str) -> None:
    answering: set[str] = set()
    restrictions: dict[str, tuple[str, ...]] = {}
    for spec in specs:
        version = spec.reference.removesuffix(f"@{CHAMPION}")
        if version and set(restrictions.setdefault(version, spec.restriction)) != set(spec.restriction):
            raise Misconfigured(
                f"the setting models restricts {version} in two ways: {setting!r}; its predictions are kept by version, so those of"
                " one of the two would be lost; try restrictions with headrace compare"
            )
        if spec.condition and spec.condition not in answering:
            raise Misconfigured(
                f"the setting models lets {spec.name} depend on {spec.condition}, which isn't listed before it: {setting!r}"
            )
        if not spec.shadow:
            if spec.name in answering:
                raise Misconfigured(
                    f"the setting models names {spec.name} twice: {setting!r}; only one version can answer, mark the other as shadow"
                )
            answering.add(spec.name)
    if not answering:
        raise Misconfigured(f"the setting models names no model that answers: {setting!r}; write language, for example")
