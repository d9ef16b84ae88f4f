"""Training: from labelled files to a version in the registry, with its card and report."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import msgspec

from headrace.errors import Misconfigured
from headrace.models.card import Card, Origin
from headrace.models.registry import Registry, Version
from headrace.models.version import check_name
from headrace.training import datasets, distant, estimators, goldens, holdout, measure, recipes
from headrace.training.datasets import Dataset, Progress, Row, silent
from headrace.training.files import find
from headrace.training.fitting import Choices
from headrace.training.labels import shortened
from headrace.training.measure import CurvePoint
from headrace.training.recipes.recipe import Recipe
from headrace.training.report import Training, render
from headrace.training.wikipedia import LICENCE, gather

#: Unless the user says otherwise, the learning curve is drawn if the training took fewer seconds.
CURVE_SECONDS = 120.0
#: The name of a file that stands for articles of Wikipedia.
WIKIPEDIA = "wikipedia"


def train(
    name: str,
    files: Sequence[Path | str],
    *,
    registry: Registry,
    recipe: str | None = None,
    choices: Choices = Choices(),  # noqa: B008 (frozen)
    test_size: float | None = None,
    split_by: Literal["text", "source"] = "text",
    learning_curve: bool | None = None,
    keep_pipeline: bool = False,
    wikipedia: Path = Path("wikipedia"),
    licences: Mapping[str, str] | None = None,
    alias: str | None = "champion",
    progress: Progress = silent,
    tell: Callable[[str], object] = str,
) -> Version:
    """Learn the task `name` from labelled files, register the version, and move `alias` to it (unless it is None).

    A part of the rows is held out. The recipe (the one with the task's name, else "text", unless `recipe` names another) learns from the
    rest; the card and report.html say how well the model does on the part held out. "wikipedia" among the files stands for articles of 38
    Wikipedias, which are first gathered into the folder `wikipedia`. `licences` has the licences of sources, by the names of their files.
    The learning curve takes nearly as long as the training itself: if `learning_curve` is None, it is drawn if the training took less than
    CURVE_SECONDS. `keep_pipeline` stores the scikit-learn pipeline beside the compiled scorer, which takes some time and space. `progress`
    is called with a step's name, how much of it is done and of how much (0 if unknown); `tell` with each remark that the user should read
    before training begins. Raises Misconfigured for data that nothing can be learnt from, an unknown recipe or estimator, or a registry
    that can't be written to.
    """
    check_name(name)
    steps = recipes.find(name, recipe)
    data = _read(_gathered(files, wikipedia, progress), choices, progress)
    steps.check(data.rows)
    share = steps.test_size if test_size is None else test_size
    known, held = holdout.split(data.rows, share, seed=choices.seed, by=split_by)
    datasets.check(known)
    remarks = _remarks(data, choices, known)
    for remark in remarks:
        tell(remark)
    training = _learn(name, steps, known, held, data, choices, learning_curve, licences or {}, progress)
    fitted = training.fitted
    training = replace(training, notes=(*remarks, *fitted.notes))
    pipeline = fitted.pipeline if keep_pipeline else None
    progress("registering", 0, 1)
    version = registry.add(name, fitted.scorer, training.card, pipeline=pipeline, report=render(training), alias=alias)
    progress("registering", 1, 1)
    return version


def _learn(
    name: str,
    recipe: Recipe,
    known: Sequence[Row],
    held: Sequence[Row],
    data: Dataset,
    choices: Choices,
    curve: bool | None,
    licences: Mapping[str, str],
    progress: Progress,
) -> Training:
    began = time.perf_counter()
    fitted = recipe.fit(known, choices, progress)
    seconds = time.perf_counter() - began
    evaluation = measure.evaluate_held_out(recipe, fitted.scorer, held, choices.seed, progress)
    curve = seconds < CURVE_SECONDS if curve is None else curve
    points = measure.learning_curve(fitted, known, held, progress) if curve else ()
    card = Card(
        name=name,
        labels=tuple(fitted.scorer.labels),
        estimator=fitted.estimator,
        parameters={"recipe": recipe.name, "seed": choices.seed, **fitted.parameters},
        sizes={"train": len(known), "test": len(held), "malformed": data.malformed, "repeated": data.repeated},
        figures=evaluation.figures,
        rule=recipe.rule,
        about=recipe.about,
        label_sets=recipe.sets_among(fitted.scorer.labels),
        sources=tuple(_credited((*data.origins, *fitted.origins), recipe, licences)),
    )
    texts = recipe.golden or goldens.texts_of_rows(known)
    return Training(
        msgspec.structs.replace(card, golden=goldens.golden_texts(card, fitted.scorer, texts)),
        fitted,
        evaluation,
        measure.speed(fitted.scorer, [row.text for row in held]),
        (*points, CurvePoint(len(known), evaluation.figures.accuracy, seconds)),
    )


def _read(files: Sequence[Path | str], choices: Choices, progress: Progress) -> Dataset:
    """The labelled rows of the files, and those of a stream that its signs label."""
    if not files and not choices.distant:
        raise Misconfigured(
            "there is nothing to learn from; give labelled files with --data, or a recorded stream with --distant"
        )
    data = Dataset(())
    if files:
        data = datasets.read(
            _without(list(files), choices.others),
            fields=choices.fields,
            encoding=choices.encoding,
            label=choices.label,
            mapping=choices.mapping,
            progress=progress,
        )
    if not choices.distant:
        return data
    found = distant.label_stream(choices.distant, fields=choices.fields, encoding=choices.encoding, progress=progress)
    known = {row.text for row in data.rows}
    rows = [*data.rows, *(row for row in found.rows if row.text not in known)]
    return replace(data, rows=rows, origins=(*data.origins, *found.origins))


def _gathered(files: Sequence[Path | str], folder: Path, progress: Progress) -> list[Path | str]:
    """The files, with those of Wikipedia in place of its name. A file that has this name is an ordinary file."""
    if WIKIPEDIA not in files or Path(WIKIPEDIA).is_file():
        return list(files)
    articles = gather(folder, progress=progress)
    return [*(file for file in files if file != WIKIPEDIA), *articles]


def _without(files: list[Path | str], others: Sequence[Path]) -> Sequence[Path | str]:
    """The files, also those in folders, but for `others`."""
    if not others:
        return files
    left_out = {other.resolve() for other in others}
    return [path for path in find(files) if path not in left_out]


def _credited(origins: Iterable[Origin], recipe: Recipe, licences: Mapping[str, str]) -> Iterator[Origin]:
    """The origins with their licences and homes, if these are known."""
    known = recipe.sources()
    for one in origins:
        source = known.get(one.name, {"licence": LICENCE} if one.name.startswith("wikipedia_") else {})
        yield Origin(one.name, one.rows, licences.get(one.name, source.get("licence")), source.get("home"))


def _remarks(data: Dataset, choices: Choices, known: Sequence[Row]) -> list[str]:
    """What the user should know about the data and the training before it begins."""
    found = []
    if data.malformed:
        found.append(f"rows that could not be used: {data.malformed:,}, among them {'; '.join(data.faults)}")
    if data.repeated:
        found.append(f"repeated rows, which were left out: {data.repeated:,}")
    if data.contradicted:
        found.append(f"texts that occur with more than one label: {data.contradicted:,}")
    if data.merged:
        found.append(f"labels that are written in several ways, and count as one: {shortened(data.merged)}")
    if data.alike:
        found.append(
            f"labels that differ only in upper and lower case, and are kept apart: {shortened(data.alike)}; "
            "write them alike if they are the same"
        )
    if caution := estimators.caution(choices.estimator or "", len(known)):
        found.append(caution)
    return found
