"""Training: from labelled files to a version that predicts, with its card and report."""

import gzip
import json
import random
import re
import warnings

import pytest

import headrace
from headrace.errors import Misconfigured
from headrace.models.registry import Registry
from headrace.training import estimators
from headrace.training.fitting import Choices
from headrace.training.train import train
from headrace.training.wikipedia import LANGUAGES

WORDS = {
    "praise": ["lovely", "great", "helpful", "kind", "quick", "wonderful", "friendly", "thanks", "superb"],
    "complaint": ["broken", "late", "rude", "slow", "lost", "refund", "awful", "waiting", "damaged"],
    "question": ["when", "where", "how", "which", "could", "whether", "opening", "hours", "price"],
}
FILLING = ["the", "parcel", "shop", "order", "delivery", "on", "monday", "was", "is", "my", "your", "staff"]


def rows(number, seed=0):
    chance = random.Random(seed)
    for _ in range(number):
        label = chance.choice(sorted(WORDS))
        words = chance.sample(FILLING, 4) + chance.sample(WORDS[label], 2)
        chance.shuffle(words)
        yield {"text": " ".join(words), "label": label}


def write(path, number=150, seed=0):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows(number, seed)))
    return path


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path / "models", builtin=None)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A registry with a task trained by default settings on 150 rows, one further line of which is not JSON; read-only."""
    folder = tmp_path_factory.mktemp("trained")
    data = write(folder / "mail.jsonl")
    with data.open("a") as file:
        file.write("no json\n")
    registry = Registry(folder / "models", builtin=None)
    train("mail", [data], registry=registry, test_size=0.2, licences={"mail": "CC0-1.0"}, learning_curve=True)
    return registry


@pytest.fixture
def data(tmp_path):
    return write(tmp_path / "mail.jsonl")


def test_a_task_is_learnt_registered_and_served(trained):
    model = headrace.load("mail", registry=trained.folder)
    said = model.predict(
        ["thanks, the staff was wonderful", "my parcel is broken and late", "when is the shop opening"]
    )
    assert [one.label for one in said] == ["praise", "complaint", "question"]
    assert {one.model for one in said} == {str(trained.resolve("mail@champion"))}
    assert all(0.34 < one.score <= 1 for one in said)


def test_the_card_has_the_data_and_the_figures_of_the_training(trained):
    card = trained.card("mail")
    assert card.labels == ("complaint", "praise", "question")
    rows_read = sum(one.rows for one in card.sources)
    assert card.sizes["train"] + card.sizes["test"] == rows_read
    assert [(one.name, one.licence) for one in card.sources] == [("mail", "CC0-1.0")]
    assert card.figures.accuracy > 0.9
    assert card.figures.ece is not None
    assert set(card.figures.per_label) == set(card.labels)
    assert sum(one.support for one in card.figures.per_label.values()) == card.sizes["test"]
    assert card.parameters["recipe"] == "text"
    assert card.parameters["classifier__C"] == 0.3
    assert card.rule is None
    assert 6 <= len(card.golden) <= 12
    assert card.scorer.compiled


def test_the_same_data_and_seed_give_the_same_version(registry, tmp_path):
    files = [write(tmp_path / "a.jsonl", 200, 1), write(tmp_path / "b.jsonl", 200, 2)]
    first = train("mail", files, registry=registry, learning_curve=False)
    assert train("mail", files, registry=registry, learning_curve=False) == first


def test_the_alias_moves_to_the_new_version_unless_it_is_none(registry, tmp_path, data):
    quick = {"registry": registry, "choices": Choices(estimator="naive-bayes"), "learning_curve": False}
    first = train("mail", [data], **quick)
    other = write(tmp_path / "other.jsonl", 100, 7)
    second = train("mail", [other], alias="challenger", **quick)
    assert registry.resolve("mail") == registry.resolve(str(first))
    assert registry.resolve("mail@challenger") == second
    third = train("mail", [write(tmp_path / "third.jsonl", 80, 9)], alias=None, **quick)
    assert third.aliases == ()


@pytest.mark.parametrize("estimator", ["linear-svc", "logistic", "sgd", "naive-bayes", "ridge", "svc", "softmax"])
def test_every_estimator_learns_and_gives_probabilities(registry, data, estimator):
    version = train("mail", [data], registry=registry, choices=Choices(estimator=estimator), learning_curve=False)
    card = registry.card(str(version))
    assert card.figures.accuracy > 0.8
    assert card.estimator.startswith(estimator)
    assert card.scorer.compiled == (estimator != "svc")
    (best,) = registry.get("mail").top(["thanks, a kind and quick delivery"], 3)
    assert best[0].label == "praise"
    assert sum(one.score for one in best) == pytest.approx(1.0, abs=1e-4)


def test_a_search_tries_settings_within_their_ranges_and_reports_them(registry, tmp_path):
    seen = []
    data = write(tmp_path / "mail.jsonl", 90)
    version = train(
        "mail",
        [data],
        registry=registry,
        choices=Choices(search=3, estimator="naive-bayes"),
        learning_curve=False,
        progress=lambda what, done, total: seen.append((what, done, total)),
    )
    assert [done for what, done, total in seen if what == "searching"] == list(range(1, 10))
    assert 1e-3 <= registry.card(str(version)).parameters["classifier__alpha"] <= 2
    page = (version.folder / "report.html").read_text()
    assert "The settings that the search tried" in page
    assert page.count("classifier__alpha") >= 3


def test_an_svd_is_learnt_compiled_and_its_variance_plotted(registry, data):
    version = train("mail", [data], registry=registry, choices=Choices(svd=20), learning_curve=False)
    card = registry.card(str(version))
    assert card.parameters["svd__n_components"] == 20
    assert card.scorer.compiled
    assert "Variance that the SVD explains" in (version.folder / "report.html").read_text()


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        (Choices(estimator="linear-svm"), "did you mean 'linear-svc'"),
        (Choices(svd=1_000_000), "choose fewer"),
        (Choices(svd=5, estimator="naive-bayes"), "can't follow an SVD"),
        (Choices(svd=5, estimator="softmax"), "which an SVD can't reduce"),
    ],
)
def test_choices_that_do_not_fit_are_refused(registry, data, choices, words):
    with pytest.raises(Misconfigured, match=words):
        train("mail", [data], registry=registry, choices=choices)
    assert registry.list() == []


def test_bad_rows_are_reported_before_training_begins(registry, tmp_path):
    path = write(tmp_path / "mail.jsonl", 60)
    with path.open("a") as file:
        file.write("no json\n")
    seen = []

    def progress(what, *_):
        seen.append(what)

    train("mail", [path], registry=registry, learning_curve=False, progress=progress, tell=seen.append)
    (remark,) = [one for one in seen if one.startswith("rows that could not be used: 1")]
    assert "mail.jsonl, line 61: the document is not JSON" in remark
    assert seen.index(remark) < seen.index("fitting")


def test_an_estimator_that_is_slow_on_many_rows_is_warned_about():
    assert "grows with the square of the rows" in estimators.caution("svc", 100_000)
    assert estimators.caution("svc", 500) == estimators.caution("linear-svc", 10**7) == ""


def test_an_unknown_recipe_is_refused_with_a_list_of_the_known_ones(registry, data):
    with pytest.raises(Misconfigured, match=r"did you mean 'language'\?.*text, language"):
        train("mail", [data], registry=registry, recipe="langauge")


def test_texts_without_words_are_learnt_by_their_characters(registry, tmp_path):
    path = tmp_path / "emoji.jsonl"
    chance = random.Random(3)
    lines = [
        {"text": "".join(chance.choices(faces, k=5)), "label": label}
        for label, faces in (("glad", "😀😄🥳🎉"), ("sad", "😢😭💔🌧"))
        for _ in range(40)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    train("mood", [path], registry=registry)
    assert [one.label for one in registry.get("mood").predict(["🎉🥳", "💔😭"])] == ["glad", "sad"]


def test_labels_in_any_script_are_learnt_and_escaped_in_the_report(registry, tmp_path):
    path = tmp_path / "odd.csv"
    body = "".join(
        f"{text} {number},{label}\n"
        for text, label in (("sol", "<b>太陽</b>"), ("lua", "😀 & co"))
        for number in range(9)
    )
    path.write_text("text,label\n" + body)
    version = train("odd", [path], registry=registry)
    page = (version.folder / "report.html").read_text()
    assert "<b>太陽</b>" not in page
    assert "&lt;b&gt;太陽&lt;/b&gt;" in page
    assert registry.get("odd").predict(["sol 3"])[0].label == "<b>太陽</b>"


def test_two_texts_a_label_are_enough_to_learn_from(registry, tmp_path):
    path = tmp_path / "few.jsonl"
    path.write_text(
        "".join(
            json.dumps({"text": f"{label} {n}", "label": label}) + "\n" for label in ("red", "green") for n in range(3)
        )
    )
    train("few", [path], registry=registry)
    assert {one.label for one in registry.get("few").predict(["red 1", "green 1"])} <= {"red", "green"}


def test_the_report_is_a_single_page_that_loads_nothing_else(trained):
    page = (trained.resolve("mail").folder / "report.html").read_text()
    for words in (
        "accuracy",
        "Learning curve",
        "Reliability",
        "What a threshold gives",
        "By label",
        "Confusion matrix",
        "texts/s",
    ):
        assert words in page
    assert "mail.jsonl, line 151: the document is not JSON" in page
    assert page.count("data:image/png;base64,") == 3
    assert all(address.startswith("data:") for address in re.findall(r'(?:src|href)="([^"]*)', page))
    assert "http" not in page


def test_the_learning_curve_can_be_left_out(registry, data):
    version = train("mail", [data], registry=registry, choices=Choices(estimator="naive-bayes"), learning_curve=False)
    assert "Learning curve" not in (version.folder / "report.html").read_text()


def test_the_pipeline_is_kept_for_retraining_if_asked_for(registry, data):
    version = train("mail", [data], registry=registry, learning_curve=False, keep_pipeline=True)
    assert (version.folder / "pipeline.skops").exists()
    assert registry.get("mail").predict(["thanks, lovely"])[0].label == "praise"


def test_training_emits_no_warnings_of_its_libraries(registry, tmp_path):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        train("mail", [write(tmp_path / "m.jsonl", 60)], registry=registry, choices=Choices(estimator="sgd"))
    assert [str(one.message) for one in caught] == []


def test_wikipedia_among_the_files_stands_for_its_articles(registry, tmp_path):
    folder = tmp_path / "articles"
    folder.mkdir()
    for language in LANGUAGES:  # gathered already, so that nothing is asked for
        texts = [f"{language} {language * 2} number {number}" for number in range(4)]
        body = "".join(json.dumps({"text": text, "label": language}) + "\n" for text in texts)
        (folder / f"wikipedia_{language}.jsonl.gz").write_bytes(gzip.compress(body.encode()))
    version = train(
        "language",
        ["wikipedia"],
        registry=registry,
        choices=Choices(estimator="naive-bayes"),
        wikipedia=folder,
        learning_curve=False,
    )
    card = registry.card(str(version))
    assert set(card.labels) == set(LANGUAGES)
    assert {one.licence for one in card.sources} == {"CC BY-SA 4.0"}
    assert card.rule.unknown == "und"
    assert set(card.figures.slices) == {"whole", "20 characters", "two words", "one word"}


def test_the_language_recipe_learns_from_rows_and_word_lists_and_credits_its_sources(registry, tmp_path):
    sentences = {
        "en": ("the old mill stands by the river", "we walk to the water in the morning"),
        "sv": ("den gamla kvarnen står vid floden", "vi går till vattnet på morgonen"),
        "fi": ("vanha mylly seisoo joen varrella", "kävelemme veden luo aamulla"),
    }
    rows = [
        {"text": f"{text} {number}", "label": label}
        for label, texts in sentences.items()
        for text in texts
        for number in range(40)
    ]
    (tmp_path / "xquad.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "words" / "web_ocr").mkdir(parents=True)
    for label, texts in sentences.items():
        words = "".join(f"{word}\n" for text in texts for word in text.split())
        (tmp_path / "words" / "web_ocr" / f"{label}.txt.gz").write_bytes(gzip.compress(words.encode()))
    choices = Choices(words=(tmp_path / "words",), passes=2, examples=3000)
    version = train(
        "language", [tmp_path / "xquad.jsonl"], registry=registry, choices=choices, test_size=0.2, learning_curve=False
    )
    card = registry.card(str(version))
    seen = {one.name: (one.home, one.licence) for one in card.sources}
    assert seen["xquad"] == ("github.com/google-deepmind/xquad", "CC BY-SA 4.0")
    assert {"xquad", "web_ocr"} <= set(seen) <= {"xquad", "web_ocr", "wordfreq"}
    assert card.rule.threshold == 0.3
    assert card.label_sets == {}
    model = registry.get("language")
    said = model.predict(["the river in the morning", "kvarnen vid vattnet", "joen varrella", "12:30", ""])
    assert [one.label for one in said] == ["en", "sv", "fi", "zxx", "zxx"]
    assert len(model.card.golden) > 1


def test_a_missing_folder_of_word_lists_is_refused(registry, data, tmp_path):
    choices = Choices(words=(tmp_path / "gone",))
    with pytest.raises(Misconfigured, match="it is not a folder"):
        train("mail", [data], registry=registry, recipe="language", choices=choices)
