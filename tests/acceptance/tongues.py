"""A classifier of languages for the console's tests: by a letter."""

from collections.abc import Sequence

from headrace.documents import Prediction


class Tongues:
    """Swedish with an å, Arabic with an alif, Waray where the text says so, otherwise English; raises on what says poison."""

    version = "abcdef"
    golden = (("gå", "sv"), ("go", "en"))

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        if any("poison" in text for text in texts):
            raise ValueError("this text can't be <b>read</b>")
        return [Prediction(_tongue(text), 0.9) for text in texts]


def _tongue(text: str) -> str:
    return next((label for sign, label in (("å", "sv"), ("ا", "ar"), ("Waray", "war")) if sign in text), "en")
