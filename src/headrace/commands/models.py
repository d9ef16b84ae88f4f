"""models list, show, promote, rollback."""

from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from headrace.commands.output import Json, print_json, print_table
from headrace.config import Settings
from headrace.registry import Registry, Version

Alias = Annotated[str, Parameter(help="champion answers, challenger would like to; or a name of your own.")]


def list_(name: str | None = None, /, *, json: Json = False, settings: Settings = Settings()) -> None:
    """List model versions, the newest first, with their aliases."""
    registry = Registry.from_url(settings.registry)
    found = [(version, registry.card(str(version))) for version in registry.list(name)]
    if json:
        print_json({"models": [_as_json(version, card.created_at, card.figures) for version, card in found]})
        return
    rows = [
        (str(version), ", ".join(version.aliases), card.created_at, len(card.labels), _percent(card.figures))
        for version, card in found
    ]
    print_table(("model", "aliases", "created", "labels", "accuracy"), rows)


def show_(reference: str, /, *, json: Json = False, settings: Settings = Settings()) -> None:
    """Show the card of a model version: language, language@champion, language@3f9c2a."""
    registry = Registry.from_url(settings.registry)
    version, card = registry.resolve(reference), registry.card(reference)
    if json:
        print_json({**msgspec.to_builtins(card), "aliases": list(version.aliases)})
        return
    print(f"{version}  {' '.join(f'@{alias}' for alias in version.aliases)}\n{version.folder}\n")
    print(msgspec.json.format(msgspec.json.encode(card)).decode())


def promote_(
    reference: str, /, *, alias: Alias = "champion", json: Json = False, settings: Settings = Settings()
) -> None:
    """Let an alias mean this version; running workers follow within seconds."""
    _tell(Registry.from_url(settings.registry).promote(reference, alias), alias, json)


def rollback_(name: str, /, *, alias: Alias = "champion", json: Json = False, settings: Settings = Settings()) -> None:
    """Let an alias mean what it meant before."""
    _tell(Registry.from_url(settings.registry).rollback(name, alias), alias, json)


def _tell(version: Version, alias: str, json: bool) -> None:
    if json:
        print_json({"model": str(version), "alias": alias})
    else:
        print(f"{version} is {alias}")


def _as_json(version: Version, created_at: str, figures: Any) -> dict[str, Any]:
    accuracy = _accuracy(figures)
    return {"model": str(version), "aliases": list(version.aliases), "created_at": created_at, "accuracy": accuracy}


def _accuracy(figures: Any) -> float | None:
    told = msgspec.to_builtins(figures)
    return told.get("accuracy") if isinstance(told, dict) else None


def _percent(figures: Any) -> str:
    accuracy = _accuracy(figures)
    return "-" if accuracy is None else f"{accuracy:.2%}"
