"""Recipes are found by name, or by the name of the task."""

from headrace.training import recipes


def test_the_recipe_is_the_one_asked_for_or_that_of_the_tasks_name():
    assert recipes.find("language").name == "language"
    assert recipes.find("mail").name == "text"
    assert recipes.find("language", "text").name == "text"
