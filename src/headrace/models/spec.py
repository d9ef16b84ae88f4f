"""The setting `models`: which models are served, and how. It is parsed once; what travels is a tuple of `ModelSpec`.

language                            a name (its champion), an alias or a version of the registry
sentiment if language=en            only if `language` answers `en`; several labels as en|de
shadow language@challenger          predicts but never answers, and its failures are only counted
mood = python:package.module:Class  a classifier that is not in the registry, by its URL; the scheme is the kind of classifier
"""

import re

import msgspec

from headrace.errors import Misconfigured
from headrace.models.registry import Registry
from headrace.ports import VersionRef

_ENTRY = re.compile(
    r"(?P<shadow>shadow\s+)?(?:(?P<name>[\w.-]+)\s*=\s*(?P<url>[a-z][a-z0-9+.-]*:\S+)|(?P<reference>[\w.@-]+))"
    r"(?:\s+if\s+(?P<condition>[\w.-]+)\s*=\s*(?P<labels>\S+))?"
)


class ModelSpec(msgspec.Struct, frozen=True):
    """One model to serve, under a name: a `reference` to the registry, or else the `url` of a classifier.

    A `shadow` predicts and never answers. With a `condition`, the name of another model, it sees only the documents for which that model
    answers one of `labels`.
    """

    name: str
    reference: str = ""
    url: str = ""
    shadow: bool = False
    condition: str = ""
    labels: tuple[str, ...] = ()


def parse(setting: str) -> tuple[ModelSpec, ...]:
    """The models that the setting lists, in its order. Raises Misconfigured if it can't be read or contradicts itself."""
    specs = [_read(part) for part in filter(None, (part.strip() for part in setting.split(",")))]
    _check(specs, setting)
    return tuple(specs)


def pinned(specs: tuple[ModelSpec, ...], registry: Registry) -> tuple[ModelSpec, ...]:
    """The same models, each reference replaced by the version that it means now, whatever its alias means later.

    Raises Misconfigured, with what was perhaps meant, if the registry has no such version.
    """
    return tuple(
        msgspec.structs.replace(spec, reference=str(registry.resolve(spec.reference))) if spec.reference else spec
        for spec in specs
    )


def _read(part: str) -> ModelSpec:
    match = _ENTRY.fullmatch(part)
    if match is None:
        raise Misconfigured(
            f"the setting models holds {part!r}, which can't be read; write a model's name, such as language,"
            " `sentiment if language=en` or `shadow language@challenger`, with commas between"
        )
    found = match.groupdict(default="")
    return ModelSpec(
        name=found["name"] or VersionRef.parse(found["reference"]).name,
        reference=found["reference"],
        url=found["url"],
        shadow=bool(found["shadow"]),
        condition=found["condition"],
        labels=tuple(found["labels"].split("|")) if found["labels"] else (),
    )


def _check(specs: list[ModelSpec], setting: str) -> None:
    answering: set[str] = set()
    for spec in specs:
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
