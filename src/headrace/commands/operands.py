"""Operands that look like options: a name or a text that begins with a hyphen was perhaps meant as one."""

import difflib
import re
from dataclasses import fields
from typing import Annotated

from cyclopts import Parameter

from headrace.config import Settings
from headrace.errors import Misconfigured

Operand = Annotated[str, Parameter(allow_leading_hyphen=True)]

_OWN = ("--again", "--format", "--json", "--model", "--threshold", "--top")
_OPTION = re.compile(r"--?[A-Za-z][\w-]*(=.*)?", re.DOTALL)


def check_files(*names: str) -> None:
    """Raises Misconfigured for a name that begins with a hyphen; only `-` itself is one."""
    for name in names:
        if not name:
            raise Misconfigured("the name of a file is empty; give one, or - for a standard stream")
        if name.startswith("-") and name != "-":
            raise Misconfigured(f"there is no option {name}; {_meant(name)}for a file of that name write ./{name}")


def check_texts(*texts: str) -> None:
    """Raises Misconfigured for a text that is written like an option. `-5 degrees` is none."""
    for text in texts:
        if _OPTION.fullmatch(text):
            raise Misconfigured(
                f"there is no option {text}; {_meant(text)}to label it as a text, give it on standard input"
            )


def _meant(name: str) -> str:
    known = [*_OWN, *(f"--{field.name.replace('_', '-')}" for field in fields(Settings))]
    near = difflib.get_close_matches(name.partition("=")[0], known, n=1)
    return f"did you mean {near[0]}? " if near else ""
