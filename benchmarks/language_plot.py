"""The reliability diagram by length of text, for benchmarks/language.py."""

from pathlib import Path

import language_measures as measures
from language_measures import Scored


def plot(scored: dict[str, Scored], path: Path) -> None:
    """Accuracy by score for each range of lengths, over all texts whose label the scorer knows; bars show the share of texts."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    found = measures.by_length(list(measures.in_known_labels(scored).values()))
    columns = (len(found) + 1) // 2
    figure, grid = plt.subplots(2, columns, figsize=(2.6 * columns, 5.6), sharex=True, sharey=True, squeeze=False)
    for axes in grid.flat[len(found) :]:
        axes.set_axis_off()
    for axes, (length, (error, bins, texts)) in zip(grid.flat, found.items(), strict=False):
        scores = [one.score for one in bins]
        axes.bar(scores, [one.count / texts for one in bins], width=0.04, color="#b8c4ce", label="share of texts")
        axes.plot([0, 1], [0, 1], "--", color="#22303c", linewidth=1, label="calibrated")
        often = [one for one in bins if one.count >= 30]  # fewer texts say little
        axes.plot([one.score for one in often], [one.accuracy for one in often], "o-", color="#1769aa", label="right")
        axes.set_title(f"{length} characters\n{texts:,} texts, error {error:.3f}", fontsize=9)
        axes.grid(alpha=0.3)
    for axes in grid[-1]:
        axes.set_xlabel("score")
    grid[0][0].set_ylabel("share")
    grid[1][0].set_ylabel("share")
    grid[0][0].legend(frameon=False, fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
