"""The report's charts, as PNG images. No global state of Matplotlib is changed."""

import io
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from headrace.models.card import Coverage
from headrace.training.evaluate import Bin
from headrace.training.measure import CurvePoint
from headrace.training.search import Trial

INK, BLUE, ORANGE, GREY = "#22303c", "#1769aa", "#c8641b", "#b8c4ce"
#: Pixels an inch.
DPI = 140


def learning_curve(points: Sequence[CurvePoint]) -> bytes:
    """Accuracy by the number of rows learnt from."""

    def draw(axes: Axes) -> None:
        axes.plot([point.rows for point in points], [point.accuracy for point in points], "o-", color=BLUE)
        axes.set_xscale("log", base=2)
        axes.set_xticks([point.rows for point in points], [f"{point.rows:,}" for point in points])
        axes.minorticks_off()
        _label(axes, "rows learnt from", "accuracy")

    return _png(draw)


def reliability(bins: Sequence[Bin]) -> bytes:
    """Accuracy by score, with the diagonal on which both are equal; bars show the share of texts with such scores."""

    def draw(axes: Axes) -> None:
        total = sum(one.count for one in bins)
        scores = [one.score for one in bins]
        axes.bar(scores, [one.count / total for one in bins], width=0.04, color=GREY, label="share of texts")
        axes.plot([0, 1], [0, 1], "--", color=INK, linewidth=1, label="calibrated")
        axes.plot(scores, [one.accuracy for one in bins], "o-", color=BLUE, label="accuracy")
        _unit(axes, axes.set_xlim, axes.set_ylim)
        axes.legend(frameon=False)
        _label(axes, "score", "share")

    return _png(draw)


def thresholds(coverage: Sequence[Coverage]) -> bytes:
    """Precision and coverage by threshold."""

    def draw(axes: Axes) -> None:
        at = [one.threshold for one in coverage]
        axes.plot(at, [one.precision for one in coverage], "o-", color=BLUE, label="precision: labels that are right")
        axes.plot(at, [one.coverage for one in coverage], "s-", color=ORANGE, label="coverage: texts that get a label")
        _unit(axes, axes.set_xlim)
        axes.set_ylim(top=1.02)
        axes.legend(frameon=False)
        _label(axes, "threshold", "share")

    return _png(draw)


def variance(cumulative: NDArray[np.float64]) -> bytes:
    """The share of variance that the first 1, 2, ... dimensions of an SVD explain, (dimensions,)."""

    def draw(axes: Axes) -> None:
        axes.plot(np.arange(1, len(cumulative) + 1), cumulative, color=BLUE)
        axes.set_ylim(0, 1.02)
        _label(axes, "dimensions", "variance explained")

    return _png(draw)


def search(trials: Sequence[Trial]) -> bytes:
    """The accuracy of each setting that was tried, with its standard deviation over folds, best first."""

    def draw(axes: Axes) -> None:
        places = range(1, len(trials) + 1)
        spread = [trial.deviation for trial in trials]
        axes.errorbar(places, [trial.accuracy for trial in trials], spread, fmt="o", color=BLUE, ecolor=GREY, capsize=3)
        axes.set_xlim(0.5, len(trials) + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        _label(axes, "rank of the setting", "accuracy over folds")

    return _png(draw)


def _unit(_: Axes, *limits: Callable[..., object]) -> None:
    """Set limits of an axis to just beyond 0 and 1."""
    for limit in limits:
        limit(-0.02, 1.02)


def _label(axes: Axes, horizontal: str, vertical: str) -> None:
    axes.set_xlabel(horizontal)
    axes.set_ylabel(vertical)


def _png(draw: Callable[[Axes], None]) -> bytes:
    figure = Figure(figsize=(5.4, 3.6), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.grid(visible=True, color="#e6ebef")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    draw(axes)
    image = io.BytesIO()
    figure.savefig(image, format="png", metadata={"Software": None}, pil_kwargs={"compress_level": 4})
    return image.getvalue()
