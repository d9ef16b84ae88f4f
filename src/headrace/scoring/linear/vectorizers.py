"""Turning the transformers before a classifier into blocks: vectorisers with weights, into which linear transformers are folded.

scikit-learn is not imported: its classes are recognised by name, and only its own.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from headrace.scoring.linear import vocabulary as terms
from headrace.scoring.linear.blocks import Arrays, Block, BlockSettings, split_weights
from headrace.scoring.linear.classifiers import LinearPart, Unsupported, sklearn_name
from headrace.scoring.linear.heads import Floats
from headrace.scoring.texts import Preprocessing

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
#: The token patterns that are compiled: scikit-learn's default in both spellings.
WORDS = (r"(?u)\b\w\w+\b", r"\b\w\w+\b")


@dataclass(frozen=True)
class TermWeighting:
    """How values are computed from counts: tf(count) * scale / norm, where the norm is that of the vector tf(count) * gain.

    `tf` and `norm` are keys of `blocks.TERM_FREQUENCIES` and `blocks.NORMS`; `gain` and `scale` (features,) are 1 if None.
    """

    tf: str
    norm: str = ""
    gain: Floats | None = None
    scale: Floats | None = None
    signed: bool = False


def blocks(column: int, part: LinearPart) -> list[Block]:
    """The blocks of a part; its decision values are the columns from `column` on. Raises Unsupported."""
    return _unfolded_blocks(_flatten(part.steps), part.coef.T, column, part.binarized)


def _flatten(steps: tuple[Any, ...]) -> list[Any]:
    """The transformers, with those of nested pipelines in their place and without those that do nothing."""
    flat: list[Any] = []
    for step in steps:
        if sklearn_name(step) == "Pipeline":
            flat += _flatten(tuple(inner for _, inner in step.steps))
        elif step is not None and not (isinstance(step, str) and step == "passthrough"):
            flat.append(step)
    return flat


def _unfolded_blocks(steps: list[Any], weights: Floats, column: int, binarized: bool) -> list[Block]:
    """The blocks of transformers whose outputs have these weights, (outputs, columns)."""
    if not steps:
        raise Unsupported("the classifier takes numbers, not texts: there is no vectoriser before it")
    first, rest = steps[0], steps[1:]
    if sklearn_name(first) == "FeatureUnion":
        if binarized and rest:
            raise Unsupported("BernoulliNB follows a transformer that can't be compiled with it")
        return _branches(first, _fold_into_weights(rest, weights), column, binarized)
    if sklearn_name(first) not in VECTORIZERS:
        raise Unsupported(f"{type(first).__name__} is not a vectoriser that can be compiled")
    weighting = _term_weighting(first)
    while rest and sklearn_name(rest[0]) in ("TfidfTransformer", "Normalizer"):
        weighting = _reweighted(weighting, rest[0])
        rest = rest[1:]
    if binarized:
        weighting = _binarized(weighting, rest)
    return [_block(first, weighting, _fold_into_weights(rest, weights), column)]


def _branches(union: Any, weights: Floats, column: int, binarized: bool) -> list[Block]:
    """The blocks of a FeatureUnion; each of its transformers has its share of the weights."""
    found: list[Block] = []
    start = 0
    for label, transformer in union.transformer_list:
        if isinstance(transformer, str) and transformer == "drop":
            continue
        steps = _flatten((transformer,))
        stop = start + _output_count(steps)
        factor = (union.transformer_weights or {}).get(label, 1.0)
        if binarized and factor <= 0:
            raise Unsupported("BernoulliNB follows a FeatureUnion with a weight that is not positive")
        own = weights[start:stop] if binarized else weights[start:stop] * factor
        found += _unfolded_blocks(steps, own, column, binarized)
        start = stop
    return found


def _output_count(steps: list[Any]) -> int:
    """The number of features that a branch of a FeatureUnion gives."""
    for step in reversed(steps):
        if sklearn_name(step) == "TruncatedSVD":
            return len(step.components_)
        if sklearn_name(step) in SELECTORS:
            return int(step.get_support().sum())
        if sklearn_name(step) == "HashingVectorizer":
            return int(step.n_features)
        if sklearn_name(step) in VECTORIZERS:
            return len(step.vocabulary_)
        if sklearn_name(step) == "FeatureUnion":
            return sum(
                _output_count(_flatten((inner,))) for _, inner in step.transformer_list if not isinstance(inner, str)
            )
    raise Unsupported("a branch of the FeatureUnion has no vectoriser that can be compiled")


def _fold_into_weights(steps: list[Any], weights: Floats) -> Floats:
    """The weights of the inputs of linear transformers, (inputs, columns), from those of their outputs."""
    for step in reversed(steps):
        match sklearn_name(step):
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


def _term_weighting(vectorizer: Any) -> TermWeighting:
    """What a vectoriser itself makes of its counts."""
    tf = "binary" if vectorizer.binary else "count"
    if sklearn_name(vectorizer) == "HashingVectorizer":
        signed = bool(vectorizer.alternate_sign) and tf == "count"
        return TermWeighting(tf, vectorizer.norm or "", signed=signed)
    weighting = TermWeighting(tf)
    return _reweighted(weighting, vectorizer._tfidf) if sklearn_name(vectorizer) == "TfidfVectorizer" else weighting


def _reweighted(weighting: TermWeighting, step: Any) -> TermWeighting:
    """The weighting after a TfidfTransformer or a Normalizer."""
    norm = step.norm or ""
    if norm not in ("", "l1", "l2"):
        raise Unsupported(f"the norm {norm!r} can't be compiled")
    if getattr(step, "sublinear_tf", False):
        if weighting.norm or weighting.signed or weighting.scale is not None or weighting.tf == "sublinear":
            raise Unsupported("sublinear_tf follows something other than plain counts")
        weighting = weighting if weighting.tf == "binary" else replace(weighting, tf="sublinear")
    if hasattr(step, "idf_"):
        scale = np.asarray(step.idf_, np.float64)
        weighting = replace(weighting, scale=scale if weighting.scale is None else weighting.scale * scale)
    # A vector that is scaled to one norm and then to another is as if scaled to the second only.
    return replace(weighting, norm=norm, gain=weighting.scale) if norm else weighting


def _binarized(weighting: TermWeighting, rest: list[Any]) -> TermWeighting:
    if rest or (weighting.scale is not None and not (weighting.scale > 0).all()):
        raise Unsupported("BernoulliNB follows a transformer that can't be compiled with it")
    return TermWeighting("positive" if weighting.signed else "binary", signed=weighting.signed)


def _block(vectorizer: Any, weighting: TermWeighting, weights: Floats, column: int) -> Block:
    """The block of a vectoriser whose features have these weights, (features, columns). Raises Unsupported."""
    scaled = weights if weighting.scale is None else weights * weighting.scale[:, None]
    gain = np.ones(len(weights)) if weighting.gain is None else weighting.gain
    min_n, max_n = (int(bound) for bound in vectorizer.ngram_range)
    if min_n < 1:
        raise Unsupported("the n-gram range begins below 1")
    hashed = sklearn_name(vectorizer) == "HashingVectorizer"
    arrays: Arrays = {}
    longest_term = 0
    if not hashed:
        # Frequent features first, so that the rows that are read most share pages of memory.
        known_terms = sorted((gain[feature], term, feature) for term, feature in vectorizer.vocabulary_.items() if term)
        order = np.array([feature for *_, feature in known_terms], np.intp)
        vocabulary = [str(term) for _, term, _ in known_terms]
        scaled, gain, arrays = scaled[order], gain[order], terms.build(vocabulary)
        longest_term = max(map(len, vocabulary), default=0)
        max_n = max_n if vectorizer.analyzer == "word" else min(max_n, longest_term)
    arrays |= {"gain": gain, **split_weights(scaled)}
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise Unsupported("some weights are too large, infinite or NaN")
    settings = BlockSettings(
        analyzer=_analyzer(vectorizer),
        min_n=min_n,
        max_n=max_n,
        features=len(gain),
        column=column,
        width=scaled.shape[1],
        tf=weighting.tf,
        norm=weighting.norm,
        hashed=hashed,
        signed=weighting.signed,
        longest_term=longest_term,
        preprocessing=_preprocessing(vectorizer),
    )
    return Block(settings, arrays)


def _analyzer(vectorizer: Any) -> str:
    """The name of the vectoriser's analyzer. Raises Unsupported if it differs from scikit-learn's."""
    if callable(vectorizer.analyzer):
        raise Unsupported("the vectoriser has a custom analyzer")
    analyzer = str(vectorizer.analyzer)
    if analyzer == "word":
        if vectorizer.tokenizer is not None:
            raise Unsupported("the vectoriser has a custom tokenizer")
        if vectorizer.token_pattern not in WORDS:
            raise Unsupported(f"the vectoriser has a custom token_pattern, {vectorizer.token_pattern!r}")
        if vectorizer.stop_words is not None:
            raise Unsupported("the vectoriser has stop words")
    return analyzer


def _preprocessing(vectorizer: Any) -> Preprocessing:
    """What the vectoriser does to a text before it counts. Raises Unsupported if that is not among scikit-learn's own settings."""
    if vectorizer.preprocessor is not None or callable(vectorizer.strip_accents):
        raise Unsupported("the vectoriser has a custom preprocessor")
    if vectorizer.input != "content":
        raise Unsupported(f"the vectoriser reads files (input={vectorizer.input!r})")
    doubles = (np.float64,) if sklearn_name(vectorizer) == "HashingVectorizer" else (np.float64, np.int64, np.int32)
    if np.dtype(vectorizer.dtype) not in doubles:
        raise Unsupported(f"the vectoriser counts in {np.dtype(vectorizer.dtype)}")
    return Preprocessing(
        lowercase=bool(vectorizer.lowercase),
        accents=vectorizer.strip_accents or "",
        encoding=vectorizer.encoding,
        errors=vectorizer.decode_error,
    )
