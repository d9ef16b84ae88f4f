"""A model version and its folder: named, written into a draft, verified, and opened as a Model."""

import errno
import os
import platform
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import msgspec

from headrace import __version__
from headrace.errors import HeadraceError, Misconfigured, Missing, system_error
from headrace.models import card as cards
from headrace.models.card import Card, ScorerInfo
from headrace.models.model import Model
from headrace.ports import VersionRef
from headrace.scoring.scorer import Scorer

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Version:
    """One version of a model, its folder, and the aliases that mean it now. `str` gives "language@3f9c2a"."""

    name: str
    version: str
    folder: Path
    aliases: tuple[str, ...] = ()

    @property
    def ref(self) -> VersionRef:
        """Its name and version."""
        return VersionRef(self.name, self.version)

    def __str__(self) -> str:
        return str(self.ref)


def check_name(name: str) -> None:
    """Raises Misconfigured for a text that cannot name a model, and so a folder."""
    if name.endswith("]") and NAME.fullmatch(plain := name.partition("[")[0]):
        raise Misconfigured(
            f"{name!r} names a model and labels, which is for the setting models; here write {plain!r} (in Python, restrict the"
            " model with its method `restricted`)"
        )
    if not NAME.fullmatch(name):
        raise Misconfigured(
            f"{name!r} is not the name of a model: write lower-case letters, digits, '-', '_' and '.', such as language"
        )


def write(folder: Path, name: str, scorer: Scorer, card: Card, pipeline: Any, report: str | None) -> Card:
    """Write a version's files, all but the card, into an empty folder, and return the card, complete but for its version.

    Raises Misconfigured if the scorer and the card disagree, or if what was written cannot be served.
    """
    if tuple(scorer.labels) != card.labels:
        raise Misconfigured(
            f"model {name!r} cannot be added: its card has the labels {_few(card.labels)}, its scorer {_few(scorer.labels)}"
        )
    try:
        scorer.save(folder)
    except (HeadraceError, OSError):
        raise
    except Exception as error:  # a library's own: safetensors reports a full disk in the message alone
        if os.strerror(errno.ENOSPC) in str(error):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        raise Misconfigured(f"model {name!r} cannot be written to {folder.parent}: {error}; correct that") from error
    if pipeline is not None and not (folder / cards.PIPELINE).exists():
        from headrace.scoring.pipeline import PipelineScorer

        PipelineScorer(pipeline, card.labels, reason="it is kept for retraining").save(folder)
    if report is not None:
        (folder / cards.REPORT).write_text(report, encoding="utf-8")
    files = [path for path in sorted(folder.iterdir()) if path.name in (cards.WEIGHTS, cards.PIPELINE)]
    card = msgspec.structs.replace(
        card,
        name=name,
        hash=cards.identity(folder, card.labels, card.rule),
        created_at=card.created_at or datetime.now(UTC).isoformat(timespec="microseconds"),
        scorer=ScorerInfo(type(scorer).__name__, scorer.compiled, scorer.reason),
        trained_with=card.trained_with or surroundings(),
        files={path.name: cards.digest(path) for path in files},
    )
    open_version(folder, card, VersionRef(name))
    return card


def open_version(folder: Path, card: Card, ref: VersionRef) -> Model:
    """The model in a folder, as `ref`. Raises Misconfigured, with its name and the reason, if its files are not those of the card, if its
    labels differ from the card's, or if the card's golden texts come out otherwise."""
    verify(folder, card, ref)
    from headrace.scoring.opening import open_scorer

    scorer = open_scorer(folder)
    if tuple(scorer.labels) != card.labels:
        raise refused(ref, f"its labels are {_few(scorer.labels)}, the card's are {_few(card.labels)}")
    model = Model(ref, card, scorer)
    model.check()
    return model


def verify(folder: Path, card: Card, ref: VersionRef) -> None:
    """Compare the hash of the file that predictions come from with the card's. Raises Misconfigured if they differ or it is missing."""
    served = cards.WEIGHTS if cards.WEIGHTS in card.files else cards.PIPELINE
    if served not in card.files:
        raise refused(ref, f"its card names neither {cards.WEIGHTS} nor {cards.PIPELINE}")
    try:
        found = cards.digest(folder / served)
    except OSError as error:
        doing = f"model {ref} is refused: {folder / served} cannot be read"
        raise system_error(doing, error, "add or fetch it again, or promote another version", Missing) from None
    if found != card.files[served]:
        raise refused(ref, f"{folder / served} is not the file that its card names: it was damaged or exchanged")


def refused(ref: VersionRef, reason: str) -> Misconfigured:
    """The error for a version that cannot be served."""
    return Misconfigured(f"model {ref} is refused: {reason}; add or fetch it again, or promote another version")


def surroundings() -> dict[str, str]:
    """The versions of Headrace, Python and the libraries that models are trained with, as far as they are installed."""
    found = {"headrace": __version__, "python": platform.python_version()}
    for package in ("scikit-learn", "numpy", "numba"):
        try:
            found[package] = installed(package)
        except PackageNotFoundError:
            continue
    return found


def _few(labels: tuple[str, ...]) -> str:
    return ", ".join(labels[:6]) + (f" … ({len(labels)})" if len(labels) > 6 else "")
