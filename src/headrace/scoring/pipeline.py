"""The scorer of pipelines that can't be compiled: scikit-learn itself, behind the same interface."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace import durable
from headrace.documents import Prediction
from headrace.errors import Misconfigured, Missing, system_error
from headrace.scoring import trial
from headrace.scoring.texts import as_list

FILE = "pipeline.skops"
#: Texts that the pipeline gets at once.
BATCH = 1024

#: Types that a saved pipeline may contain beside those that skops itself trusts. What the file says of its own types is not believed.
TRUSTED = (
    "scipy.sparse._csr.csr_array",
    "scipy.sparse._csr.csr_matrix",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.calibration._TemperatureScaling",
    "sklearn.feature_selection._mutual_info.mutual_info_classif",
    "sklearn.feature_selection._univariate_selection.chi2",
    "sklearn.feature_selection._univariate_selection.f_classif",
    "sklearn.metrics._scorer._PassthroughScorer",
    "sklearn.model_selection._split.KFold",
    "sklearn.model_selection._split.StratifiedKFold",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
)


class PipelineScorer:
    """A fitted scikit-learn pipeline with the interface of a LinearScorer, at scikit-learn's speed.

    `reason` says why it isn't compiled. `calibrated` says whether scores are probabilities.
    """

    compiled = False

    def __init__(self, pipeline: Any, labels: Sequence[str], *, reason: str) -> None:
        self.labels = tuple(labels)
        self.reason = reason
        self._pipeline = pipeline
        self.calibrated = hasattr(pipeline, "predict_proba")

    @property
    def classes_(self) -> NDArray[np.str_]:
        """The labels as scikit-learn's users know them, shape (labels,): strings, in the order of the columns of `scores`."""
        return np.array(self.labels)

    @property
    def predict_proba(self) -> Callable[[Iterable[str]], NDArray[np.float64]]:
        """`scores` under scikit-learn's name. Raises AttributeError if scores are not probabilities, as scikit-learn's classifiers do."""
        if not self.calibrated:
            raise AttributeError(
                "the pipeline has no predict_proba: its scores are not probabilities; calibrate its classifier first"
            )
        return self.scores

    def predict(self, texts: Iterable[str]) -> list[Prediction]:
        """One prediction for each text, in the order of the texts; an empty list for no texts. The predictions name no model.

        What the pipeline raises is passed on. Raises Misconfigured for a single string in place of several texts.
        """
        found: list[Prediction] = []
        for batch in self._batches(texts):
            places = self._places(batch)
            scores = self._scores(batch)[np.arange(len(places)), places]
            pairs = zip(places, scores.tolist(), strict=True)
            found += [Prediction(self.labels[place], score) for place, score in pairs]
        return found

    def scores(self, texts: Iterable[str]) -> NDArray[np.float64]:
        """Scores, float64 of shape (texts, labels): probabilities, else decision values (of two labels -d and d).

        If the pipeline has neither, or one decision value for each pair of labels, the predicted label has 1 and the others 0. Raises as
        `predict` does.
        """
        parts = [self._scores(batch) for batch in self._batches(texts)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.labels)))

    def save(self, folder: Path) -> None:
        """Write `pipeline.skops` into an existing folder. Raises Misconfigured, naming what can't be saved safely."""
        from skops.io import dumps

        try:
            data = dumps({"pipeline": self._pipeline, "labels": list(self.labels), "reason": self.reason})
        except Exception as error:
            raise Misconfigured(f"the pipeline can't be saved: {error}; use scikit-learn's own classes only") from error
        if unknown := _unknown(data):
            raise Misconfigured(
                f"the pipeline can't be saved: it holds {', '.join(unknown)}, which would not be loaded again; "
                "use scikit-learn's own classes only"
            )
        durable.write(folder / FILE, data)

    @classmethod
    def open(cls, folder: Path) -> "PipelineScorer":
        """What `save` wrote, or a bare pipeline that skops saved. Raises Misconfigured, naming file and reason.

        Only types of scikit-learn, NumPy and SciPy that skops or TRUSTED lists are loaded: a file can't make them run its own code.
        """
        from skops.io import loads

        path = folder / FILE
        try:
            data = path.read_bytes()
            if unknown := _unknown(data):
                raise Misconfigured(
                    f"the pipeline {path} is not loaded: it holds {', '.join(unknown)}, which is not trusted; "
                    f"{trial.made_by_another_version()}"
                )
            saved = loads(data, trusted=list(TRUSTED))
        except Misconfigured:
            raise
        except OSError as error:
            raise system_error(f"the pipeline {path} can't be used", error, "save the model again", Missing) from error
        except Exception as error:
            raise Misconfigured(f"the pipeline {path} can't be used: {error}; save the model again") from error
        if not isinstance(saved, dict):
            saved = {"pipeline": saved, "labels": None, "reason": "it was saved as a pipeline"}
        pipeline, labels = saved["pipeline"], saved["labels"]
        try:
            labels = [str(label) for label in pipeline.classes_] if labels is None else labels
            scorer = cls(pipeline, labels, reason=saved["reason"])
            trial.try_out(scorer, pipeline)
        except AttributeError as error:
            raise Misconfigured(
                f"the pipeline {path} can't be used: {error}; {trial.made_by_another_version()}"
            ) from error
        except Misconfigured as error:
            raise Misconfigured(f"opening {path}: {error}") from error
        return scorer

    def _batches(self, texts: Iterable[str]) -> list[list[str]]:
        every = as_list(texts)
        return [every[start : start + BATCH] for start in range(0, len(every), BATCH)]

    def _scores(self, texts: list[str]) -> NDArray[np.float64]:
        shape = (len(texts), len(self.labels))
        for method in ("predict_proba", "decision_function"):
            if hasattr(self._pipeline, method):
                scores = np.asarray(getattr(self._pipeline, method)(texts), np.float64)
                scores = np.stack([-scores, scores], axis=1) if scores.ndim == 1 else scores
                if scores.shape == shape:
                    return scores
        certain = np.zeros(shape)
        certain[np.arange(len(texts)), self._places(texts)] = 1.0
        return certain

    def _places(self, texts: list[str]) -> list[int]:
        """The index of the label that the pipeline predicts, of each text."""
        places = {label: place for place, label in enumerate(self._pipeline.classes_.tolist())}
        return [places[label] for label in self._pipeline.predict(texts).tolist()]


def _unknown(data: bytes) -> list[str]:
    """The types in a skops file that are not trusted, sorted."""
    from skops.io import get_untrusted_types

    return sorted(set(get_untrusted_types(data=data)) - set(TRUSTED))
