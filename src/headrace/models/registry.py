"""The registry: where model versions live, and which of them an alias means.

On disk: `NAME/VERSION/{weights.safetensors, pipeline.skops, card.json, report.html}` and `NAME/aliases.json`. A version appears
whole or not at all: its files, the card last, are put in place by one rename, and only then does the alias move. Versions never change.
Nothing here imports a model's libraries until a model is opened, so that a keeper can resolve aliases.
"""

import contextlib
import fcntl
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from headrace import durable
from headrace.errors import Misconfigured, Missing, did_you_mean, system_error
from headrace.models import card as cards
from headrace.models.alias import CHAMPION, Aliases
from headrace.models.card import Card
from headrace.models.model import Model
from headrace.models.version import NAME, Version, check_name, open_version, verify, write
from headrace.ports import VersionRef
from headrace.scoring.scorer import Scorer
from headrace.urls import open_registry

__all__ = ["Model", "Registry", "Version", "load"]

HERE = "models"  # the registry of `load`, in the current folder
BUILTIN = Path(__file__).with_name("builtin")
DIGITS = 6  # of the hash that names a version; more only if two would have one name

_VERSION = re.compile(r"[0-9a-f]{6,64}")
_PREFIX = re.compile(r"[0-9a-f]{4,64}")


class Registry:
    """A folder of model versions, and behind it the default models of the package: they are found too, unless the folder has the same.

    A folder that does not exist is an empty registry; `add` makes it. Several processes may use one folder at once.
    """

    def __init__(self, folder: Path | str, *, builtin: Path | None = BUILTIN) -> None:
        self.folder = Path(os.path.expanduser(folder))  # noqa: PTH111 (Path's own raises if the user has no home)
        self._folders = [self.folder, *([builtin] if builtin else [])]

    @classmethod
    def from_url(cls, url: str) -> "Registry":
        """The registry at a URL, or in a folder with this path. Raises Misconfigured for a scheme that `adapters.REGISTRIES` lacks."""
        registry: Registry = open_registry(url)
        return registry

    def add(
        self,
        name: str,
        scorer: Scorer,
        card: Card,
        *,
        pipeline: Any = None,
        report: str | None = None,
        alias: str | None = None,
    ) -> Version:
        """Store a scorer as a version, then let `alias` mean it; durable when it returns.

        The version is named by its content: adding the same again gives the same version, which keeps its first card. `pipeline` (a fitted
        scikit-learn pipeline) is kept beside it for retraining, and `report` as report.html. Before the version is put in place, it is
        opened and predicts its golden texts. Raises Misconfigured if it could not be served or the folder cannot be written to,
        Unavailable if the disk is full; then nothing was added.
        """
        check_name(name)
        with self._written(name) as home:
            draft = home / ".draft-version"
            draft.mkdir()
            try:
                card = write(draft, name, scorer, card, pipeline, report)
                card = msgspec.structs.replace(card, version=self._free(name, card.hash))
                version = self._place(draft, home, card)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
            if alias is not None:
                self._aliases(name).promote(alias, version)
        return self.resolve(f"{name}@{version}")

    def resolve(self, reference: str) -> Version:
        """The version that a reference means: "language" (its champion), "language@champion", "language@3f9c2a" (4 digits or
        more of a version). Raises Misconfigured, with what was perhaps meant, if there is none or more than one."""
        name, wanted = VersionRef.parse(reference)
        check_name(name)
        known = self._versions(name)
        if not known:
            raise self._unknown(name)
        wanted = wanted or CHAMPION
        target = self._targets(name).get(wanted)
        found = _matching(known, wanted if target is None else target, prefix=target is None)
        if len(found) == 1:
            return self._version(name, found[0])
        if found:
            raise Misconfigured(f"{reference!r} may be {' or '.join(found)}: give more digits")
        if target is not None:
            raise Missing(f"{name}@{wanted} means version {target}, which is gone; promote another version")
        hint = did_you_mean(wanted, [*self._targets(name), *known], "{!r}")
        raise Missing(
            f"model {name!r} has no version or alias {wanted!r}; {hint}`headrace models list {name}` shows all"
        )

    def list(self, name: str | None = None) -> "list[Version]":
        """All versions, or those of one name (none for an unknown one), by name, the newest first."""
        names = self._names() if name is None else [name]
        return [version for one in names for version in self._newest_first(one)]

    def card(self, reference: str) -> Card:
        """The card of the version that a reference means. Raises as `resolve`, and Misconfigured if the card is damaged."""
        return cards.read(self.resolve(reference).folder)

    def get(self, reference: str) -> Model:
        """Open a version, and check its hash, its labels and its golden texts. Raises Misconfigured with its name and the reason."""
        version = self.resolve(reference)
        return open_version(version.folder, cards.read(version.folder), version.ref)

    def promote(self, reference: str, alias: str = CHAMPION) -> Version:
        """Let an alias mean a version from now on, and return that version. Durable when it returns; harmless to repeat.

        Raises Misconfigured if the version is damaged: workers could not follow to it.
        """
        version = self.resolve(reference)
        verify(version.folder, cards.read(version.folder), version.ref)
        with self._written(version.name):
            self._aliases(version.name).promote(alias, version.version)
        return self.resolve(str(version))

    def rollback(self, name: str, alias: str = CHAMPION) -> Version:
        """Let an alias mean again what it meant before, and return that version. Raises Misconfigured if it has meant no other."""
        check_name(name)
        if not self._versions(name):
            raise self._unknown(name)
        with self._written(name):
            behind = Aliases(self._folders[-1] / name).targets() if len(self._folders) > 1 else {}
            self._aliases(name).rollback(alias, among=set(self._versions(name)), behind=alias in behind)
        return self.resolve(f"{name}@{alias}")

    def _place(self, draft: Path, home: Path, card: Card) -> str:
        final = self._versions(card.name).get(card.version)  # the package may have it already
        if final is not None:
            verify(final, cards.read(final), VersionRef(card.name, card.version))
        else:
            (draft / cards.FILE).write_bytes(cards.to_json(card))
            durable.place(draft, home / card.version)
        durable.flush(home, self.folder)
        return card.version

    def _free(self, name: str, full: str) -> str:
        """The shortest beginning of the hash `full`, of DIGITS or more, that names no other content."""
        for length in range(DIGITS, len(full) + 1):
            folders = [folder / name / full[:length] for folder in self._folders]
            taken = next((folder for folder in folders if folder.is_dir()), None)
            if taken is None or cards.read(taken).hash == full:
                break
        return full[:length]

    @contextlib.contextmanager
    def _written(self, name: str) -> Iterator[Path]:
        """A model's folder, locked against other writers; drafts that crashed writers left are removed."""
        home = self.folder / name
        try:
            home.mkdir(parents=True, exist_ok=True)
            with (home / ".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                durable.sweep(home)
                yield home
        except OSError as error:
            doing = f"model {name!r} cannot be written to {home}"
            raise system_error(doing, error, "correct that, or choose another --registry") from error

    def _aliases(self, name: str) -> Aliases:
        return Aliases(self.folder / name)

    def _targets(self, name: str) -> dict[str, str]:
        targets: dict[str, str] = {}
        for folder in reversed(self._folders):
            targets |= Aliases(folder / name).targets()
        return targets

    def keeps(self, name: str) -> bool:
        """Whether the folder itself, not the package, has versions of this model. Raises as `resolve`."""
        with self._reading():
            return (self.folder / name).is_dir()

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise system_error(f"reading {self.folder}", error, "check its permissions", Missing) from error

    def _unknown(self, name: str) -> Missing:
        hint = did_you_mean(name, self._names(), "{!r}")
        train = f"`headrace train {name} --data FILE` trains it"
        return Missing(f"there is no model {name!r}; {hint}`headrace models list` shows all, and {train}")

    def _names(self) -> Sequence[str]:
        with self._reading():
            homes = [path for folder in self._folders if folder.is_dir() for path in folder.iterdir()]
            names = {path.name for path in homes if path.is_dir()}
        return sorted(name for name in names if NAME.fullmatch(name) and self._versions(name))

    def _versions(self, name: str) -> dict[str, Path]:
        """Version → its folder, the registry's own before the package's."""
        with self._reading():
            homes = [folder / name for folder in reversed(self._folders) if (folder / name).is_dir()]
            entries = [path for home in homes for path in home.iterdir() if _VERSION.fullmatch(path.name)]
            return {path.name: path for path in entries if (path / cards.FILE).is_file()}

    def _version(self, name: str, version: str) -> Version:
        aliases = tuple(sorted(alias for alias, target in self._targets(name).items() if target == version))
        return Version(name, version, self._versions(name)[version], aliases)

    def _newest_first(self, name: str) -> Sequence[Version]:
        versions = [self._version(name, one) for one in self._versions(name)]
        return sorted(versions, key=lambda one: (_created(one), one.version), reverse=True)


def load(reference: str = "language", *, registry: str | Path | None = None) -> Model:
    """Open a model for use from Python: `headrace.load("language").predict(["Hej"])`.

    `reference` is a name ("language"), a version ("language@3f9c2a", "language@challenger") or the path of a version's folder.
    `registry` is a folder or a URL; the default is the folder `models` in the current one, as for the commands. The models of the package
    are found too. Raises Misconfigured if there is no such model or it is damaged.
    """
    folder = Path(reference)
    if os.sep in reference or (folder / cards.FILE).is_file():
        card = cards.read(folder)
        return open_version(folder, card, VersionRef(card.name, card.version))
    return Registry.from_url(str(HERE if registry is None else registry)).get(reference)


def _matching(known: Iterable[str], wanted: str, *, prefix: bool) -> Sequence[str]:
    exact = [one for one in known if one == wanted]
    if exact or not prefix or not _PREFIX.fullmatch(wanted):
        return exact
    return [one for one in known if one.startswith(wanted)]


def _created(version: Version) -> str:
    try:
        return cards.read(version.folder).created_at
    except Misconfigured:
        return ""
