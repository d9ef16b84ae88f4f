"""The report of a training: a single HTML page, images included, that is stored in the version's folder."""

import base64
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from headrace.models.card import Card, Slice
from headrace.training import charts
from headrace.training.evaluate import Evaluation
from headrace.training.fitting import Fitted
from headrace.training.measure import CurvePoint, Speed

#: Labels that the confusion matrix shows at most, and up to how many it has large cells.
MATRIX_LABELS = 60
LARGE_LABELS = 12
#: Rows of the tables of the most frequent confusions and of the search's trials.
CONFUSIONS = 15
TRIALS = 10
#: Captions of the table of slices.
PIECES = "Pieces are cut at random from the held-out texts; a piece may be valid in several languages, or be nothing but a name."
KINDS = "The figures above are those of the first kind. Each kind is judged among the labels that it has: some have two of them only."
#: Columns of tables that hold text: they are aligned to the left and may be wrapped.
TEXT_COLUMNS = frozenset({"home", "licence", "parameters", "value"})

STYLE = """
:root { color-scheme: light; --ink: #22303c; --soft: #5b6b78; --line: #dfe6eb; --blue: 23, 105, 170; --orange: 200, 100, 27; }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: #fff; max-width: 72rem; margin: 2rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.9rem; margin: 0; } h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; } p { max-width: 46rem; }
.soft, figcaption { color: var(--soft); } figcaption { font-size: .9rem; }
.facts { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.5rem 0; }
.facts div { border: 1px solid var(--line); border-radius: .5rem; padding: .6rem 1rem; }
.facts b { display: block; font-size: 1.4rem; font-variant-numeric: tabular-nums; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(24rem, 1fr)); gap: 1.5rem; }
figure { margin: 0; } img { width: 100%; height: auto; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child, .left { text-align: left; } thead th { font-weight: 600; }
.text { text-align: left; white-space: normal; overflow-wrap: anywhere; }
.bar { display: inline-block; height: .7rem; background: rgb(var(--blue)); vertical-align: middle; margin-right: .4rem; }
table.matrix { font-size: .68rem; }
table.matrix th, table.matrix td { padding: 0; min-width: 1.6rem; height: 1.6rem; text-align: center; border: 1px solid #f1f4f6; }
table.matrix.large { font-size: .85rem; }
table.matrix.large th, table.matrix.large td { padding: .3rem .6rem; min-width: 3rem; }
table.matrix th:first-child { text-align: right; padding-right: .4rem; }
"""


@dataclass(frozen=True)
class Training:
    """All that is known of a training before its version is registered. The last point of `curve` is the training itself."""

    card: Card
    fitted: Fitted
    evaluation: Evaluation
    speed: Speed
    curve: tuple[CurvePoint, ...]
    notes: tuple[str, ...] = ()


def render(training: Training) -> str:
    """The page as HTML. Everything that comes from the data is escaped."""
    card = training.card
    parts = [
        f"<h1>{escape(card.name)}</h1><p class=soft>{escape(card.estimator)}</p>",
        f"<p>{escape(card.about)}</p>" if card.about else "",
        _facts(training),
        "".join(f"<p class=soft>{escape(note[:1].upper() + note[1:])}.</p>" for note in training.notes),
        _slices(training.evaluation.figures.slices, pieces="whole" in training.evaluation.figures.slices),
        _charts(training),
        _per_label(training.evaluation),
        _confusions(training.evaluation),
        _trials(training),
        _rows(
            "Data",
            ("source", "rows", "home", "licence"),
            [(one.name, f"{one.rows:,}", one.home or "", one.licence or "") for one in card.sources],
        ),
        _rows("Parameters", ("parameter", "value"), [(name, str(value)) for name, value in card.parameters.items()]),
    ]
    title = f"{escape(card.name)}: training report"
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    style = f"<style>{STYLE}</style>"
    return f"<!doctype html><html lang=en><head>{head}{style}</head><body>{''.join(parts)}</body></html>\n"


def _facts(training: Training) -> str:
    card, speed, figures = training.card, training.speed, training.evaluation.figures
    facts = [
        ("accuracy", f"{figures.accuracy:.2%}"),
        ("macro F1", f"{figures.macro_f1:.4f}"),
        *([("macro recall", f"{figures.macro_recall:.4f}")] if figures.macro_recall is not None else []),
        *([("calibration error", f"{figures.ece:.4f}")] if figures.ece is not None else []),
        ("labels", f"{len(card.labels)}"),
        ("rows learnt from", f"{card.sizes['train']:,}"),
        ("rows held out", f"{card.sizes['test']:,}"),
        ("seconds to train", f"{training.curve[-1].seconds:,.1f}"),
        (f"texts/s in a batch ({speed.characters:.0f} characters)", f"{speed.batch:,.0f}"),
        ("texts/s one at a time", f"{speed.alone:,.0f}"),
    ]
    cells = "".join(f"<div><b>{escape(value)}</b><span class=soft>{escape(name)}</span></div>" for name, value in facts)
    return f"<div class=facts>{cells}</div>"


def _charts(training: Training) -> str:
    found = []
    figures = training.evaluation.figures
    if len(training.curve) > 1:
        caption = "Learning curve: if it still rises, more data would help."
        found.append((charts.learning_curve(training.curve), caption))
    if training.evaluation.bins:
        caption = f"Reliability: on the dashed line, scores of 0.8 are right 80 % of the time. Calibration error {figures.ece:.4f}."
        found.append((charts.reliability(training.evaluation.bins), caption))
    if figures.coverage:
        caption = "What a threshold gives: the higher it is, the fewer texts get a label, and the more of these labels are right."
        found.append((charts.thresholds(figures.coverage), caption))
    if training.fitted.trials:
        caption = "The settings that the search tried, best first, with the standard deviation over folds."
        found.append((charts.search(training.fitted.trials), caption))
    if training.fitted.variance is not None:
        caption = f"Variance that the SVD explains: {training.fitted.variance[-1]:.1%} by {len(training.fitted.variance):,} dimensions."
        found.append((charts.variance(training.fitted.variance), caption))
    images = "".join(
        f'<figure><img alt="{escape(caption)}" src="data:image/png;base64,{base64.b64encode(image).decode()}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
        for image, caption in found
    )
    return f"<h2>Charts</h2><div class=charts>{images}</div>" + _thresholds(training)


def _thresholds(training: Training) -> str:
    rows = [
        (f"{one.threshold:g}", f"{one.coverage:.2%}", f"{one.precision:.2%}")
        for one in training.evaluation.figures.coverage
    ]
    rule = training.card.rule
    caption = (
        f"The card's rule: texts that score below {rule.threshold:g} are labelled {rule.unknown}, texts without letters {rule.no_letters}."
        if rule
        else ""
    )
    return (
        _rows("Thresholds", ("threshold", "texts that get a label", "labels that are right"), rows, caption)
        if rows
        else ""
    )


def _slices(slices: dict[str, Slice], *, pieces: bool) -> str:
    rows = [
        (name, f"{one.rows:,}", f"{one.accuracy:.2%}", _figure(one.macro_recall), _figure(one.ece))
        for name, one in slices.items()
    ]
    title, caption = ("By length", PIECES) if pieces else ("By kind of text", KINDS)
    heads = ("held-out texts", "rows", "accuracy", "macro recall", "calibration error")
    return _rows(title, heads, rows, caption) if rows else ""


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _per_label(evaluation: Evaluation) -> str:
    found = evaluation.figures.per_label
    rows = "".join(
        f"<tr><td>{escape(label)}</td>{_bar(one.precision)}{_bar(one.recall)}<td>{one.f1:.4f}</td><td>{one.support:,}</td></tr>"
        for label, one in found.items()
    )
    heads = "<th>label</th><th class=left>precision</th><th class=left>recall</th><th>F1</th><th>texts</th>"
    return (
        f"<h2>By label</h2><div class=scroll><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _bar(share: float) -> str:
    return f'<td class=left><span class=bar style="width:{6 * share:.2f}rem"></span>{share:.4f}</td>'


def _confusions(evaluation: Evaluation) -> str:
    wrong = evaluation.confusion - np.diag(np.diag(evaluation.confusion))
    places = np.argsort(-wrong, axis=None, kind="stable")[:CONFUSIONS]
    pairs = [(int(place // len(wrong)), int(place % len(wrong))) for place in places if wrong.flat[place]]
    labels = evaluation.labels
    rows = [(labels[true], labels[said], f"{wrong[true, said]:,}") for true, said in pairs]
    table = _rows("Most frequent confusions", ("true", "predicted", "texts"), rows) if rows else ""
    return f"<h2>Confusion matrix</h2>{_matrix(evaluation, wrong)}{table}"


def _matrix(evaluation: Evaluation, wrong: Any) -> str:
    """A row for each true and a column for each predicted label, coloured by share of the row; of many labels, those with most errors."""
    order = np.argsort(-(wrong.sum(axis=0) + wrong.sum(axis=1)), kind="stable")[:MATRIX_LABELS]
    shown = sorted(order.tolist())
    labels, counts = evaluation.labels, evaluation.confusion
    heads = "".join(f"<th>{escape(labels[place])}</th>" for place in shown)
    rows = "".join(
        f"<tr><th>{escape(labels[true])}</th>{''.join(_cell(labels, counts, true, said) for said in shown)}</tr>"
        for true in shown
    )
    left_out = (
        f" Of {len(labels)} labels, the {len(shown)} with the most errors are shown."
        if len(shown) < len(labels)
        else ""
    )
    caption = (
        f"Rows are true labels, columns predicted ones; the darker a cell, the larger its share of the row.{left_out}"
    )
    size = "matrix" if len(shown) > LARGE_LABELS else "matrix large"
    body = f"<table class='{size}'><thead><tr><th></th>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    return f"<p class=soft>{caption}</p><div class=scroll>{body}</div>"


def _cell(labels: tuple[str, ...], counts: Any, true: int, said: int) -> str:
    count = int(counts[true, said])
    if not count:
        return "<td></td>"
    share = count / int(counts[true].sum())
    depth = 0.12 + 0.78 * (
        share if true == said else min(1.0, share * 4)
    )  # errors are rare, so their colours are intensified
    colour = f"rgba(var(--{'blue' if true == said else 'orange'}),{depth:.2f})"
    ink = "#fff" if depth > 0.55 else "inherit"
    title = escape(f"{labels[true]} labelled as {labels[said]}: {count:,} ({share:.2%})", quote=True)
    return f'<td style="background:{colour};color:{ink}" title="{title}">{count}</td>'


def _trials(training: Training) -> str:
    rows = [
        (
            str(place),
            f"{one.accuracy:.4f} ± {one.deviation:.4f}",
            f"{one.seconds:.1f}",
            ", ".join(f"{k} {v}" for k, v in one.parameters.items()),
        )
        for place, one in enumerate(training.fitted.trials[:TRIALS], 1)
    ]
    return _rows("Search", ("rank", "accuracy over folds", "seconds to fit", "parameters"), rows) if rows else ""


def _rows(title: str, heads: tuple[str, ...], rows: Any, caption: str = "") -> str:
    head = "".join(f"<th{' class=text' if name in TEXT_COLUMNS else ''}>{escape(name)}</th>" for name in heads)
    body = "".join(f"<tr>{''.join(map(_table_cell, heads, row))}</tr>" for row in rows)
    note = f"<p class=soft>{escape(caption)}</p>" if caption else ""
    return f"<h2>{escape(title)}</h2>{note}<div class=scroll><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


def _table_cell(head: str, cell: str) -> str:
    return f"<td{' class=text' if head in TEXT_COLUMNS else ''}>{escape(cell)}</td>"
