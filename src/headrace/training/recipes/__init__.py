"""Recipes: how a task is trained, evaluated and served, a file each. They are meant to be read and changed."""

from headrace.errors import Misconfigured, did_you_mean
from headrace.training.recipes.language import LANGUAGE
from headrace.training.recipes.recipe import Recipe
from headrace.training.recipes.sentiment import SENTIMENT
from headrace.training.recipes.text import TEXT


def recipes() -> dict[str, Recipe]:
    """All recipes by name."""
    return {recipe.name: recipe for recipe in (TEXT, LANGUAGE, SENTIMENT)}


def find(task: str, recipe: str | None = None) -> Recipe:
    """The recipe that was asked for, else the one with the task's name, else "text"; raises Misconfigured for an unknown one."""
    known = recipes()
    if recipe is None:
        return known.get(task, TEXT)
    if recipe not in known:
        hint = did_you_mean(recipe, known, "{!r}")
        raise Misconfigured(f"there is no recipe {recipe!r}; {hint}the recipes are {', '.join(known)}")
    return known[recipe]
