"""The figures of a comparison, against scikit-learn's and against hand-made ones."""

import math
import random
from collections.abc import Sequence

import pytest
from sklearn.metrics import accuracy_score, cohen_kappa_score, confusion_matrix, f1_score, recall_score

from headrace.models.model_set import ModelSet
from headrace.operations.compare.answers import Answers, NamedModel
from headrace.operations.compare.cautions import cautions
from headrace.operations.compare.figures import Comparison, LabelFigures, ModelFigures, PairFigures, compare
from headrace.operations.compare.rows import Rows

LABELS = ("negative", "neutral", "positive")


def answers(
    labels: Sequence[str],
    *,
    name: str = "a",
    scores: Sequence[float] = (),
    known: Sequence[str] = (),
    declining: Sequence[str] = (),
    seconds: float = 2.0,
) -> Answers:
    model = NamedModel(name, f"{name}@1", ModelSet([]), frozenset(known), frozenset(declining))
    return Answers(model, labels, scores or [0.5] * len(labels), "it is too long" if "" in labels else "", seconds)


def rows(labels: Sequence[str]) -> Rows:
    return Rows([f"text {n}" for n in range(len(labels))], labels)


def of_one(true: Sequence[str], said: Sequence[str], **more: Sequence[float]) -> ModelFigures:
    (figures,) = compare(rows(true), [answers(said, **more)]).models
    return figures


def of_two(first: Sequence[str], second: Sequence[str]) -> PairFigures:
    (pair,) = compare(rows([""] * len(first)), [answers(first), answers(second, name="b")]).pairs
    return pair


def drawn(seed: int, number: int, labels: Sequence[str], luck: float) -> tuple[list[str], list[str]]:
    chance = random.Random(seed)
    true = chance.choices(labels, weights=range(1, len(labels) + 1), k=number)
    return true, [one if chance.random() < luck else chance.choice([*labels, "mixed"]) for one in true]


@pytest.mark.parametrize("seed", range(5))
def test_the_figures_of_a_model_are_those_of_scikit_learn(seed: int) -> None:
    true, said = drawn(seed, 300, LABELS, 0.6)
    figures = of_one(true, said)
    assert figures.accuracy == pytest.approx(accuracy_score(true, said))
    assert figures.macro_recall == pytest.approx(recall_score(true, said, labels=LABELS, average="macro"))
    assert figures.macro_f1 == pytest.approx(f1_score(true, said, average="macro", zero_division=0))
    names = (*LABELS, "mixed")
    matrix = confusion_matrix(true, said, labels=names)
    told = [[figures.confusion.get(one, {}).get(other, 0) for other in names] for one in names]
    assert told == matrix.tolist()


@pytest.mark.parametrize("seed", range(5))
def test_the_figures_of_a_pair_are_those_of_scikit_learn(seed: int) -> None:
    first, second = drawn(seed, 300, LABELS, 0.4)
    pair = of_two(first, second)
    share = accuracy_score(first, second)
    assert pair.agreement == pytest.approx(share)
    assert pair.agreement_se == pytest.approx(math.sqrt(share * (1 - share) / 300))
    assert pair.kappa == pytest.approx(cohen_kappa_score(first, second))
    assert sum(sum(row.values()) for row in pair.confusion.values()) == pair.rows == 300


def test_macro_recall_has_the_standard_error_of_a_mean_of_independent_recalls() -> None:
    figures = of_one(["x"] * 4 + ["y"] * 9, ["x", "x", "x", "y"] + ["y"] * 3 + ["x"] * 6)
    assert figures.macro_recall == pytest.approx((3 / 4 + 3 / 9) / 2)
    assert figures.macro_recall_se == pytest.approx(math.sqrt(3 / 4 * 1 / 4 / 4 + 1 / 3 * 2 / 3 / 9) / 2)


def test_a_label_has_its_recall_precision_f1_and_support() -> None:
    figures = of_one(["x", "x", "y"], ["x", "z", "x"])
    assert figures.per_label == {
        "x": LabelFigures(recall=0.5, precision=0.5, f1=0.5, support=2),
        "y": LabelFigures(recall=0.0, precision=None, f1=0.0, support=1),
        "z": LabelFigures(recall=None, precision=0.0, f1=0.0, support=0),
    }


def test_a_text_on_which_a_model_failed_counts_as_wrong_for_it_and_not_for_its_pairs() -> None:
    whole, failing = answers(["x", "x", "y"]), answers(["x", "", "y"], name="b")
    compared = compare(rows(["x", "x", "y"]), [whole, failing])
    assert [one.accuracy for one in compared.models] == pytest.approx([1.0, 2 / 3])
    assert [one.failed for one in compared.models] == [0, 1]
    assert compared.models[1].macro_recall == pytest.approx((1 / 2 + 1) / 2)
    assert compared.models[1].confusion == {"x": {"x": 1}, "y": {"y": 1}}
    (pair,) = compared.pairs
    assert (pair.rows, pair.agreement, pair.kappa) == (2, 1.0, 1.0)


def test_rows_without_a_label_count_for_agreement_alone() -> None:
    compared = compare(rows(["x", "", ""]), [answers(["x", "x", "y"]), answers(["x", "y", "y"], name="b")])
    assert (compared.rows, compared.labelled, compared.labels) == (3, 1, ("x",))
    assert compared.models[0].accuracy == 1.0
    assert compared.models[0].per_label["x"].support == 1
    assert compared.pairs[0].agreement == pytest.approx(2 / 3)


def test_without_any_label_a_model_has_its_speed_alone() -> None:
    (figures,) = compare(rows(["", ""]), [answers(["x", "und"], declining=["und"], seconds=0.5)]).models
    assert figures == ModelFigures(model="a@1", name="a", texts_per_second=4.0, declined=1, failed=0)


def test_declining_is_wrong_unless_the_data_says_the_same() -> None:
    compared = compare(rows(["x", "und"]), [answers(["und", "und"], declining=["und", "zxx"])])
    assert (compared.models[0].declined, compared.models[0].accuracy) == (2, 0.5)


def test_kappa_is_not_defined_if_both_always_give_one_label() -> None:
    pair = of_two(["x", "x"], ["x", "x"])
    assert (pair.agreement, pair.agreement_se, pair.kappa) == (1.0, 0.0, None)


def test_models_without_a_common_label_never_agree() -> None:
    pair = of_two(["x", "y"], ["1", "2"])
    assert (pair.agreement, pair.kappa) == (0.0, 0.0)


def test_a_pair_of_models_that_never_answer_the_same_text_has_no_agreement() -> None:
    assert of_two(["x", ""], ["", "x"]) == PairFigures(("a", "b"), 0, None, None, None, {})


def test_there_is_a_pair_of_each_two_models() -> None:
    three = [answers(["x"], name=name) for name in "abc"]
    assert [pair.models for pair in compare(rows(["x"]), three).pairs] == [("a", "b"), ("a", "c"), ("b", "c")]


def test_one_row_and_one_class_have_figures() -> None:
    figures = of_one(["x"], ["x"])
    assert (figures.accuracy, figures.macro_recall, figures.macro_recall_se, figures.macro_f1) == (1.0, 1.0, 0.0, 1.0)
    assert of_one(["x"], [""]).macro_recall == 0.0


def test_calibration_error_is_that_of_scores_beside_labels_that_are_named() -> None:
    assert of_one(["x"] * 4, ["x", "x", "y", "x"], scores=[0.75] * 4).ece == pytest.approx(0.0)
    assert of_one(["x"] * 2, ["x", ""], scores=[0.6, 0.0]).ece == pytest.approx(0.4)
    assert of_one(["x"], ["x"], scores=[1.5]).ece is None
    assert of_one(["x"], [""], scores=[0.0]).ece is None
    assert compare(rows(["x"]), [answers(["und"], declining=["und"])]).models[0].ece is None


def test_a_time_of_nothing_is_no_error() -> None:
    compared: Comparison = compare(rows(["x"]), [answers(["x"], seconds=0.0)])
    assert math.isfinite(compared.models[0].texts_per_second)


# --- what is warned of


def test_labels_that_fit_are_no_reason_for_a_warning() -> None:
    assert cautions(rows(["x", "y"]), [answers(["x", "x"], known=["x", "y"]), answers(["y", "x"], name="b")]) == []


def test_labels_that_a_model_and_the_data_do_not_share_are_told() -> None:
    (told,) = cautions(rows(["1", "0"]), [answers(["positive", "negative"])])
    assert told.startswith("a says no label of the data: it says 'negative', 'positive', the data '0', '1';")
    assert "--map '1=positive,0=negative'" in told


def test_a_label_that_a_model_never_says_is_told() -> None:
    (told,) = cautions(rows(["x", "z", "z"]), [answers(["x", "x", "x"], known=["x", "y"])])
    assert told == "a never says 'z', labels of 2 rows, which count as wrong"


def test_a_label_that_a_model_might_have_said_is_no_reason_for_a_warning() -> None:
    assert cautions(rows(["x", "z"]), [answers(["x", "x"], known=["x", "z"])]) == []


def test_a_label_that_the_data_does_not_have_is_told_but_for_one_that_declines() -> None:
    (told,) = cautions(rows(["x"] * 4), [answers(["x", "z", "z", "und"], declining=["und"])])
    assert told == "a says 'z', 2 times, which no row of the data has as its label"


def test_models_without_a_common_label_are_told() -> None:
    (told, same) = cautions(rows([""]), [answers(["x"]), answers(["1"], name="b")])
    assert "no row has a label" in told
    assert same == "a and b have no label in common, so they never agree"


def test_models_that_might_have_agreed_are_no_reason_for_a_warning() -> None:
    first, second = answers(["x", "x"], known=["x", "y"]), answers(["y", "y"], name="b", known=["x", "y"])
    assert cautions(rows(["x", "y"]), [first, second]) == []


def test_failures_are_told_with_the_first_reason() -> None:
    told = cautions(rows(["x", "x"]), [answers(["", "x"])])
    assert told == ["a failed on 1 text: it is too long"]
    assert cautions(rows(["x"]), [answers([""])]) == ["a failed on 1 text: it is too long"]


def test_what_is_wrong_with_rows_is_told() -> None:
    found = Rows(["a", "b"], ["x", ""], malformed=1, faults=("d.jsonl, line 3: no",), unmapped=("2", "3"))
    assert cautions(found, [answers(["x", "x"])]) == [
        "1 row can't be used and was left out: d.jsonl, line 3: no",
        "1 row has no label, and counts for agreement and speed alone",
        "no row has the label '2' or '3', which --map renames",
    ]


def test_only_the_first_labels_are_listed() -> None:
    labels = [f"{n}" for n in range(9)]
    (told,) = cautions(rows(["x"] * 9), [answers(["x", *labels[1:]])])
    assert "says '1', '2', '3', '4', '5' and 3 more, 8 times" in told
