"""The commands `models list`, `show`, `compile`, `promote` and `rollback`."""

from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from headrace.commands.model_flags import Models, open_models
from headrace.commands.output import Json, print_json, print_table
from headrace.commands.settings import Flags
from headrace.config import Settings
from headrace.errors import Misconfigured
from headrace.models.registry import Registry, Version

Alias = Annotated[str, Parameter(help="champion (the version that answers), challenger, or a name of your own.")]


def list_(name: str | None = None, /, *, json: Json = False, settings: Flags = Settings()) -> int:
    """List model versions, the newest first, with their aliases.

    The exit status is 1 if one of them is damaged.
    """
    registry = Registry.from_url(settings.registry)
    found = [_entry(registry, version) for version in registry.list(name)]
    if name is not None and not found:
        registry.resolve(name)  # raises, with the closest name
    if json:
        print_json({"models": found})
    else:
        rows = [
            (
                one["model"],
                ", ".join(one["aliases"]),
                one["created_at"][:19],
                _percent(one["accuracy"]),
                ", ".join(f"{name} ({len(labels)})" for name, labels in one["label_sets"].items()),
                one["error"] or "",
            )
            for one in found
        ]
        print_table(("model", "aliases", "created", "accuracy", "label sets", ""), rows)
    return 1 if any(one["error"] for one in found) else 0


def show_(reference: str, /, *, json: Json = False, settings: Flags = Settings()) -> None:
    """Show the card of a model version: language, language@champion, language@3f9c2a."""
    registry = Registry.from_url(settings.registry)
    version, card = registry.resolve(reference), registry.card(reference)
    if json:
        print_json({**msgspec.to_builtins(card), "aliases": list(version.aliases)})
        return
    print(f"{version}  {' '.join(f'@{alias}' for alias in version.aliases)}\n{version.folder}\n")
    print(msgspec.json.format(msgspec.json.encode(card)).decode())


def compile_(*, model: Models = "", settings: Flags = Settings()) -> None:
    """Compile the scorers of the models for this machine now, and not when there is much to score. Later calls find them compiled."""
    opened = open_models(model, settings)
    opened.prepare(wait=True)
    print("\n".join(f"{version} is compiled" for version in opened.versions))


def promote_(reference: str, /, *, alias: Alias = "champion", json: Json = False, settings: Flags = Settings()) -> None:
    """Point an alias at this version; running workers follow within seconds."""
    _print_alias(Registry.from_url(settings.registry).promote(reference, alias), alias, json)


def rollback_(name: str, /, *, alias: Alias = "champion", json: Json = False, settings: Flags = Settings()) -> None:
    """Point an alias back at its previous version; running workers follow within seconds."""
    _print_alias(Registry.from_url(settings.registry).rollback(name, alias), alias, json)


def _print_alias(version: Version, alias: str, json: bool) -> None:
    if json:
        print_json({"model": str(version), "alias": alias})
    else:
        print(f"{version} is {alias}")


def _entry(registry: Registry, version: Version) -> dict[str, Any]:
    """A version as it is listed. If its card can't be read, the entry has the error instead, and the others are listed all the same."""
    entry: dict[str, Any] = {
        "model": str(version),
        "aliases": list(version.aliases),
        "created_at": "",
        "accuracy": None,
    }
    entry |= {"label_sets": {}, "error": None}
    try:
        card = registry.card(str(version))
    except Misconfigured as error:
        return entry | {"error": str(error)}
    accuracy = card.figures.accuracy if card.figures else None
    return entry | {"created_at": card.created_at, "accuracy": accuracy, "label_sets": card.label_sets}


def _percent(accuracy: float | None) -> str:
    return "-" if accuracy is None else f"{accuracy:.2%}"
