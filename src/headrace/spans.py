"""What is found in a mixed text. Nothing here is stored."""

import msgspec


class Span(msgspec.Struct, frozen=True, gc=False):
    """A stretch of a text in one language: text[begin:end] of the whole, in code points, with its label and score as in a Prediction."""

    begin: int
    end: int
    label: str
    score: float
    text: str
    model: str = ""
