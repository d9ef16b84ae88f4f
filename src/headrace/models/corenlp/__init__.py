"""A running Stanford CoreNLP server as a model of sentiment."""

from headrace.models.corenlp.classifier import CorenlpClassifier

__all__ = ["CorenlpClassifier"]
