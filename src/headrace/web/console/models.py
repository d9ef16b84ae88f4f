"""The page of models: every version in the registry, with its card."""

from typing import Any

from nicegui import ui

from headrace.errors import HeadraceError, Misconfigured
from headrace.models.card import Card
from headrace.models.registry import Registry
from headrace.models.version import Version
from headrace.web.console.layout import ASSETS, open_page, put
from headrace.web.console.snapshot import Snapshots
from headrace.web.console.view import LabelNames
from headrace.web.pool import on_thread
from headrace.web.state import AppState


class Cards(ui.element, component=ASSETS / "models.js"):
    """The versions, by model, newest first."""


def add(state: AppState, snapshots: Snapshots, names: LabelNames) -> None:
    """The page at `/models`."""

    @ui.page("/models", title="Models · Headrace")
    async def page() -> None:
        header = open_page("/models")
        with ui.element("div").props("id=main tabindex=-1"):
            cards = Cards()
        put(cards, models=[], trouble="", started=False)

        async def show() -> None:
            totals = await snapshots.totals()
            header.count(sum(totals.dead.values()))
            served = {model for worker in totals.workers for model in worker.models}
            predictor = state.services.predictor
            try:
                found = await on_thread(lambda: describe_all(state.services.registry, names))
                served |= set(predictor.models()) if predictor else set()
            except HeadraceError as error:
                put(cards, trouble=str(error), started=True)
                return
            models = [{**one, "served": one["model"] in served} for one in found]
            put(cards, models=models, trouble="", started=True)

        ui.timer(0.1, show, once=True)


def describe_all(registry: Registry, names: LabelNames) -> list[dict[str, Any]]:
    """All versions with the facts of their cards, or the reason why a card can't be read."""
    return [describe(version, registry, names) for version in registry.list()]


def describe(version: Version, registry: Registry, names: LabelNames) -> dict[str, Any]:
    """A version as the browser gets it."""
    name = str(version)
    try:
        card = registry.card(name)
    except Misconfigured as error:
        return {"model": name, "aliases": list(version.aliases), "error": str(error)}
    told = {"about": card.about, "facts": _facts(card), "labels": _labels(card, names)}
    return {"model": name, "aliases": list(version.aliases), **told}


def _facts(card: Card) -> list[list[str]]:
    facts = [["Labels", f"{len(card.labels)}"]]
    facts += [[f"Set {name}", f"{len(labels)} labels"] for name, labels in card.label_sets.items()]
    if card.figures:
        facts += [["Accuracy", f"{card.figures.accuracy:.2%}"], ["Macro F1", f"{card.figures.macro_f1:.2%}"]]
        if card.figures.macro_recall is not None:
            facts.append(["Macro recall", f"{card.figures.macro_recall:.2%}"])
    facts += [[f"Rows: {part}", f"{rows:,}"] for part, rows in card.sizes.items()]
    if card.rule:
        facts.append(["Threshold", f"{card.rule.threshold:g}"])
    if card.scorer:
        facts.append(["Scorer", "compiled" if card.scorer.compiled else f"not compiled ({card.scorer.reason})"])
    if card.estimator:
        facts.append(["Estimator", card.estimator])
    if card.created_at:
        facts.append(["Trained", card.created_at[:16].replace("T", " ")])
    return facts


def _labels(card: Card, names: LabelNames) -> list[dict[str, Any]]:
    figures = card.figures.per_label if card.figures else {}
    shown = []
    for label in card.labels:
        name, one = names.name(card.name, label), figures.get(label)
        measured = (
            {"f1": one.f1, "precision": one.precision, "recall": one.recall, "support": one.support} if one else {}
        )
        shown.append({"label": label, "name": name.name, "own": name.own, **measured})
    return sorted(shown, key=lambda one: str(one["name"]).casefold())
