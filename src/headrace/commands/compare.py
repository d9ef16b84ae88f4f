"""The command `compare`."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

from cyclopts import Parameter
from rich.markup import escape
from rich.progress import Progress

from headrace import runtime
from headrace.commands.comparison import print_comparison
from headrace.commands.field_flags import Encoding, LabelledFields, LabelledFlags
from headrace.commands.operands import Operand, unicode
from headrace.commands.output import Json, bar, print_json, say
from headrace.commands.settings import Flags
from headrace.config import Settings
from headrace.errors import Misconfigured
from headrace.models.registry import Registry
from headrace.models.spec import ModelSpec, operand
from headrace.operations.compare import answers, cautions, figures, rows
from headrace.training import label_map


def compare(
    *models: Operand,
    data: Annotated[
        tuple[str, ...],
        Parameter(
            consume_multiple=True,
            negative="",
            help="Files, or folders of files, of JSON Lines or CSV with text and, if known, label.",
        ),
    ],
    map: Annotated[  # noqa: A002
        str, Parameter(show_default=False, help="Rename labels of the data: 1=positive,0=negative.")
    ] = "",
    limit: Annotated[int | None, Parameter(help="Compare on so many rows, drawn at random. [default: all]")] = None,
    seed: Annotated[int, Parameter(help="Seed of the draw.")] = 0,
    json: Json = False,
    encoding: Encoding = "",
    labelled: LabelledFields = LabelledFlags(),
    settings: Flags = Settings(),
) -> None:
    """Compare models on the same texts: how often they agree with each other and with the labels, and how fast each is.

    MODELS are models of the registry (language, language@challenger), URLs of classifiers, NAME=URL, vader or corenlp. One is enough if the
    data has labels.
    """
    if limit is not None and limit < 1:
        raise Misconfigured(f"--limit is {limit}; compare on at least 1 row")
    mapping = label_map.parse(map) if map else {}
    fields, label = labelled.read()
    registry = Registry.from_url(settings.registry)
    named = _named([unicode(word, f"model {number}") for number, word in enumerate(models, 1)], registry)
    with bar() as shown, runtime.collecting_rarely():
        read = rows.read(
            data, fields=fields, label=label, encoding=encoding, mapping=mapping, progress=_step(shown, "reading")
        )
        found = read.sampled(limit, seed)
        if len(named) == 1 and not found.labelled:
            raise Misconfigured(
                "no row has a label, so one model has nothing to be compared with; name another, or give labels"
            )
        opened = [answers.open_named(name, spec, registry) for name, spec in named.items()]
        said = [answers.ask(one, found.texts, _step(shown, one.name, len(found.texts))) for one in opened]
    for caution in cautions.cautions(found, said):
        say(f"warning: {caution}")
    compared = figures.compare(found, said)
    if json:
        print_json(compared)
    else:
        print_comparison(compared)


def _step(shown: Progress, name: str, total: int | None = None) -> Callable[[int], None]:
    """A bar of its own for a step; the function is called with how much of it is done."""
    task = shown.add_task(escape(name), total=total)
    return lambda done: shown.update(task, completed=done)


def _named(words: Sequence[str], registry: Registry) -> Mapping[str, ModelSpec]:
    """The models by their names in the comparison: those of the registry as they are written, others by the name of their class or scheme.

    Raises Misconfigured for none, and if two have the same name.
    """
    if not words:
        raise Misconfigured(
            "no model is named; name two or more before --data: headrace compare language python:module:Class --data FILE"
        )
    specs = [operand(word, registry) for word in words]
    names = [spec.name if spec.url else word.strip() for word, spec in zip(words, specs, strict=True)]
    (name, times), *_ = Counter(names).most_common(1)
    if times > 1:
        raise Misconfigured(f"{name} is named {times} times; name each model once, or tell classifiers apart: NAME=URL")
    return dict(zip(names, specs, strict=True))
