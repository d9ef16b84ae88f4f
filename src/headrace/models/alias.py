"""Aliases: which version of a model "champion" means, and what it meant before (`aliases.json`)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from headrace import durable
from headrace.errors import Misconfigured, Missing, system_error

CHAMPION = "champion"
FILE = "aliases.json"

_ALIAS = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_LIKE_A_VERSION = re.compile(r"[0-9a-f]{4,}")


class Move(msgspec.Struct, frozen=True):
    """One move of an alias: to this version, at this time (ISO 8601, UTC)."""

    version: str
    at: str


@dataclass(frozen=True)
class Aliases:
    """The aliases of the model whose folder is `home`. To change them, hold the model's lock; reading needs none."""

    home: Path

    def targets(self) -> dict[str, str]:
        """Alias → the version that it means now; empty if there is no file."""
        return {alias: moves[-1].version for alias, moves in self._read().items() if moves}

    def promote(self, alias: str, version: str) -> None:
        """Let the alias mean this version. Nothing is written if it does already."""
        check_alias(alias)
        moves = self._read()
        if self.targets().get(alias) != version:
            moves.setdefault(alias, []).append(Move(version, datetime.now(UTC).isoformat(timespec="seconds")))
            self._write(moves)

    def rollback(self, alias: str, *, among: "set[str]", behind: bool) -> None:
        """Take back the latest move, and those before it whose versions no longer exist: those that are not `among`.

        If no move is left, the alias is removed, which is allowed only if the package has it too (`behind`). Raises Misconfigured if
        there is nothing to go back to.
        """
        moves = self._read()
        left = moves.get(alias, [])[:-1]
        while left and left[-1].version not in among:
            left = left[:-1]
        if not moves.get(alias) or (not left and not behind):
            raise Misconfigured(
                f"{self.home.name}@{alias} cannot be rolled back: it has meant no other version that still exists"
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
            raise system_error(f"the aliases {path} cannot be read", error, "check its permissions", Missing) from None
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Misconfigured(
                f"the aliases {path} are damaged: {error}; repair the file, or delete it and promote again"
            ) from None

    def _write(self, moves: dict[str, list[Move]]) -> None:
        durable.write(self.home / FILE, msgspec.json.format(msgspec.json.encode(moves), indent=2) + b"\n")


def check_alias(alias: str) -> None:
    """Raises Misconfigured for a name that cannot be an alias: not lower-case letters, digits, - and _, or like a version."""
    if not _ALIAS.fullmatch(alias) or _LIKE_A_VERSION.fullmatch(alias):
        raise Misconfigured(f"{alias!r} is not an alias: write lower-case letters, such as {CHAMPION} or challenger")
