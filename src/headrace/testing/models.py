"""What every kind of model has to do. Subclass `ClassifierSuite` in a test module and give it a fixture `connect`.

class TestMyClassifier(ClassifierSuite):
    @pytest.fixture
    def connect(self): ...   # returns a function: each call opens the same classifier, as `from_url` does

"""

import math
from collections.abc import Callable, Sequence

from headrace.ports import Classifier

Connect = Callable[[], Classifier]
#: Texts that documents may have, and that classifiers stumble over.
ODD_TEXTS = (" ", "\n", "0", "!", "🙂", "שלום", "a\tb\r\nc", "e\u0301", "long " * 20_000)


def labels(classifier: Classifier, texts: Sequence[str]) -> list[str]:
    """The labels that these texts get, in order."""
    return [one.label for one in classifier.predict(texts)]


class ClassifierSuite:
    """The tests. Each name is the sentence that it checks."""

    def test_its_golden_texts_get_the_labels_that_it_states(self, connect: Connect) -> None:
        classifier = connect()
        assert labels(classifier, [text for text, _ in classifier.golden]) == [label for _, label in classifier.golden]

    def test_its_golden_texts_have_more_than_one_label(self, connect: Connect) -> None:
        assert len({label for _, label in connect().golden}) > 1

    def test_no_texts_get_no_predictions(self, connect: Connect) -> None:
        assert list(connect().predict([])) == []

    def test_a_text_gets_the_same_label_alone_and_in_any_batch(self, connect: Connect) -> None:
        classifier = connect()
        texts = [text for text, _ in classifier.golden]
        alone = [labels(classifier, [text])[0] for text in texts]
        assert labels(classifier, texts) == alone
        assert labels(classifier, texts[::-1]) == alone[::-1]
        assert labels(classifier, texts * 50) == alone * 50

    def test_every_text_that_a_document_may_have_gets_a_prediction_that_can_be_stored(self, connect: Connect) -> None:
        predictions = connect().predict(ODD_TEXTS)
        assert len(predictions) == len(ODD_TEXTS)
        for one in predictions:
            assert isinstance(one.label, str)
            assert one.label
            assert math.isfinite(one.score)

    def test_the_same_classifier_has_the_same_version_whenever_it_is_opened(self, connect: Connect) -> None:
        version = connect().version
        assert version
        assert not set(version) & set("@,= \n")
        assert connect().version == version
