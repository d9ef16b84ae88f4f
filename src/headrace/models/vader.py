"""VADER, the sentiment of short English texts by a lexicon and rules, without training: `vader:`.

The library is vaderSentiment (Hutto and Gilbert 2014, VADER: a parsimonious rule-based model for sentiment analysis of social media text).
"""

import warnings
from collections.abc import Sequence
from importlib.metadata import version

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from headrace.documents import Prediction
from headrace.errors import Misconfigured

#: The library's compound score, from -1 to 1, at and beyond which its authors call a text positive or negative.
POLAR = 0.05


class VaderClassifier:
    """Labels a text `positive`, `negative` or `neutral` by its compound score, with the thresholds of the library's authors.

    The score is how far the compound score is from 0 for `positive` and `negative`, and 1 less that for `neutral`: from 0 to 1, but not a
    probability. A text without a word of the lexicon is neutral, with the score 1.
    """

    labels = ("negative", "neutral", "positive")
    golden = (
        ("I love this, it is wonderful!", "positive"),
        ("What a terrible, horrible day.", "negative"),
        ("The table has four legs.", "neutral"),
    )

    def __init__(self) -> None:
        self.version = version("vaderSentiment")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # it opens its files with codecs.open
            self._analyzer = SentimentIntensityAnalyzer()

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """One prediction a text, in order."""
        return [_prediction(float(self._analyzer.polarity_scores(text)["compound"])) for text in texts]


def from_url(url: str) -> VaderClassifier:
    """The classifier of `vader:`. Raises Misconfigured for any other URL."""
    if url != "vader:":
        raise Misconfigured(f"{url!r} can't be opened: there is nothing to say after the colon; write vader:")
    return VaderClassifier()


def _prediction(compound: float) -> Prediction:
    if compound >= POLAR:
        return Prediction("positive", compound)
    if compound <= -POLAR:
        return Prediction("negative", -compound)
    return Prediction("neutral", 1 - abs(compound))
