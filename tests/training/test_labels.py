"""Labels that are the same are one label, however they are written; those that only look alike are told."""

import json
import math

import pytest

from headrace.models.registry import Registry
from headrace.training.datasets import read
from headrace.training.labels import canonical
from headrace.training.train import train

COMPOSED, APART = "caf\u00e9", "cafe\u0301"


@pytest.mark.parametrize(
    ("written", "label"),
    [
        (1, "1"),
        (1.0, "1"),
        ("1", "1"),
        ("1.0", "1"),
        (" 1.00 ", "1"),
        ("1e2", "100"),
        (-0.0, "0"),
        (1.5, "1.5"),
        ("1.50", "1.5"),
        (10**30, "1" + "0" * 30),
        (1e300, "1e+300"),
        (100, "100"),
        (True, "True"),
        ("007", "007"),
        ("+1", "+1"),
        ("1.2.3", "1.2.3"),
        ("1_000", "1_000"),
        ("\u0661", "\u0661"),
        (" pos", "pos"),
        ("pos\r", "pos"),
        ("\u00a0pos\u3000", "pos"),
        ("\ufeffpos\u200b", "pos"),
        ("very \t good", "very good"),
        ("Pos", "Pos"),
        (APART, COMPOSED),
        ("none", "none"),
        ("nan", "nan"),  # Min Nan, among languages
    ],
    ids=repr,
)
def test_what_is_the_same_number_or_differs_in_blanks_only_is_one_label(written: object, label: str) -> None:
    assert canonical(written) == label
    assert canonical(label) == label


@pytest.mark.parametrize("written", [None, "", " \u00a0\u200b", math.nan, math.inf, "NaN", [], {"a": 1}], ids=repr)
def test_what_is_empty_or_not_a_number_is_not_a_label(written: object) -> None:
    assert canonical(written) == ""


def test_rows_of_one_label_are_told_in_all_their_spellings(tmp_path):
    written = [1, 1.0, "1", "1.0", "pos", " pos", "pos", APART, COMPOSED, "Pos"]
    rows = [{"text": f"text {number}", "label": label} for number, label in enumerate(written)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    data = read([tmp_path / "a.jsonl"])
    assert data.labels == ("1", "Pos", COMPOSED, "pos")
    assert data.merged == (
        "'1' is also written '1.0' (1), 1.0 (1)",
        f"{COMPOSED!r} is also written {APART!r} (1)",
        "'pos' is also written ' pos' (1)",
    )
    assert data.alike == ("'Pos' and 'pos'",)
    assert data.malformed == 0


def test_a_text_with_one_label_in_two_spellings_is_repeated_and_not_contradicted(tmp_path):
    (tmp_path / "a.csv").write_text('text,label\nx,1\nx,1.0\ny," pos"\ny,pos\n')
    data = read([tmp_path / "a.csv"])
    assert [tuple(row)[:2] for row in data.rows] == [("x", "1"), ("y", "pos")]
    assert (data.repeated, data.contradicted) == (2, 0)


def test_rows_without_a_label_are_refused_with_their_lines(tmp_path):
    (tmp_path / "a.jsonl").write_text(
        '{"text": "a", "label": null}\n{"text": "b", "label": NaN}\n{"text": "c", "label": " "}\n{"text": "d", "label": "x"}\n'
    )
    data = read([tmp_path / "a.jsonl"])
    assert [row.text for row in data.rows] == ["d"]
    assert data.malformed == 3
    assert [f"line {number}: " in fault for number, fault in enumerate(data.faults, 1)] == [True] * 3


def test_train_says_which_labels_it_takes_for_one(tmp_path):
    words = {"1": "good nice fine", "2": "bad awful poor"}
    rows = [
        {"text": f"{word} {number}", "label": float(label) if number % 2 else int(label)}
        for label, some in words.items()
        for word in some.split()
        for number in range(8)
    ]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    told: list[str] = []
    registry = Registry(tmp_path / "models")
    version = train("mood", [tmp_path / "a.jsonl"], registry=registry, learning_curve=False, tell=told.append)
    assert registry.card(str(version)).labels == ("1", "2")
    assert any("count as one: '1' is also written 1.0 (12); '2' is also written 2.0 (12)" in line for line in told)
