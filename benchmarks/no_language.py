"""Texts without a language, for benchmarks/language.py: numbers, links, emoji, and code from Python's standard library."""

import ast
import random
import sysconfig
from pathlib import Path

#: Texts of each kind.
SIZE = 500


def kinds() -> dict[str, list[str]]:
    """The texts by kind; the same every time on one version of Python."""
    chance = random.Random(0)
    return {
        "numbers": [" ".join(_number(chance) for _ in range(chance.randint(1, 6))) for _ in range(SIZE)],
        "links": [_link(chance) for _ in range(SIZE)],
        "emoji": [
            "".join(chr(chance.randrange(0x1F300, 0x1F64F)) for _ in range(chance.randint(1, 8))) for _ in range(SIZE)
        ],
        "code": _code(chance),
    }


def _number(chance: random.Random) -> str:
    value = chance.randrange(1, 10**6)
    return chance.choice(
        [
            f"{value}",
            f"{value / 100:,.2f}",
            f"€{value}",
            f"{value % 100}%",
            f"{value % 24}:{value % 60:02}",
            f"+{value}",
        ]
    )


def _link(chance: random.Random) -> str:
    name = "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(4, 12)))
    return chance.choice(
        [
            f"https://www.{name}.com/{name[::-1]}?id={chance.randrange(999)}",
            f"www.{name}.org",
            f"@{name} http://{name}.net",
        ]
    )


def _code(chance: random.Random) -> list[str]:
    """Functions of three to eight lines, without docstrings and comments."""
    pieces = []
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        source = path.read_text("utf-8", "replace")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) is None:
                piece = ast.get_source_segment(source, node) or ""
                if 3 <= len(piece.splitlines()) <= 8 and "#" not in piece:
                    pieces.append(piece)
    return chance.sample(pieces, min(SIZE, len(pieces)))
