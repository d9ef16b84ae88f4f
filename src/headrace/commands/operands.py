"""Operands may begin with a hyphen: `-` is standard input, `-5 degrees` a text. One that is written like an option is refused."""

import re
from typing import Annotated

from cyclopts import App, ArgumentCollection, Parameter

from headrace.errors import Misconfigured, did_you_mean

Operand = Annotated[str, Parameter(allow_leading_hyphen=True)]

_OPTION = re.compile(r"--?[A-Za-z][\w-]*(=.*)?", re.DOTALL)


def check_operands(_app: App, _commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Raises Misconfigured for an operand that is written like an option: a flag that the command does not have. Called by Cyclopts."""
    flags = [name for argument in arguments for name in argument.names if name.startswith("--")]
    for argument in arguments:
        for token in argument.tokens if argument.parameter.allow_leading_hyphen else ():
            if _OPTION.fullmatch(token.value):
                meant = did_you_mean(token.value.partition("=")[0], flags)
                raise Misconfigured(
                    f"there is no option {token.value.partition('=')[0]}; {meant}write a file of that name as ./NAME, and give a text"
                    " like it on standard input"
                )
