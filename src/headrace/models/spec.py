"""Which models a worker serves: the setting `models`, read.

language                            a name (its champion), an alias or a version of the registry
sentiment if language=en            only where `language` answers `en`; several labels as en|de
shadow language@challenger          predicts, never answers, and its failures are only counted
mood = python:package.module:Class  a classifier of your own: predict(texts) → predictions
"""

import dataclasses
import re
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from headrace.errors import Misconfigured

_ENTRY = re.compile(
    r"(?P<shadow>shadow\s+)?(?:(?P<alias>[\w.-]+)\s*=\s*python:(?P<own>[\w.]+:\w+)|(?P<reference>[\w.@-]+))"
    r"(?:\s+if\s+(?P<model>[\w.-]+)\s*=\s*(?P<labels>[^,\s]+))?"
)


@dataclass(frozen=True)
class ModelSpec:
    """One model that is served: a reference of the registry, or a class of the user's own."""

    name: str
    reference: str = ""
    own: str = ""
    shadow: bool = False
    condition: str = ""
    labels: tuple[str, ...] = ()


def parse(setting: str) -> tuple[ModelSpec, ...]:
    """The models of the setting, in their order. Raises Misconfigured where it can't be read or makes no sense."""
    served: list[ModelSpec] = []
    for part in filter(None, (part.strip() for part in setting.split(","))):
        match = _ENTRY.fullmatch(part)
        if match is None:
            raise Misconfigured(
                f"the setting models holds {part!r}, which can't be read; write a model's name, such as language,"
                " `sentiment if language=en` or `shadow language@challenger`, with commas between"
            )
        found = match.groupdict()
        served.append(
            ModelSpec(
                name=found["alias"] or found["reference"].partition("@")[0],
                reference=found["reference"] or "",
                own=found["own"] or "",
                shadow=bool(found["shadow"]),
                condition=found["model"] or "",
                labels=tuple((found["labels"] or "").split("|")) if found["labels"] else (),
            )
        )
    _check(served, setting)
    return tuple(served)


def pinned(served: ModelSpec, version: str) -> ModelSpec:
    """The same, but for one version of the registry, whatever its alias means later."""
    return dataclasses.replace(served, reference=version)


def write(served: Iterable[ModelSpec]) -> str:
    """The setting that `parse` reads as these."""
    return ", ".join(_written(one) for one in served)


def _written(one: ModelSpec) -> str:
    shadow = "shadow " if one.shadow else ""
    model = f"{one.name} = python:{one.own}" if one.own else one.reference
    condition = f" if {one.condition}={'|'.join(one.labels)}" if one.condition else ""
    return f"{shadow}{model}{condition}"


def _check(served: list[ModelSpec], setting: str) -> None:
    answering: list[str] = []
    for one in served:
        if one.condition and one.condition not in answering:
            raise Misconfigured(
                f"the setting models lets {one.name} depend on {one.condition}, which isn't listed before it: {setting!r}"
            )
        if not one.shadow:
            if one.name in answering:
                raise Misconfigured(
                    f"the setting models names {one.name} twice: {setting!r}; only one version can answer, mark the other as shadow"
                )
            answering.append(one.name)
    if not answering:
        raise Misconfigured(f"the setting models names no model that answers: {setting!r}; write language, for example")


class Setup(msgspec.Struct, frozen=True):
    """What a predictor process is told first; `sharers` is how many predictors share the container's memory."""

    parent: int
    registry: str
    models: str
    memory: int
    document_bytes: int
    sharers: int = 1
