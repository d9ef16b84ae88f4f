"""Recipes are found by name, or by the name of the task."""

from headrace.training import recipes


def test_the_recipe_is_the_one_asked_for_or_that_of_the_tasks_name():
    assert recipes.find("language").name == "language"
    assert recipes.find("mail").name == "text"
    assert recipes.find("language", "text").name == "text"


def test_a_recipe_names_those_of_its_sets_of_labels_that_a_model_has():
    recipe = recipes.find("language")
    (wikipedias,) = recipe.label_sets.values()
    assert len(set(wikipedias)) == 38
    assert {"ar", "no", "sv", "war"} < set(wikipedias)
    assert recipe.sets_among([*wikipedias, "sq"]) == {"wikipedias": wikipedias}
    assert recipe.sets_among(wikipedias[1:]) == recipes.find("mail").sets_among(wikipedias) == {}
