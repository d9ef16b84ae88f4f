"""The command `train`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from rich.progress import Progress as Bar
from rich.progress import TaskID
from rich.text import Text

from headrace.commands.field_flags import Encoding, LabelledFields, LabelledFlags
from headrace.commands.output import Json, bar, print_json, say
from headrace.commands.settings import Flags
from headrace.config import Settings
from headrace.errors import Misconfigured
from headrace.models.alias import check_alias
from headrace.models.registry import Registry

if TYPE_CHECKING:
    from headrace.models.registry import Version


def train(
    name: str,
    /,
    *,
    data: Annotated[
        tuple[str, ...],
        Parameter(
            consume_multiple=True,
            negative="",
            help="Files, or folders of files, of JSON Lines or CSV with text and label; or wikipedia, which gathers articles.",
        ),
    ] = (),
    distant: Annotated[
        tuple[str, ...],
        Parameter(
            consume_multiple=True,
            negative="",
            help="Files of a recorded stream, without labels: texts with emoticons or emoji are negative or positive by them.",
        ),
    ] = (),
    teacher: Annotated[
        bool,
        Parameter(
            negative="",
            help="Let a transformer learn first, and the recipe sentiment learn from it: slower to train, as quick to use.",
        ),
    ] = False,
    map: Annotated[  # noqa: A002
        str, Parameter(show_default=False, help="Rename labels of the data: 1=positive,0=negative.")
    ] = "",
    recipe: Annotated[
        str | None, Parameter(help="language, sentiment or text. [default: the one named like the model, else text]")
    ] = None,
    estimator: Annotated[str | None, Parameter(help="Classifier, such as linear-svc. [default: the recipe's]")] = None,
    search: Annotated[int, Parameter(help="How many settings to try, drawn at random; the best are kept.")] = 0,
    svd: Annotated[int, Parameter(help="How many dimensions to reduce the features to first; 0 for not.")] = 0,
    words: Annotated[
        tuple[Path, ...],
        Parameter(consume_multiple=True, negative="", help="Folders of word lists, for the recipe language."),
    ] = (),
    other: Annotated[
        tuple[Path, ...],
        Parameter(
            consume_multiple=True,
            negative="",
            help="Files of texts in languages that are none of the labels, which the recipe language learns to call und. They may be"
            " among the files of --data, and are left out there.",
        ),
    ] = (),
    test_size: Annotated[
        float | None, Parameter(help="Share of the texts held out for evaluation. [default: the recipe's]")
    ] = None,
    split_by: Annotated[Literal["text", "source"], Parameter(help="Hold out single texts, or whole sources.")] = "text",
    alias: Annotated[str, Parameter(help="Alias to point at the version; empty for none.")] = "champion",
    keep_pipeline: Annotated[bool, Parameter(negative="", help="Also keep the scikit-learn pipeline.")] = False,
    learning_curve: Annotated[
        bool | None,
        Parameter(help="Draw a learning curve, which takes nearly as long again. [default: if training was quick]"),
    ] = None,
    seed: Annotated[int, Parameter(help="Seed of all random choices.")] = 0,
    json: Json = False,
    encoding: Encoding = "",
    labelled: LabelledFields = LabelledFlags(),
    settings: Flags = Settings(),
) -> None:
    """Train a model on labelled texts, evaluate it on texts held out, and register it with its card and a report."""
    try:
        from headrace.training import label_map
        from headrace.training.fitting import Choices
        from headrace.training.train import train as learn
    except ModuleNotFoundError as error:
        raise Misconfigured(f"training needs {error.name}: pip install 'headrace[train]'") from error
    _check(test_size, search, svd, seed, alias)
    fields, label = labelled.read()
    choices = Choices(
        seed=seed,
        search=search,
        estimator=estimator,
        svd=svd,
        mapping=label_map.parse(map) if map else {},
        distant=distant,
        teacher=teacher,
        words=words,
        others=other,
        fields=fields,
        label=label,
        encoding=encoding,
    )
    registry = Registry.from_url(settings.registry)
    with bar() as shown:
        version = learn(
            name,
            data,
            registry=registry,
            recipe=recipe,
            choices=choices,
            test_size=test_size,
            split_by=split_by,
            keep_pipeline=keep_pipeline,
            learning_curve=learning_curve,
            alias=alias or None,
            progress=_steps(shown),
            tell=lambda text: shown.console.print(Text(text), soft_wrap=True),
        )
    _print_version(registry, version, json=json)


def _check(test_size: float | None, search: int, svd: int, seed: int, alias: str) -> None:
    """Raises Misconfigured for a value that makes no sense."""
    if test_size is not None and not 0 < test_size < 1:
        raise Misconfigured(f"--test-size is {test_size}; it must be a share between 0 and 1, such as 0.1")
    if search < 0 or svd < 0:
        raise Misconfigured("--search and --svd must be at least 0")
    if not 0 <= seed < 1 << 32:
        raise Misconfigured(f"--seed is {seed}; it must be a whole number from 0 to {(1 << 32) - 1}")
    if alias:
        check_alias(alias)


def _steps(shown: Bar) -> Callable[[str, int, int], None]:
    """A progress bar for each step that training reports."""
    tasks: dict[str, TaskID] = {}

    def progress(step: str, done: int, total: int) -> None:
        if step not in tasks:
            tasks[step] = shown.add_task(step, total=total or None)
        shown.update(tasks[step], completed=done, total=total or None)

    return progress


def _print_version(registry: Registry, version: "Version", *, json: bool) -> None:
    card = registry.card(str(version))
    report = version.folder / "report.html"
    accuracy = card.figures.accuracy if card.figures else None
    if json:
        print_json(
            {"model": str(version), "labels": list(card.labels), "accuracy": accuracy, "report": str(report.resolve())}
        )
        return
    share = "" if accuracy is None else f", {accuracy:.2%} right on {card.sizes['test']:,} texts held out"
    print(f"{version}: {len(card.labels)} labels{share}")
    print(f"report {report}")
    if version.aliases:
        say(f"{version} is now {' and '.join(version.aliases)}; try it: headrace predict --model {version.name} TEXT")
