"""How `compare` prints its figures for people."""

from collections import Counter
from collections.abc import Sequence

from headrace.commands.output import print_table, shown
from headrace.operations.compare.answers import BATCH
from headrace.operations.compare.figures import Comparison, Confusion, ModelFigures

LABELS = 12  # of a confusion that are shown, the most frequent ones; the rest is added up
OTHERS = "(others)"


def print_comparison(compared: Comparison) -> None:
    """Tables of the models, of the pairs, and of the confusions; JSON has all labels of these."""
    _print_models(compared)
    if compared.pairs:
        print()
        rows = [
            (
                " and ".join(pair.models),
                _with_error(pair.agreement, pair.agreement_se),
                _plain(pair.kappa),
                f"{pair.rows:,}",
            )
            for pair in compared.pairs
        ]
        print_table(("models", "agreement", "kappa", "texts"), rows)
    for model in compared.models if compared.labelled else ():
        _print_confusion("labels of the data", model.name, model.confusion)
    for pair in compared.pairs:
        _print_confusion(*pair.models, pair.confusion)
    errors = "± is one standard error. " if compared.labelled or compared.pairs else ""
    print(f"\n{errors}texts/s: on this machine, asked by one thread for up to {BATCH} texts at once, after a warm-up.")


def _print_models(compared: Comparison) -> None:
    of_labels = ("macro recall", "accuracy", "macro F1", "ECE") if compared.labelled else ()
    noun = "text" if compared.rows == 1 else "texts"
    print(f"{compared.rows:,} {noun}, {compared.labelled:,} of them with a label\n")
    print_table(
        ("name", "model", *of_labels, "texts/s", "declined", "failed"),
        [_row(one, compared) for one in compared.models],
    )


def _row(one: ModelFigures, compared: Comparison) -> Sequence[str]:
    of_labels = (
        _with_error(one.macro_recall, one.macro_recall_se),
        _percent(one.accuracy),
        _plain(one.macro_f1),
        _plain(one.ece),
    )
    return (
        one.name,
        one.model,
        *(of_labels if compared.labelled else ()),
        f"{one.texts_per_second:,.{0 if one.texts_per_second >= 100 else 1}f}",
        _percent(one.declined / compared.rows),
        _percent(one.failed / compared.rows),
    )


def _print_confusion(down: str, across: str, confusion: Confusion) -> None:
    """A table of counts; none if there is nothing to count, as for a model that failed on everything."""
    if not confusion:
        return
    first, second = Counter[str](), Counter[str]()
    for one, row in confusion.items():
        first[one] += sum(row.values())
        second.update(row)
    rows, columns = _most(first), _most(second)
    cells = Counter[tuple[str, str]]()
    for one, row in confusion.items():
        for other, count in row.items():
            cells[one if one in rows else OTHERS, other if other in columns else OTHERS] += count
    print(f"\n{shown(down)} (down), {shown(across)} (across)")
    print_table(("", *columns), [(one, *(f"{cells[one, other]:,}" for other in columns)) for one in rows])


def _most(counts: Counter[str]) -> Sequence[str]:
    """The most frequent labels in alphabetical order, and a word for the rest if there is any."""
    if len(counts) <= LABELS:
        return sorted(counts)
    return [*sorted(label for label, _ in counts.most_common(LABELS)), OTHERS]


def _with_error(share: float | None, error: float | None) -> str:
    return "-" if share is None or error is None else f"{share:.1%} ± {error:.1%}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
