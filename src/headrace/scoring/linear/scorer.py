"""The scorer of linear models: compiled weights as a text classifier."""

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
from headrace.scoring.linear.blocks import Block, BlockSettings, check
from headrace.scoring.linear.heads import AnyHead, Floats, Head, Identity, Sigmoid, Softmax
from headrace.scoring.texts import as_list

#: The kind that is written to the metadata of the weights.
KIND = "linear"
#: Texts that a kernel gets at once; fewer if they have more characters together, so that the longest text bounds the memory.
BATCH = 256
BATCH_CHARACTERS = 1 << 20
#: Heads for which a kernel can mostly do without the remainders of weights; all others need precise decision values.
QUICK_HEADS: Mapping[type[Head], int] = {
    Identity: kernel.BY_VALUE,
    Sigmoid: kernel.BY_SIGMOID,
    Softmax: kernel.BY_SOFTMAX,
}


class LinearScorer:
    """A compiled text classifier of scikit-learn: the same labels and scores, many times faster.

    A text gets exactly the same scores alone and in any batch. `labels` are in the order of the classifier's classes; `calibrated` says
    whether scores are probabilities. `threads` is how many threads score a batch: the kernel releases the GIL. `cache` is the folder for
    compiled code (that of `scoring.cache` if not given). Safe to use from several threads.
    """

    compiled = True
    reason = ""

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
        self._quick = QUICK_HEADS.get(type(head), kernel.PRECISE) if len(blocks) == 1 else kernel.PRECISE

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
        """One prediction for each text, in the order of the texts; an empty list for no texts. The predictions name no model.

        `texts` is any iterable of strings, or of bytes, which are decoded as the vectoriser would. Raises Rejected for a text that is
        neither, and Misconfigured for a single string in place of several texts. As scikit-learn does, it raises UnicodeDecodeError for
        bytes that can't be decoded, and UnicodeEncodeError if an n-gram to be hashed holds half of a surrogate pair.
        """
        return [prediction for part in self._map(self._predict, as_list(texts)) for prediction in part]

    def scores(self, texts: Iterable[str]) -> NDArray[np.float64]:
        """Scores, float64 of shape (texts, labels): probabilities if the classifier has them, else decision values.

        Of a single decision value d for two labels, the scores are -d and d. Raises as `predict` does.
        """
        parts = self._map(self._scores, as_list(texts))
        return np.concatenate(parts) if parts else np.zeros((0, len(self.labels)))

    def save(self, folder: Path) -> None:
        """Write `weights.safetensors` into an existing folder, whole or not at all."""
        arrays = {"bias": self._bias}
        for place, block in enumerate(self._blocks):
            arrays |= {f"{place}.{name}": array for name, array in block.arrays.items()}
        settings = {"head": self._head, "blocks": [block.settings for block in self._blocks]}
        metadata = {
            "kind": KIND,
            "labels": json.dumps(self.labels, ensure_ascii=False),
            "settings": msgspec.json.encode(settings).decode(),
        }
        weights.write(folder / weights.FILE, arrays, metadata)

    @classmethod
    def open(cls, folder: Path, *, threads: int = 1, cache: Path | None = None) -> "LinearScorer":
        """The scorer that `save` wrote; its weights stay in the file, mapped. Raises Misconfigured, naming file and reason."""
        path = folder / weights.FILE
        arrays, metadata = weights.read(path)
        try:
            labels = msgspec.json.decode(metadata["labels"], type=tuple[str, ...])
            settings = msgspec.json.decode(metadata["settings"], type=_Settings)
            blocks = [_block(place, block_settings, arrays) for place, block_settings in enumerate(settings.blocks)]
            bias = arrays["bias"]
            if bias.ndim != 1 or any(b.settings.column + b.settings.width > len(bias) for b in blocks):
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
        """Decision values, (texts, columns), as precise as `head` says (see `kernel`)."""
        out = np.empty((len(texts), len(self._bias)))
        out[:] = self._bias
        for place, block in enumerate(self._blocks):
            start = 0
            for part in _portions(block.settings.preprocessing.decode(texts)):
                rows = out if len(part) == len(out) else out[start : start + len(part)]
                block.add(part, self._kernels[place], head, rows)
                start += len(part)
        return out


class _Settings(msgspec.Struct, frozen=True):
    head: AnyHead
    blocks: list[BlockSettings]


def _block(place: int, block_settings: BlockSettings, arrays: dict[str, NDArray[Any]]) -> Block:
    """The block number `place`, whose arrays have that number as their prefix."""
    prefix = f"{place}."
    own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
    check(block_settings, own)
    return Block(block_settings, own)


def _batches(texts: list[str], size: int) -> list[list[str]]:
    if 0 < len(texts) <= size:
        return [texts]
    return [texts[start : start + size] for start in range(0, len(texts), size)]


def _portions(texts: list[str]) -> list[list[str]]:
    """The texts in portions of BATCH_CHARACTERS characters at most; a longer text is a portion of its own."""
    if len(texts) < 2 or sum(map(len, texts)) <= BATCH_CHARACTERS:
        return [texts]
    half = len(texts) // 2
    return _portions(texts[:half]) + _portions(texts[half:])
