"""The scorer of the hashed softmax, which the language model and the recipe `text` use, calibrated by the length of the text."""

import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from headrace.documents import Prediction
from headrace.scoring import weights
from headrace.scoring.cleaning import content
from headrace.scoring.compiling import Compiler
from headrace.scoring.hashed.costs import Costs
from headrace.scoring.hashed.interpreted import Interpreted
from headrace.scoring.hashed.parameters import KIND, HashedParameters, from_file
from headrace.scoring.texts import Preprocessing, as_list, batches

if TYPE_CHECKING:
    from headrace.scoring.hashed.kernels import Compiled

#: The largest batch that a kernel gets at once, in texts.
BATCH_TEXTS = 2048
#: Characters that are scored without the kernels: loading them costs as much time as they save on so many.
PATIENCE = 150_000
#: Finding stretches without the kernels takes so many times as long as scoring.
STRETCH_EFFORT = 6
#: Restrictions to labels for which the costs of changes are kept.
KEPT_COSTS = 8
NO_END = 1 << 62

#: The best labels, their probabilities, the kinds of content, and the probabilities of none of the labels.
Contents = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int8], NDArray[np.float64]]

_BLANK, _TAG, _LINE_FEED = map(ord, " <\n")
_PREPROCESSING = Preprocessing(lowercase=False)  # the kernel folds case itself
_SOURCES = tuple(
    path for folder in ("hashed", "cleaning", ".") for path in (Path(__file__).parent.parent / folder).glob("*.py")
)


class HashedScorer:
    """Probabilities of labels by a softmax over hashed n-grams.

    A text gets exactly the same probabilities alone, in any batch, and with any number of `threads`. Any Unicode text is accepted, lone
    surrogates included; one without words gives every label the same probability. Memory grows with a text by its code points alone, eight
    bytes each. Safe to use from several threads.

    The kernels are used once they are compiled, in this process or beside it. Until then, and for the first `patience` characters, texts
    are scored without them: with the same labels, and scores that are equal to within rounding. `cache` is the folder for compiled code
    (that of `scoring.cache` if not given).
    """

    compiled = True
    reason = ""
    calibrated = True

    def __init__(
        self, parameters: HashedParameters, *, threads: int = 1, cache: Path | None = None, patience: int = PATIENCE
    ) -> None:
        self.labels = parameters.labels
        self.threads = threads
        self.parameters = parameters
        self._cache = cache
        self._patience = patience
        self._interpreted = Interpreted(parameters)
        self._compiled: Compiled | None = None
        self._compiler = compiler(cache)
        self._preparing = Lock()
        self._costs = lru_cache(KEPT_COSTS)(partial(Costs.of, parameters))

    def prepare(self, *, wait: bool = False) -> bool:
        """Load the kernels if they are compiled, and have another process compile them if not; whether they are loaded now. If not, call
        it again.

        With `wait`, or if compiled code can be kept nowhere, they are compiled here.
        """
        self._patience = NO_END  # the caller decides when the kernels are loaded
        return self._prepare(wait=wait)

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy, as pickle and scikit-learn make it, has the same parameters, and loads the kernels for itself."""
        return _copied, (type(self), self.parameters, self.threads, self._cache)

    def _prepare(self, *, wait: bool = False) -> bool:
        with self._preparing:
            if self._compiled is None and (wait or self._compiler.ready()):
                from headrace.scoring.hashed.kernels import Compiled

                self._compiled = Compiled(self.parameters, self._cache)
                self._compiler.finish()
        return self._compiled is not None

    @property
    def classes_(self) -> NDArray[np.str_]:
        """The labels as scikit-learn's users know them, shape (labels,): strings, in the order of the columns of `scores`."""
        return np.array(self.labels)

    def predict_proba(self, texts: Iterable[str]) -> NDArray[np.float64]:
        """`scores` under scikit-learn's name."""
        return self.scores(texts)

    def predict(self, texts: Iterable[str]) -> list[Prediction]:
        """The most probable label of each text, with its probability, in the order of the texts; an empty list for no texts.

        `texts` is any iterable of strings (or of UTF-8 bytes). The predictions name no model. Raises Rejected for a text that is neither
        string nor bytes, and Misconfigured for a single string in place of several texts.
        """
        found: list[Prediction] = []
        for best, probability in self._map(self._best_labels, texts):
            found.extend(map(Prediction, map(self.labels.__getitem__, best.tolist()), probability.tolist()))
        return found

    def scores(self, texts: Iterable[str]) -> NDArray[np.float64]:
        """The probability of each label, float64 of shape (texts, labels); rows sum to 1. Raises as `predict` does."""
        blocks = self._map(self._all_probabilities, texts)
        return np.concatenate(blocks) if blocks else np.empty((0, len(self.labels)))

    def predict_content(self, texts: Iterable[str]) -> Contents:
        """The index of the most probable label, its probability, the kind of content, and the probability of none of the labels, of each
        text, in one pass.

        Four arrays of shape (texts,), which the caller may change. The kinds are those of `content.clean`. Raises as `predict` does.
        """
        batches = self._map(self._predict_content, texts)
        if len(batches) < 2:
            return batches[0] if batches else self._predict_content([])
        best, probability, kinds, none = (np.concatenate(column) for column in zip(*batches, strict=True))
        return best, probability, kinds, none

    def content_scores(self, texts: Iterable[str]) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
        """The probabilities of all labels and the kind of content of each text, in one pass: what `scores` and `content_kinds` give.

        Two arrays of shape (texts, labels) and (texts,), which the caller may change. Raises as `predict` does.
        """
        batches = self._map(self._content_scores, texts)
        if len(batches) < 2:
            return batches[0] if batches else self._content_scores([])
        scores, kinds = (np.concatenate(column) for column in zip(*batches, strict=True))
        return scores, kinds

    def stretches(
        self, texts: Iterable[str], places: Sequence[int] | None = None, *, others: bool = True
    ) -> list[list[tuple[int, int]]]:
        """The stretches of each text that are of one label each: (begin, end), in code points of the text, in order; none in a text that
        is not of the kind WORDS.

        Together they are the whole text, but blanks around them, and markup, links and the like at their edges. They say where labels
        change; `predict` says which label a stretch has. With `places` (of `labels`), texts are expected to have these labels only; with
        `others`, parts may have others all the same. Raises as `predict` does.
        """
        costs = self._costs(None if places is None else tuple(places), others)
        return list(chain.from_iterable(self._map(partial(self._stretches, costs), texts, effort=STRETCH_EFFORT)))

    def content_kinds(self, texts: Iterable[str]) -> NDArray[np.int8]:
        """The kind of content of each text, int8 of shape (texts,): `content.BLANK`, `content.CODE` or `content.WORDS`."""
        return self.predict_content(texts)[2]

    def has_letters(self, texts: Iterable[str]) -> NDArray[np.bool_]:
        """Whether each text has a letter of any script outside links, @names and tokens of digits and Latin letters; bool, (texts,)."""
        readable: NDArray[np.bool_] = self.content_kinds(texts) != content.BLANK
        return readable

    def save(self, folder: Path) -> None:
        """Write `weights.safetensors` into an existing folder, whole or not at all, with rows that lie in as few cache lines as can be."""
        settings = json.dumps(self.parameters.settings())
        metadata = {"kind": KIND, "labels": json.dumps(self.labels), "settings": settings}
        path, saved, shifted = folder / weights.FILE, None, self.parameters
        while shifted is not saved:  # a shift may change the length of the header, which shifts the rows once more
            saved = shifted
            weights.write(path, saved.arrays(), metadata)
            shifted = saved.aligned(weights.place(path, "weights"))

    @classmethod
    def open(cls, folder: Path, *, threads: int = 1, cache: Path | None = None) -> Self:
        """The scorer that was saved in a folder; its weights stay in the file, mapped. Raises Misconfigured, naming file and reason."""
        return cls(from_file(folder / weights.FILE), threads=threads, cache=cache)

    def _map(self, work: Callable[[list[str]], Any], texts: Iterable[str], effort: int = 1) -> list[Any]:
        every = _PREPROCESSING.decode(as_list(texts))
        if self._compiled is None:
            self._patience -= effort * sum(map(len, every))
            if self._patience < 0:
                self._prepare()
        if self.threads <= 1 or len(every) <= 1:
            return list(map(work, batches(every, BATCH_TEXTS)))
        with ThreadPoolExecutor(self.threads) as pool:
            return list(pool.map(work, batches(every, min(BATCH_TEXTS, -(-len(every) // self.threads)))))

    def _best_labels(self, texts: list[str]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        return self._predict_content(texts)[:2]

    def _all_probabilities(self, texts: list[str]) -> NDArray[np.float64]:
        return self._content_scores(texts)[0]

    def _predict_content(self, texts: list[str]) -> Contents:
        path = self._path
        words = path.clean(*_PREPROCESSING.code_points(texts))
        best, probability, none, _ = path.score(words.points, words.bounds, whole=False)
        return best, probability, words.kinds, none

    def _content_scores(self, texts: list[str]) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
        path = self._path
        words = path.clean(*_PREPROCESSING.code_points(texts))
        return path.score(words.points, words.bounds, whole=True)[3], words.kinds

    def _stretches(self, costs: Costs, texts: list[str]) -> list[list[tuple[int, int]]]:
        path = self._path
        points, bounds = _PREPROCESSING.code_points(texts)
        words = path.clean(points, bounds, origins=True)
        found: list[list[tuple[int, int]]] = [[] for _ in texts]
        left, begins = words.points[: words.bounds[-1]], bounds.tolist()
        if (points == _TAG).any():  # a blank that a tag has left parts paragraphs
            left[(left == _BLANK) & (points[words.origins[: len(left)]] == _TAG)] = _LINE_FEED
        spoken = (words.kinds == content.WORDS).tolist()
        for text, begin, end, _ in path.segment(left, words.bounds, costs).tolist():
            if spoken[text]:
                place = int(words.origins[begin]), words.end_in(points, bounds, text, end)
                found[text].append((place[0] - begins[text], place[1] - begins[text]))
        return found

    @property
    def _path(self) -> "Compiled | Interpreted":
        return self._compiled or self._interpreted


def compiler(cache: Path | None = None) -> Compiler:
    """What has the kernels compiled into the folder `cache` (that of `scoring.cache` if not given)."""
    return Compiler(("-m", "headrace.scoring.hashed.kernels"), _SOURCES, cache)


def _copied(kind: type[HashedScorer], parameters: HashedParameters, threads: int, cache: Path | None) -> HashedScorer:
    return kind(parameters, threads=threads, cache=cache)
