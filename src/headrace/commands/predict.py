"""The command `predict`."""

import sys
from typing import Annotated

from cyclopts import Parameter

from headrace.commands.model_flags import Labels, Models, Threshold, check_threshold, open_models
from headrace.commands.operands import Operand, unicode
from headrace.commands.output import Json, print_json, print_table, say
from headrace.commands.settings import Flags
from headrace.config import Settings
from headrace.documents import read
from headrace.errors import Misconfigured, Rejected
from headrace.spans import Span
from headrace.validation import not_utf8


def predict(
    *texts: Operand,
    model: Models = "",
    threshold: Threshold = None,
    labels: Labels = None,
    top: Annotated[int, Parameter(help="How many labels to show, the best first.")] = 1,
    spans: Annotated[
        bool, Parameter(negative="", help="Show the languages of mixed texts: where each stretch begins and ends.")
    ] = False,
    json: Json = False,
    settings: Flags = Settings(),
) -> None:
    """Predict the labels of texts, without a queue and a store.

    Without TEXTS, or with `-`, it predicts each line of standard input.
    """
    check_threshold(threshold)
    if top < 1:
        raise Misconfigured(f"--top is {top}; show at least 1 label")
    if spans and top > 1:
        raise Misconfigured("--spans shows one label for each span; leave out --top")
    given = (
        _lines() if texts in ((), ("-",)) else [unicode(text, f"text {number}") for number, text in enumerate(texts, 1)]
    )
    for number, text in enumerate(given, 1):
        try:
            read({"text": text}, limit=settings.document_bytes)
        except Rejected as error:
            raise Misconfigured(f"text {number}: {error}") from error
    models = open_models(model, settings, labels)
    if spans:
        _show_spans(models.spans(given, threshold=threshold), json)
        return
    if top > 1:
        ranked = models.top(given, top)
    else:
        found = models.predict(given, threshold=threshold)
        ranked = [{name: [one] for name, one in known.items()} for known in found]
    if json:
        print_json({"predictions": ranked if top > 1 else found})
        return
    rows = [
        (one.label, f"{one.score:.3f}", one.model, text)
        for text, known in zip(given, ranked, strict=True)
        for best in known.values()
        for one in best
    ]
    print_table(("label", "score", "model", "text"), rows)


def _show_spans(found: list[dict[str, list[Span]]], json: bool) -> None:
    if json:
        print_json({"predictions": found})
        return
    several = len(found) > 1  # then rows say which text they are of, since one without any language has none
    rows = [
        (*([number] if several else []), one.label, f"{one.score:.3f}", one.model, one.begin, one.end, one.text)
        for number, known in enumerate(found, 1)
        for spans in known.values()
        for one in spans
    ]
    print_table((*(["number"] if several else []), "label", "score", "model", "begin", "end", "text"), rows)


def _lines() -> list[str]:
    if sys.stdin.isatty():
        say("reading texts from standard input, one a line; Ctrl-D ends them")
    lines = sys.stdin.buffer.read().splitlines()
    for number, line in enumerate(lines, 1):
        if fault := not_utf8(line):
            raise Misconfigured(f"line {number} of standard input is {fault}")
    return [line.decode() for line in lines]
