"""Aliases: which version of a model "champion" means, and what it meant before (`aliases.json`)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from headrace import durable
from headrace.errors import Misconfigured

CHAMPION = "champion"
FILE = "aliases.json"

_ALIAS = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_LIKE_A_VERSION = re.compile(r"[0-9a-f]{4,}")


class Move(msgspec.Struct, frozen=True):
    """The alias came to mean this version, then."""

    version: str
    at: str


@dataclass(frozen=True)
class Aliases:
    """The aliases of the model in `home`. Whoever changes them holds the model's lock; reading needs none."""

    home: Path

    def targets(self) -> dict[str, str]:
        """Alias → the version that it means now; empty where there is no file."""
        return {alias: moves[-1].version for alias, moves in self._read().items() if moves}

    def promote(self, alias: str, version: str) -> None:
        """Let the alias mean this version; nothing is written where it does."""
        check_alias(alias)
        moves = self._read()
        if self.targets().get(alias) != version:
            moves.setdefault(alias, []).append(Move(version, datetime.now(UTC).isoformat(timespec="seconds")))
            self._write(moves)

    def rollback(self, alias: str, *, among: "set[str]", behind: bool) -> None:
        """Take the latest move back, and those before it whose versions are gone (not `among`).

        Where none is left the alias is forgotten: allowed only with something `behind` it to fall back to.
        """
        moves = self._read()
        left = moves.get(alias, [])[:-1]
        while left and left[-1].version not in among:
            left = left[:-1]
        if not moves.get(alias) or (not left and not behind):
            raise Misconfigured(
                f"{self.home.name}@{alias} can't be rolled back: it has meant no other version that is still there"
            )
        moves[alias] = left
        self._write({name: kept for name, kept in moves.items() if kept})

    def _read(self) -> dict[str, list[Move]]:
        path = self.home / FILE
        try:
            return msgspec.json.decode(path.read_bytes(), type=dict[str, list[Move]])
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            raise Misconfigured(f"the aliases {path} can't be read: {error.strerror}; mend its permissions") from None
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Misconfigured(
                f"the aliases {path} are damaged: {error}; mend the file, or delete it and promote again"
            ) from None

    def _write(self, moves: dict[str, list[Move]]) -> None:
        durable.write(self.home / FILE, msgspec.json.format(msgspec.json.encode(moves), indent=2) + b"\n")


def check_alias(alias: str) -> None:
    """Raises Misconfigured for what can't be an alias."""
    if not _ALIAS.fullmatch(alias) or _LIKE_A_VERSION.fullmatch(alias):
        raise Misconfigured(f"{alias!r} is no alias: take lower-case letters, such as {CHAMPION} or challenger")
