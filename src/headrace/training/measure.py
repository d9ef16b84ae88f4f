"""Measuring a trained model: figures on held-out texts, the learning curve, speed."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from headrace.scoring.scorer import Scorer
from headrace.training.datasets import Progress, Row
from headrace.training.evaluate import Evaluation, HeldOutScores, evaluate
from headrace.training.fitting import Fitted
from headrace.training.recipes.cuts import cut_rows
from headrace.training.recipes.recipe import Kind, Recipe
from headrace.training.search import FOLDS

#: The shares of the rows that the learning curve learns from.
SHARES = (0.125, 0.25, 0.5)
#: Texts that speed is measured on: in a batch, and one at a time.
SPEED_TEXTS = 4_000
SPEED_ALONE = 200
#: Measurements of speed, whose median counts.
REPEATS = 3


@dataclass(frozen=True)
class CurvePoint:
    """The accuracy on held-out texts after learning from `rows` rows, and the seconds that learning took."""

    rows: int
    accuracy: float
    seconds: float


@dataclass(frozen=True)
class Speed:
    """Texts a second of one process, in a batch and one at a time, and the mean number of characters of these texts."""

    batch: float
    alone: float
    characters: float


def evaluate_held_out(recipe: Recipe, scorer: Scorer, held: Sequence[Row], seed: int, progress: Progress) -> Evaluation:
    """Evaluate a scorer on held-out rows: whole and cut, or by kinds, as the recipe says. The scorer knows all of their labels."""
    if recipe.kinds is None:
        kinds = [Kind("whole", list(held)), *(Kind(name, cut_rows(held, cut, seed)) for name, cut in recipe.cuts)]
    else:
        kinds = list(recipe.kinds(held))
    scored = []
    for number, kind in enumerate(kinds):
        progress("evaluating", number, len(kinds))
        scores = scorer.scores([row.text for row in kind.rows])
        scored.append(HeldOutScores(kind.name, [row.label for row in kind.rows], scores))
    progress("evaluating", len(kinds), len(kinds))
    return evaluate(scorer.labels, scored, calibrated=scorer.calibrated, apart=recipe.kinds is not None)


def learning_curve(
    fitted: Fitted, known: Sequence[Row], held: Sequence[Row], progress: Progress
) -> tuple[CurvePoint, ...]:
    """Learn again with the same parameters, from an eighth, a quarter and a half of the rows, and at least three of each label."""
    points = []
    for number, share in enumerate(SHARES):
        progress("learning curve", number, len(SHARES))
        rows = _part(known, share)
        began = time.perf_counter()
        scorer = fitted.again(rows)
        seconds = time.perf_counter() - began
        said = scorer.predict([row.text for row in held])
        right = sum(one.label == row.label for one, row in zip(said, held, strict=True))
        points.append(CurvePoint(len(rows), right / len(held), seconds))
    progress("learning curve", len(SHARES), len(SHARES))
    return tuple(points)


def speed(scorer: Scorer, texts: Sequence[str]) -> Speed:
    """The median of three runs over up to 4,000 texts, after a run to warm up."""
    batch = list(texts[:SPEED_TEXTS])
    alone = [[text] for text in batch[:SPEED_ALONE]]
    scorer.predict(batch)
    rates = sorted(_rate(scorer, [batch]) for _ in range(REPEATS)), sorted(_rate(scorer, alone) for _ in range(REPEATS))
    return Speed(rates[0][REPEATS // 2], rates[1][REPEATS // 2], sum(map(len, batch)) / len(batch))


def _rate(scorer: Scorer, batches: Sequence[Sequence[str]]) -> float:
    began = time.perf_counter()
    for batch in batches:
        scorer.predict(batch)
    return sum(map(len, batches)) / max(time.perf_counter() - began, 1e-9)


def _part(rows: Sequence[Row], share: float) -> list[Row]:
    """A share of the rows of each label, by a hash of the text: the same ones each time, and among those of any larger share."""
    by_label: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda row: hashlib.blake2b(row.text.encode(), digest_size=8).digest()):
        by_label.setdefault(row.label, []).append(row)
    return [row for rows in by_label.values() for row in rows[: max(FOLDS, ceil(len(rows) * share))]]
