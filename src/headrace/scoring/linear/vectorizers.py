"""What stands before a classifier, turned into blocks: vectorisers with the weights of their features, everything linear folded in.

scikit-learn itself is not imported: its classes are known by name, and only its own.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from headrace.scoring.linear import vocabulary as terms
from headrace.scoring.linear.blocks import Arrays, Block, Counting, halved
from headrace.scoring.linear.classifiers import Part, Unsupported, name
from headrace.scoring.linear.heads import Floats
from headrace.scoring.texts import Reading

VECTORIZERS = ("CountVectorizer", "TfidfVectorizer", "HashingVectorizer")
SELECTORS = (
    "GenericUnivariateSelect",
    "SelectFdr",
    "SelectFpr",
    "SelectFromModel",
    "SelectFwe",
    "SelectKBest",
    "SelectPercentile",
    "VarianceThreshold",
)
WORDS = (r"(?u)\b\w\w+\b", r"\b\w\w+\b")


@dataclass(frozen=True)
class Values:
    """What a vectoriser's counts become: a value is f(count) x scale / norm, where the norm is that of f(count) x gain."""

    tf: str
    norm: str = ""
    gain: Floats | None = None
    scale: Floats | None = None
    signed: bool = False


def blocks(column: int, part: Part) -> list[Block]:
    """The blocks of a part, whose decision values go to the columns from `column` on. Raises Unsupported."""
    return _unfold(_flat(part.steps), part.coef.T, column, part.binarized)


def _flat(steps: tuple[Any, ...]) -> list[Any]:
    flat: list[Any] = []
    for step in steps:
        if name(step) == "Pipeline":
            flat += _flat(tuple(inner for _, inner in step.steps))
        elif step is not None and not (isinstance(step, str) and step == "passthrough"):
            flat.append(step)
    return flat


def _unfold(steps: list[Any], weights: Floats, column: int, binarized: bool) -> list[Block]:
    """Blocks for transformers whose outputs have these weights (outputs, columns)."""
    if not steps:
        raise Unsupported("the classifier takes numbers, no texts: there is no vectoriser before it")
    first, rest = steps[0], steps[1:]
    if name(first) == "FeatureUnion":
        if binarized and rest:
            raise Unsupported("BernoulliNB stands behind a transformer that it doesn't know")
        return _branches(first, _pull(rest, weights), column, binarized)
    if name(first) not in VECTORIZERS:
        raise Unsupported(f"{type(first).__name__} is no vectoriser that can be compiled")
    values = _values(first)
    while rest and name(rest[0]) in ("TfidfTransformer", "Normalizer"):
        values = _reweighted(values, rest[0])
        rest = rest[1:]
    if binarized:
        values = _binarized(values, rest)
    return [_block(first, values, _pull(rest, weights), column)]


def _branches(union: Any, weights: Floats, column: int, binarized: bool) -> list[Block]:
    found: list[Block] = []
    start = 0
    for label, transformer in union.transformer_list:
        if isinstance(transformer, str) and transformer == "drop":
            continue
        steps = _flat((transformer,))
        stop = start + _outputs(steps)
        factor = (union.transformer_weights or {}).get(label, 1.0)
        if binarized and factor <= 0:
            raise Unsupported("BernoulliNB stands behind a FeatureUnion with a weight that is not positive")
        own = weights[start:stop] if binarized else weights[start:stop] * factor
        found += _unfold(steps, own, column, binarized)
        start = stop
    return found


def _outputs(steps: list[Any]) -> int:
    """How many features a branch gives."""
    for step in reversed(steps):
        if name(step) == "TruncatedSVD":
            return len(step.components_)
        if name(step) in SELECTORS:
            return int(step.get_support().sum())
        if name(step) == "HashingVectorizer":
            return int(step.n_features)
        if name(step) in VECTORIZERS:
            return len(step.vocabulary_)
        if name(step) == "FeatureUnion":
            return sum(_outputs(_flat((inner,))) for _, inner in step.transformer_list if not isinstance(inner, str))
    raise Unsupported("a branch of the FeatureUnion has no vectoriser that can be compiled")


def _pull(steps: list[Any], weights: Floats) -> Floats:
    """The weights of what goes into linear transformers, from those of what comes out."""
    for step in reversed(steps):
        match name(step):
            case "TruncatedSVD":
                weights = np.asarray(step.components_, np.float64).T @ weights
            case "MaxAbsScaler" if not getattr(step, "clip", False):
                weights = weights / step.scale_[:, None]
            case "StandardScaler" if not step.with_mean:
                weights = weights if step.scale_ is None else weights / step.scale_[:, None]
            case kind if kind in SELECTORS:
                support = step.get_support()
                whole = np.zeros((len(support), weights.shape[1]))
                whole[support] = weights
                weights = whole
            case "TfidfTransformer" | "Normalizer":
                raise Unsupported(f"{type(step).__name__} does not directly follow a vectoriser")
            case _:
                raise Unsupported(f"the transformer {type(step).__name__} can't be folded into weights")
    return weights


def _values(vectorizer: Any) -> Values:
    tf = "binary" if vectorizer.binary else "count"
    if name(vectorizer) == "HashingVectorizer":
        signed = bool(vectorizer.alternate_sign) and tf == "count"
        return Values(tf, vectorizer.norm or "", signed=signed)
    values = Values(tf)
    return _reweighted(values, vectorizer._tfidf) if name(vectorizer) == "TfidfVectorizer" else values


def _reweighted(values: Values, step: Any) -> Values:
    """Values after a TfidfTransformer or a Normalizer."""
    norm = step.norm or ""
    if norm not in ("", "l1", "l2"):
        raise Unsupported(f"the norm {norm!r} can't be compiled")
    if getattr(step, "sublinear_tf", False):
        if values.norm or values.signed or values.scale is not None or values.tf == "sublinear":
            raise Unsupported("sublinear_tf follows something other than plain counts")
        values = values if values.tf == "binary" else replace(values, tf="sublinear")
    if hasattr(step, "idf_"):
        scale = np.asarray(step.idf_, np.float64)
        values = replace(values, scale=scale if values.scale is None else values.scale * scale)
    # A second norm makes up for the first, whatever that was.
    return replace(values, norm=norm, gain=values.scale) if norm else values


def _binarized(values: Values, rest: list[Any]) -> Values:
    if rest or (values.scale is not None and not (values.scale > 0).all()):
        raise Unsupported("BernoulliNB stands behind a transformer that it doesn't know")
    return Values("positive" if values.signed else "binary", signed=values.signed)


def _block(vectorizer: Any, values: Values, weights: Floats, column: int) -> Block:
    scaled = weights if values.scale is None else weights * values.scale[:, None]
    gain = np.ones(len(weights)) if values.gain is None else values.gain
    least, most = (int(bound) for bound in vectorizer.ngram_range)
    if least < 1:
        raise Unsupported("the n-gram range begins below 1")
    hashed = name(vectorizer) == "HashingVectorizer"
    arrays: Arrays = {}
    longest = 0
    if not hashed:
        # Frequent features first: the rows that are read most then share pages.
        known = sorted((gain[feature], term, feature) for term, feature in vectorizer.vocabulary_.items() if term)
        order = np.array([feature for *_, feature in known], np.intp)
        vocabulary = [str(term) for _, term, _ in known]
        scaled, gain, arrays = scaled[order], gain[order], terms.build(vocabulary)
        longest = max(map(len, vocabulary), default=0)
        most = most if vectorizer.analyzer == "word" else min(most, longest)
    arrays |= {"gain": gain, **halved(scaled)}
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise Unsupported("some weights are too large, infinite or no numbers")
    counting = Counting(
        analyzer=_analyzer(vectorizer),
        least=least,
        most=most,
        features=len(gain),
        column=column,
        width=scaled.shape[1],
        tf=values.tf,
        norm=values.norm,
        hashed=hashed,
        signed=values.signed,
        longest=longest,
        reading=_reading(vectorizer),
    )
    return Block(counting, arrays)


def _analyzer(vectorizer: Any) -> str:
    if callable(vectorizer.analyzer):
        raise Unsupported("the vectoriser has an analyzer of its own")
    analyzer = str(vectorizer.analyzer)
    if analyzer == "word":
        if vectorizer.tokenizer is not None:
            raise Unsupported("the vectoriser has a tokenizer of its own")
        if vectorizer.token_pattern not in WORDS:
            raise Unsupported(f"the vectoriser has a token_pattern of its own, {vectorizer.token_pattern!r}")
        if vectorizer.stop_words is not None:
            raise Unsupported("the vectoriser has stop words")
    return analyzer


def _reading(vectorizer: Any) -> Reading:
    if vectorizer.preprocessor is not None or callable(vectorizer.strip_accents):
        raise Unsupported("the vectoriser has a preprocessor of its own")
    if vectorizer.input != "content":
        raise Unsupported(f"the vectoriser reads files (input={vectorizer.input!r})")
    doubles = (np.float64,) if name(vectorizer) == "HashingVectorizer" else (np.float64, np.int64, np.int32)
    if np.dtype(vectorizer.dtype) not in doubles:
        raise Unsupported(f"the vectoriser counts in {np.dtype(vectorizer.dtype)}")
    return Reading(
        lowercase=bool(vectorizer.lowercase),
        accents=vectorizer.strip_accents or "",
        encoding=vectorizer.encoding,
        errors=vectorizer.decode_error,
    )
