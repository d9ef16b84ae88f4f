"""The scorer of short informal text, which the recipe `sentiment` makes."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from headrace.documents import Prediction
from headrace.scoring import weights
from headrace.scoring.compiling import Compiler
from headrace.scoring.texts import Preprocessing, as_list, batches
from headrace.scoring.tokens.interpreted import Interpreted
from headrace.scoring.tokens.parameters import TokenParameters

if TYPE_CHECKING:
    from headrace.scoring.tokens.kernels import Compiled

#: The largest batch that the kernel gets at once, in texts.
BATCH_TEXTS = 2048
#: Characters that are scored without the kernel: loading it costs as much time as it saves on so many.
PATIENCE = 30_000
NO_END = 1 << 62

_PREPROCESSING = Preprocessing(lowercase=False)  # the kernel folds case itself
_SOURCES = tuple(path for folder in ("tokens", ".") for path in (Path(__file__).parent.parent / folder).glob("*.py"))


class TokenScorer:
    """Probabilities of labels by a softmax over hashed words, emoji, emoticons, their pairs and triples, and n-grams of characters.

    A text gets the same probabilities alone, in any batch, and with any number of `threads`. Any Unicode text is accepted, lone surrogates
    included, and read up to `score.READ` code points. Safe to use from several threads.

    The kernel is used once it is compiled, in this process or beside it. Until then, and for the first `patience` characters, texts are
    scored without it: with the same labels, and scores that are equal to within rounding. `cache` is the folder for compiled code (that of
    `scoring.cache` if not given).
    """

    compiled = True
    reason = ""
    calibrated = True

    def __init__(
        self, parameters: TokenParameters, *, threads: int = 1, cache: Path | None = None, patience: int = PATIENCE
    ) -> None:
        self.labels = parameters.labels
        self.threads = threads
        self.parameters = parameters
        self._cache = cache
        self._patience = patience
        self._interpreted = Interpreted(parameters)
        self._compiled: Compiled | None = None
        self._compiler = Compiler(("-m", "headrace.scoring.tokens.kernels"), _SOURCES, cache)
        self._preparing = Lock()

    def prepare(self, *, wait: bool = False) -> bool:
        """Load the kernel if it is compiled, and have another process compile it if not; whether it is loaded now. If not, call it again.

        With `wait`, or if compiled code can be kept nowhere, it is compiled here.
        """
        self._patience = NO_END  # the caller decides when the kernel is loaded
        return self._prepare(wait=wait)

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy, as pickle and scikit-learn make it, has the same parameters, and loads the kernel for itself."""
        return _copied, (type(self), self.parameters, self.threads, self._cache)

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
        for best, probability, _ in self._map(texts, whole=False):
            found.extend(map(Prediction, map(self.labels.__getitem__, best.tolist()), probability.tolist()))
        return found

    def scores(self, texts: Iterable[str]) -> NDArray[np.float64]:
        """The probability of each label, float64 of shape (texts, labels); rows sum to 1. Raises as `predict` does."""
        blocks = [one[2] for one in self._map(texts, whole=True)]
        return np.concatenate(blocks) if blocks else np.empty((0, len(self.labels)))

    def save(self, folder: Path) -> None:
        """Write `weights.safetensors` into an existing folder, whole or not at all."""
        self.parameters.save(folder / weights.FILE)

    @classmethod
    def open(cls, folder: Path, *, threads: int = 1, cache: Path | None = None) -> Self:
        """The scorer that was saved in a folder; its weights stay in the file, mapped. Raises Misconfigured, naming file and reason."""
        return cls(TokenParameters.from_file(folder / weights.FILE), threads=threads, cache=cache)

    def _prepare(self, *, wait: bool = False) -> bool:
        with self._preparing:
            if self._compiled is None and (wait or self._compiler.ready()):
                from headrace.scoring.tokens.kernels import Compiled

                self._compiled = Compiled(self.parameters, self._cache)
                self._compiler.finish()
        return self._compiled is not None

    def _map(self, texts: Iterable[str], *, whole: bool) -> list[Any]:
        every = _PREPROCESSING.decode(as_list(texts))
        if self._compiled is None:
            self._patience -= sum(map(len, every))
            if self._patience < 0:
                self._prepare()
        path = self._compiled or self._interpreted

        def work(some: list[str]) -> Any:
            return path.score(*_PREPROCESSING.code_points(some), whole=whole)

        if self.threads <= 1 or len(every) <= 1:
            return list(map(work, batches(every, BATCH_TEXTS)))
        with ThreadPoolExecutor(self.threads) as pool:
            return list(pool.map(work, batches(every, min(BATCH_TEXTS, -(-len(every) // self.threads)))))


def _copied(kind: type[TokenScorer], parameters: TokenParameters, threads: int, cache: Path | None) -> TokenScorer:
    return kind(parameters, threads=threads, cache=cache)
