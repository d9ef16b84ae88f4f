"""Operands may begin with a hyphen: `-` is standard input, `-5 degrees` a text. One that is written like an option is refused."""

import re
from typing import Annotated

from cyclopts import App, ArgumentCollection, Parameter

from headrace.errors import Misconfigured, did_you_mean
from headrace.validation import not_utf8

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


def unicode(operand: str, what: str) -> str:
    """The text of an operand, read as UTF-8 if the locale could not read it. Raises Misconfigured if it is not UTF-8 either; `what` begins
    the message."""
    try:
        data = operand.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return operand  # it came from a program, not from a command line
    if fault := not_utf8(data):
        raise Misconfigured(f"{what} is {fault}")
    return data.decode()
