"""The registry: what it stores appears whole or not at all, aliases move and go back, and what is damaged is refused by name."""

import errno
import json
import os
import subprocess
import sys

import msgspec
import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline

import headrace
from headrace.errors import Misconfigured, Unavailable
from headrace.models.card import Card, Golden, Rule, has_letters
from headrace.models.registry import Model, Registry
from headrace.models.spec import parse, pinned
from headrace.ports import Ranking, VersionRef
from headrace.training.softmax import HashedSoftmax

ENGLISH = ("the cat sat on the mat", "where is the house", "a good day to you", "this is what they think")
SWEDISH = ("katten satt på mattan", "var är huset någonstans", "en god dag till dig", "det är vad de tycker")


def fitted(strength=1.0):
    pipeline = make_pipeline(
        TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 2)), LogisticRegression(C=strength * 100)
    )
    return pipeline.fit([*ENGLISH, *SWEDISH], ["en"] * 4 + ["sv"] * 4)


@pytest.fixture(scope="module")
def pipelines():
    return [fitted(strength) for strength in (1, 2, 3)]


@pytest.fixture(scope="module")
def scorers(pipelines):
    return [headrace.compile(pipeline) for pipeline in pipelines]


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path / "models", builtin=None)


def card_of(scorer, *, rule=None):
    card = Card(name="language", labels=tuple(scorer.labels), rule=rule)
    found = Model(VersionRef("language"), card, scorer).predict(["the house"])[0]
    return msgspec.structs.replace(card, golden=(Golden("the house", found.label, found.score),))


def put(registry, scorer, name="language", **options):
    alias = options.pop("alias", "champion")
    return registry.add(name, scorer, card_of(scorer, **options), alias=alias)


def test_a_stored_model_predicts_as_the_scorer_did_and_names_its_version(registry, scorers):
    version = put(registry, scorers[0])
    texts = [*ENGLISH, *SWEDISH]
    found = registry.get("language").predict(texts)
    assert [(one.label, one.score) for one in found] == [(one.label, one.score) for one in scorers[0].predict(texts)]
    assert {one.model for one in found} == {str(version)} == {f"language@{version.version}"}


def test_the_card_says_what_was_stored(registry, scorers, pipelines):
    scorer = scorers[0]
    version = registry.add("language", scorer, card_of(scorer), pipeline=pipelines[0], report="<p>Report</p>")
    card = registry.card(str(version))
    assert (card.name, card.version, card.labels) == ("language", version.version, ("en", "sv"))
    assert card.hash.startswith(version.version)
    assert set(card.files) == {"weights.safetensors", "pipeline.skops"}
    assert card.scorer.compiled
    assert {"python", "scikit-learn", "numpy", "numba", "headrace"} == set(card.trained_with)
    assert (version.folder / "report.html").read_text() == "<p>Report</p>"
    assert sorted(json.loads((version.folder / "card.json").read_text()))


def test_adding_the_same_twice_gives_the_same_version(registry, scorers):
    first = put(registry, scorers[0])
    again = put(registry, headrace.compile(fitted(1)))
    assert first == again
    assert len(registry.list()) == 1


def test_another_rule_makes_another_version(registry, scorers):
    assert put(registry, scorers[0]) != put(registry, scorers[0], rule=Rule(0.6))


def test_a_pipeline_that_cannot_be_compiled_has_one_name_however_often_it_is_trained(registry):
    from sklearn.svm import SVC

    def train():
        pipeline = make_pipeline(TfidfVectorizer(), SVC())
        return headrace.compile(pipeline.fit([*ENGLISH, *SWEDISH], ["en"] * 4 + ["sv"] * 4))

    first, second = put(registry, train()), put(registry, train())
    assert first == second
    card = registry.card("language")
    assert not card.scorer.compiled
    assert card.scorer.reason
    assert set(card.files) == {"pipeline.skops"}
    assert registry.get("language").predict(["the house"])[0].label == "en"


def test_a_reference_is_a_name_an_alias_or_the_start_of_a_version(registry, scorers):
    old = put(registry, scorers[0], alias="challenger")
    new = put(registry, scorers[1])
    assert new.aliases == ("champion",)
    assert registry.resolve("language") == registry.resolve("language@champion") == new
    assert registry.resolve("language@challenger") == registry.resolve(f"language@{old.version[:4]}") == old


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("langage", "did you mean 'language'"),
        ("language@champoin", "did you mean 'champion'"),
        ("language@ffffff", "no version or alias"),
        ("language@fff", "no version or alias"),
        ("sentiment", "there is no model 'sentiment'"),
        ("../language", "not the name of a model"),
        ("", "not the name of a model"),
        ("Language", "not the name of a model"),
        ("language/..", "not the name of a model"),
    ],
)
def test_an_unknown_reference_is_refused_with_what_was_perhaps_meant(registry, scorers, reference, words):
    put(registry, scorers[0])
    with pytest.raises(Misconfigured, match=words):
        registry.resolve(reference)


def test_a_prefix_that_two_versions_share_is_refused(registry, scorers):
    version = put(registry, scorers[0])
    twin = version.folder.with_name(version.version[:5] + ("0" if version.version[5] != "0" else "1"))
    twin.mkdir()
    (twin / "card.json").write_bytes((version.folder / "card.json").read_bytes())
    with pytest.raises(Misconfigured, match="give more digits"):
        registry.resolve(f"language@{version.version[:4]}")


def test_a_version_whose_name_is_taken_by_other_content_gets_a_longer_one(registry, scorers, tmp_path):
    version = put(Registry(tmp_path / "elsewhere", builtin=None), scorers[0])
    other = put(registry, scorers[1])
    other.folder.rename(other.folder.with_name(version.version))
    again = put(registry, scorers[0])
    assert again.version.startswith(version.version)
    assert len(again.version) == 7


def test_rollback_goes_back_one_promotion_at_a_time(registry, scorers):
    first, second, third = (put(registry, scorer) for scorer in scorers)
    assert registry.rollback("language").version == second.version
    registry.promote(str(third))
    registry.promote(str(third))
    assert registry.rollback("language").version == second.version
    assert registry.rollback("language").version == first.version
    with pytest.raises(Misconfigured, match="cannot be rolled back"):
        registry.rollback("language")
    assert registry.resolve("language").version == first.version


def test_rollback_passes_over_versions_that_are_gone(registry, scorers):
    first, second, _third = (put(registry, scorer) for scorer in scorers)
    for path in second.folder.iterdir():
        path.unlink()
    second.folder.rmdir()
    assert registry.rollback("language").version == first.version


def test_an_alias_may_not_look_like_a_version_or_a_path(registry, scorers):
    version = put(registry, scorers[0])
    for alias in ("beef00", "../x", "", "A"):
        with pytest.raises(Misconfigured, match="is not an alias"):
            registry.promote(str(version), alias)


def test_the_packages_models_stand_behind_the_folders_own(tmp_path, scorers):
    builtin = Registry(tmp_path / "package", builtin=None)
    shipped = put(builtin, scorers[0])
    registry = Registry(tmp_path / "models", builtin=builtin.folder)
    assert registry.resolve("language") == shipped
    own = put(registry, scorers[1])
    assert registry.resolve("language") == own
    assert {str(one) for one in registry.list()} == {str(shipped), str(own)}
    assert registry.rollback("language") == shipped
    registry.promote(str(shipped), "challenger")
    assert registry.resolve("language@challenger").folder == shipped.folder
    assert not (tmp_path / "package" / "language" / "aliases.json").read_text().count("challenger")


def test_adding_what_the_package_ships_gives_the_packages_version(tmp_path, scorers):
    shipped = put(Registry(tmp_path / "package", builtin=None), scorers[0])
    assert put(Registry(tmp_path / "models", builtin=tmp_path / "package"), scorers[0]).folder == shipped.folder


def test_a_missing_folder_is_an_empty_registry(tmp_path):
    registry = Registry(tmp_path / "nowhere", builtin=None)
    assert registry.list() == registry.list("language") == []
    with pytest.raises(Misconfigured, match="there is no model"):
        registry.get("language")
    assert not (tmp_path / "nowhere").exists()


def test_versions_are_listed_by_name_the_newest_first(registry, scorers):
    a, b = put(registry, scorers[0], name="b"), put(registry, scorers[1], name="b")
    c = put(registry, scorers[0], name="a")
    assert [str(one) for one in registry.list()] == [str(c), str(b), str(a)]
    assert [str(one) for one in registry.list("b")] == [str(b), str(a)]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: (folder / "weights.safetensors").unlink(), "cannot be read"),
        (lambda folder: shorten(folder / "weights.safetensors"), "damaged or exchanged"),
        (lambda folder: flip(folder / "weights.safetensors"), "damaged or exchanged"),
        (lambda folder: rewrite(folder, labels=["sv", "en"]), "its labels are"),
        (lambda folder: rewrite(folder, golden=[{"text": "the house", "label": "sv", "score": 0.9}]), "must be sv"),
        (lambda folder: rewrite(folder, files={}), "names neither"),
        (lambda folder: (folder / "card.json").write_text("{"), "cannot be read"),
    ],
)
def test_a_damaged_version_is_refused_by_name_with_the_reason(registry, scorers, damage, words):
    version = put(registry, scorers[0])
    damage(version.folder)
    with pytest.raises(Misconfigured, match=words) as refusal:
        registry.get("language")
    assert version.version in str(refusal.value)


def shorten(path):
    path.write_bytes(path.read_bytes()[:-40])


def flip(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def rewrite(folder, **members):
    path = folder / "card.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | members))


def test_weights_for_other_labels_than_the_cards_are_never_stored(registry, scorers):
    card = Card(name="language", labels=("da", "no"))
    with pytest.raises(Misconfigured, match="its card has the labels da, no"):
        registry.add("language", scorers[0], card, alias="champion")
    assert registry.list() == []


def test_a_version_whose_golden_texts_fail_is_never_stored(registry, scorers):
    card = Card(name="language", labels=tuple(scorers[0].labels), golden=(Golden("the house", "sv", 0.99),))
    with pytest.raises(Misconfigured, match="is broken"):
        registry.add("language", scorers[0], card, alias="champion")
    assert registry.list() == []
    assert [path.name for path in (registry.folder / "language").iterdir()] == [".lock"]


class Interrupted(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize("step", ["fsync", "rename", "replace"])
def test_whatever_step_is_interrupted_the_old_state_stands(registry, scorers, monkeypatch, step):
    old = put(registry, scorers[0])
    for limit in range(12):
        with monkeypatch.context() as patch:
            real = getattr(os, step)
            done = iter(range(limit))

            def stop(*arguments, real=real, done=done, **options):
                if next(done, None) is None:
                    raise Interrupted
                return real(*arguments, **options)

            patch.setattr(os, step, stop)
            try:
                new = put(registry, scorers[1])
            except Interrupted:
                assert old.version in [version.version for version in registry.list()]
                for reference in ("language", *map(str, registry.list())):
                    assert registry.get(reference).predict(["the house"])[0].label == "en"
                continue
        break
    else:
        pytest.fail(f"{step} was called more often than this test expects")
    assert registry.resolve("language") == new
    assert {path.name for path in (registry.folder / "language").iterdir()} == {
        ".lock",
        "aliases.json",
        old.version,
        new.version,
    }


def test_a_folder_that_cannot_be_written_is_named(tmp_path, scorers):
    (tmp_path / "models").write_text("a file, not a folder")
    with pytest.raises(Misconfigured, match="cannot be written"):
        put(Registry(tmp_path / "models", builtin=None), scorers[0])


def test_whatever_a_library_raises_on_a_full_disk_is_told_with_the_folder(registry, scorers, monkeypatch):
    import safetensors.numpy

    def full(*_):
        raise safetensors.SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(safetensors.numpy, "save_file", full)
    with pytest.raises(Unavailable, match=r"to .*language: the disk is full"):
        put(registry, scorers[0])
    assert registry.list() == []


def test_a_full_disk_is_a_matter_of_time(registry, scorers, monkeypatch):
    version = put(registry, scorers[0], alias=None)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable, match=r"to .*language: the disk is full"):
        registry.promote(str(version))


PROMOTE_OFTEN = """
import sys
from headrace.models.registry import Registry
folder, reference, alias = sys.argv[1:]
for _ in range(20):
    Registry(folder, builtin=None).promote(reference, alias)
    Registry(folder, builtin=None).promote(reference, alias + "-too")
"""


def test_two_processes_lose_none_of_each_others_aliases(registry, scorers):
    version = put(registry, scorers[0], alias=None)
    command = [sys.executable, "-c", PROMOTE_OFTEN, str(registry.folder), str(version)]
    processes = [subprocess.Popen([*command, alias]) for alias in ("one", "two")]
    assert [process.wait() for process in processes] == [0, 0]
    assert registry.resolve(str(version)).aliases == ("one", "one-too", "two", "two-too")


def test_damaged_aliases_are_refused_with_their_path(registry, scorers):
    put(registry, scorers[0])
    (registry.folder / "language" / "aliases.json").write_text('{"champion": 3}')
    with pytest.raises(Misconfigured, match="json are damaged"):
        registry.resolve("language")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("s3://bucket/models", "known are file:, a plain path"),
        ("http://host/models", "known are file:, a plain path"),
        ("file://host/models", "three slashes, file:///srv/models"),
        ("file://[::1/x", "is not a URL"),
        ("file:", "three slashes, file:///srv/models"),
    ],
)
def test_a_registry_url_of_another_kind_says_what_to_give(url, reason):
    with pytest.raises(Misconfigured, match=reason):
        Registry.from_url(url)


def test_a_file_url_and_a_path_open_the_same_registry(tmp_path):
    folder = tmp_path / "my models"
    assert Registry.from_url(str(folder)).folder == folder
    assert Registry.from_url(f"file://{tmp_path}/my%20models").folder == folder


def test_load_takes_a_reference_or_the_path_of_a_version(registry, scorers):
    version = put(registry, scorers[0])
    for model in (
        headrace.load("language", registry=registry.folder),
        headrace.load(str(version.folder)),
        headrace.load(str(version), registry=f"file://{registry.folder}"),
    ):
        assert (model.name, model.version) == (version.name, version.version)
        assert model.ref == version.ref
        assert model.predict(["katten satt på mattan"])[0].label == "sv"


def test_load_looks_into_the_folder_models_here(tmp_path, scorers, monkeypatch):
    version = put(Registry(tmp_path / "models", builtin=None), scorers[0], name="mail")
    monkeypatch.chdir(tmp_path)
    assert headrace.load("mail").ref == version.ref


def test_an_open_model_states_what_a_classifier_has_to(registry, scorers):
    put(registry, scorers[0])
    model = registry.get("language")
    assert isinstance(model, Ranking)
    assert model.golden == (("the house", "en"),)
    assert [one.label for one in model.predict([text for text, _ in model.golden])] == ["en"]


def test_a_model_has_the_classes_and_probabilities_that_scikit_learns_users_expect(registry, scorers, pipelines):
    put(registry, scorers[0], rule=Rule(0.999))
    model = registry.get("language")
    assert model.classes_.tolist() == ["en", "sv"]
    found = model.predict_proba(["the house", "12 345"])
    assert (found.shape, found.dtype) == ((2, 2), "float64")
    np.testing.assert_allclose(found, pipelines[0].predict_proba(["the house", "12 345"]), rtol=1e-5)
    assert model.predict_proba([]).shape == (0, 2)


def test_a_model_without_probabilities_has_no_predict_proba(registry):
    pipeline = make_pipeline(TfidfVectorizer(), RidgeClassifier()).fit([*ENGLISH, *SWEDISH], ["en"] * 4 + ["sv"] * 4)
    put(registry, headrace.compile(pipeline))
    model = registry.get("language")
    assert not hasattr(model, "predict_proba")
    with pytest.raises(AttributeError, match="calibrate it first"):
        model.predict_proba(["the house"])


def test_pinned_specs_name_versions_and_keep_all_else(registry, scorers):
    version = put(registry, scorers[0])
    specs = parse("language, shadow language@champion, mood = python:m:C if language=en")
    pins = pinned(specs, registry)
    assert [one.reference for one in pins] == [str(version), str(version), ""]
    assert [msgspec.structs.replace(one, reference="") for one in pins] == [
        msgspec.structs.replace(one, reference="") for one in specs
    ]
    with pytest.raises(Misconfigured, match="there is no model 'nonesuch'"):
        pinned(parse("language, nonesuch"), registry)


def test_load_of_an_entry_with_labels_says_how_to_restrict_a_model():
    with pytest.raises(Misconfigured, match=r"here write 'language' .* its method `restricted`"):
        headrace.load("language[sv|da]")


def test_load_of_a_folder_that_is_no_version_says_so(tmp_path):
    with pytest.raises(Misconfigured, match="a model version"):
        headrace.load(str(tmp_path))


def test_a_text_without_letters_is_zxx_and_one_below_the_threshold_und(registry, scorers):
    put(registry, scorers[0], rule=Rule(0.999))
    model = registry.get("language")
    found = model.predict(["12 345 :-) 😀", "https://example.com/the/cat @you", "ab", "the cat sat on the mat"])
    assert [one.label for one in found[:3]] == ["zxx", "zxx", "und"]
    assert found[0].score == 1.0
    assert found[2].score == scorers[0].predict(["ab"])[0].score


def test_a_scorer_that_knows_code_from_words_is_asked(registry):
    model = HashedSoftmax(buckets=1 << 12, passes=20).fit([*ENGLISH, *SWEDISH], ["en"] * 4 + ["sv"] * 4)
    put(registry, model.to_scorer(), rule=Rule(0.6))
    texts = ["12 345 :-) 😀", "https://example.com/the/cat @you", "", "for (i = 0; i < n; i++) { the->cat(); }"]
    assert [one.label for one in registry.get("language").predict(texts)] == ["zxx"] * 4
    assert [one.label for one in registry.get("language").predict([ENGLISH[0], SWEDISH[0]])] == ["en", "sv"]


def test_a_threshold_replaces_the_rules_and_0_always_names_a_label(registry, scorers):
    put(registry, scorers[0], rule=Rule(0.999))
    model = registry.get("language")
    assert {one.label for one in model.predict(["12 345", "ab", ""], threshold=0)} <= {"en", "sv"}
    assert model.predict(["12 345", "the cat sat"], threshold=0.01)[0].label == "zxx"
    assert model.predict(["the cat sat"], threshold=0.01)[0].label == "en"


def test_a_model_without_a_rule_declines_only_when_asked_to(registry, scorers):
    put(registry, scorers[0])
    model = registry.get("language")
    assert model.predict(["12 345"])[0].label in ("en", "sv")
    assert model.predict(["12 345"], threshold=1.1)[0].label == "und"


def test_top_gives_the_best_labels_first_and_no_more_than_there_are(registry, scorers):
    put(registry, scorers[0])
    model = registry.get("language")
    (best,) = model.top(["the house"], 5)
    assert [one.label for one in best] == ["en", "sv"]
    assert best[0].score > best[1].score
    assert best[0].model == str(model.ref)
    assert model.top(["a", "b"], 1)[1][0].label in ("en", "sv")
    assert model.top(["a"], 0) == [[]]
    assert model.predict([]) == model.top([]) == []


@pytest.mark.parametrize(
    "text", ["år", "1 a", "日本", "ß", "see https://example.com", "www ok", "a@b.c hi", "नमस्ते", "and/or", "gut.Wir"]
)
def test_these_have_letters(text):
    assert has_letters(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "12.50 €",
        "½ ² ①",
        "😀👍🏽",
        "@someone",
        "www.example.com/x",
        "a@b.example",
        "---_",
        "example.com/x y.co.uk/",
    ],
)
def test_these_have_none(text):
    assert not has_letters(text)


def test_resolving_aliases_loads_no_library_of_models():
    program = "import sys, headrace.models.registry as r; r.Registry('x').list(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert {"numpy", "numba", "sklearn", "scipy", "safetensors"}.isdisjoint(loaded)
