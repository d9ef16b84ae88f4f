"""The scorer of a linear model: compiled weights as a classifier."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from headrace.documents import Prediction
from headrace.errors import Misconfigured
from headrace.scoring import weights
from headrace.scoring.linear import kernel
from headrace.scoring.linear.blocks import Block, Counting, check
from headrace.scoring.linear.heads import AnyHead, Floats, Head, Plain, Sigmoid, Softmax
from headrace.scoring.texts import listed

KIND = "linear"


BATCH = 256  # texts a kernel gets at once


BATCH_CHARACTERS = 1 << 20  # and fewer where they are long, so that memory is bounded by the longest text


# The heads whose label and score a kernel can tell from the first halves of weights; all others want precise decision values.
QUICK: Mapping[type[Head], int] = {Plain: kernel.BY_VALUE, Sigmoid: kernel.BY_SIGMOID, Softmax: kernel.BY_SOFTMAX}


class LinearScorer:
    """A text classifier of scikit-learn, compiled: the same labels and scores, many times faster; the same for a text alone and in a batch.

    `labels` are in the order of the classifier's classes; `calibrated` says that scores are probabilities. Batches are scored by
    `threads` threads at a time; the kernel releases the GIL. Safe to use from several threads.
    """

    compiled = True

    def __init__(
        self,
        labels: Sequence[str],
        blocks: Sequence[Block],
        bias: Floats,
        head: AnyHead,
        *,
        threads: int = 1,
        cache: Path | None = None,
    ) -> None:
        self.labels = tuple(labels)
        self.calibrated = head.calibrated
        self.threads = threads
        self._blocks = tuple(blocks)
        self._bias = bias
        self._head = head
        self._cache = cache
        self._kernels: list[Any] = []
        self._quick = QUICK.get(type(head), kernel.PRECISE) if len(blocks) == 1 else kernel.PRECISE

    @property
    def classes_(self) -> NDArray[np.str_]:
        """The labels as scikit-learn's users know them, shape (labels,): strings, in the order of the columns of `scores`."""
        return np.array(self.labels)

    @property
    def predict_proba(self) -> Callable[[Iterable[str]], NDArray[np.float64]]:
        """`scores` under scikit-learn's name. Raises AttributeError if scores are not probabilities, as scikit-learn's classifiers do."""
        if not self.calibrated:
            raise AttributeError(
                "the classifier has no predict_proba: its scores are decision values; calibrate it first"
            )
        return self.scores

    def predict(self, texts: Iterable[str]) -> list[Prediction]:
        """One prediction a text, in order, without a model's name; none for no texts. Any container of strings (or bytes) will do.

        Raises Rejected for a text that is no string, Misconfigured for a single string instead of several, and UnicodeEncodeError, as
        scikit-learn does, where n-grams are hashed and one holds half of a surrogate pair.
        """
        return [prediction for part in self._map(self._predict, listed(texts)) for prediction in part]

    def scores(self, texts: Iterable[str]) -> NDArray[np.float64]:
        """Scores (texts, labels), float64: probabilities where the classifier has them, else decision values.

        Where it has a single decision value d for two labels, these are -d and d. Raises as `predict` does.
        """
        parts = self._map(self._scores, listed(texts))
        return np.concatenate(parts) if parts else np.zeros((0, len(self.labels)))

    def save(self, folder: Path) -> None:
        """Write `weights.safetensors` into a folder that exists, whole or not at all."""
        arrays = {"bias": self._bias}
        for place, block in enumerate(self._blocks):
            arrays |= {f"{place}.{name}": array for name, array in block.arrays.items()}
        settings = {"head": self._head, "blocks": [block.counting for block in self._blocks]}
        metadata = {
            "kind": KIND,
            "labels": json.dumps(self.labels, ensure_ascii=False),
            "settings": msgspec.json.encode(settings).decode(),
        }
        weights.write(folder / weights.FILE, arrays, metadata)

    @classmethod
    def open(cls, folder: Path, *, threads: int = 1, cache: Path | None = None) -> "LinearScorer":
        """What `save` wrote; the weights stay in the file, mapped. Raises Misconfigured, naming file and reason."""
        path = folder / weights.FILE
        arrays, metadata = weights.read(path)
        try:
            labels = msgspec.json.decode(metadata["labels"], type=tuple[str, ...])
            settings = msgspec.json.decode(metadata["settings"], type=_Settings)
            blocks = [_block(place, counting, arrays) for place, counting in enumerate(settings.blocks)]
            bias = arrays["bias"]
            if bias.ndim != 1 or any(b.counting.column + b.counting.width > len(bias) for b in blocks):
                raise ValueError("bias and blocks have different widths")
            scores = settings.head.scores(np.zeros((1, len(bias))))
            if scores.shape[1] != len(labels):
                raise ValueError(f"it has {scores.shape[1]} scores for {len(labels)} labels")
        except KeyError as error:
            raise Misconfigured(f"the weights {path} can't be used: {error} is missing; save the model again") from None
        except (ValueError, IndexError, msgspec.MsgspecError) as error:
            raise Misconfigured(f"the weights {path} can't be used: {error}; save the model again") from None
        return cls(labels, blocks, bias.astype(np.float64), settings.head, threads=threads, cache=cache)

    def _map(self, work: Any, texts: list[str]) -> list[Any]:
        if not self._kernels:
            self._kernels = [block.kernel(self._cache) for block in self._blocks]
        if self.threads > 1 and len(texts) > 1:
            batches = _batches(texts, min(BATCH, -(-len(texts) // self.threads)))
            with ThreadPoolExecutor(self.threads) as pool:
                return list(pool.map(work, batches))
        return [work(batch) for batch in _batches(texts, BATCH)] if len(texts) != 1 else [work(texts)]

    def _predict(self, texts: list[str]) -> list[Prediction]:
        places, scores = self._head.best(self._decisions(texts, self._quick))
        labels = self.labels
        return [Prediction(labels[place], score) for place, score in zip(places.tolist(), scores.tolist(), strict=True)]

    def _scores(self, texts: list[str]) -> Floats:
        return self._head.scores(self._decisions(texts, kernel.PRECISE))

    def _decisions(self, texts: list[str], head: int) -> Floats:
        """Decision values (texts, columns), as precise as this head of a kernel needs."""
        out = np.empty((len(texts), len(self._bias)))
        out[:] = self._bias
        for place, block in enumerate(self._blocks):
            start = 0
            for part in _portions(block.counting.reading.decode(texts)):
                rows = out if len(part) == len(out) else out[start : start + len(part)]
                block.add(part, self._kernels[place], head, rows)
                start += len(part)
        return out


class _Settings(msgspec.Struct, frozen=True):
    head: AnyHead
    blocks: list[Counting]


def _block(place: int, counting: Counting, arrays: dict[str, NDArray[Any]]) -> Block:
    prefix = f"{place}."
    own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
    check(counting, own)
    return Block(counting, own)


def _batches(texts: list[str], size: int) -> list[list[str]]:
    if 0 < len(texts) <= size:
        return [texts]
    return [texts[start : start + size] for start in range(0, len(texts), size)]


def _portions(texts: list[str]) -> list[list[str]]:
    """The texts in portions of at most some million characters, or of a single text."""
    if len(texts) < 2 or sum(map(len, texts)) <= BATCH_CHARACTERS:
        return [texts]
    half = len(texts) // 2
    return _portions(texts[:half]) + _portions(texts[half:])
