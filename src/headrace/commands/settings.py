"""The settings as flags of every command, with what the environment and headrace.toml give for those that are left out."""

import contextlib
from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import App, ArgumentCollection, CoercionError, Group, Parameter, Token
from cyclopts.config import Env

from headrace import config, log
from headrace.commands.operands import check_operands
from headrace.config import FILE, PREFIX, Settings, SettingsFile
from headrace.errors import Misconfigured
from headrace.log import LogSettings, logger

LOG = logger("headrace.commands")
Flags = Annotated[
    Settings,
    Parameter(
        name="*",
        group=Group(
            "Settings",
            sort_key=10,
            help=f"Each is taken from its flag, else from its {PREFIX}* variable, else from {FILE} in the current folder.",
        ),
        show_env_var=True,
    ),
]
"""The type of a command's parameter `settings`: one flag for each setting."""


def sources() -> Sequence[Any]:
    """Where Cyclopts finds what no flag gives, in falling order. Raises Misconfigured for an unknown setting."""
    file = config.read_file()
    of_services = OfServices(config.check_environment(file.webhooks))
    variables = Env(PREFIX, command=False)
    return (
        variables,
        of_services.drop,
        FileSource(file),
        configure_log,
        of_services.tell,
        check_whole_numbers,
        check_operands,
    )


class OfServices:
    """Variables that look like settings, and were set by Kubernetes for a Service."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def drop(self, _app: App, _commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
        """Forget what was taken from them."""
        for argument in arguments:
            argument.tokens[:] = [token for token in argument.tokens if token.keyword not in self._names]

    def tell(self, _app: App, _commands: tuple[str, ...], _arguments: ArgumentCollection) -> None:
        """Log that they are passed over, if there are any."""
        if self._names:
            LOG.info(f"passing over what Kubernetes sets for a Service: {', '.join(self._names)}")


class FileSource:
    """headrace.toml as a source of Cyclopts: gives what neither a flag nor a variable gave.

    Cyclopts' own reader skips keys that are also names of commands, as `models` is.
    """

    def __init__(self, file: SettingsFile) -> None:
        self._file = file

    def __call__(self, _app: App, _commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
        for name, value in self._file.values.items():
            flag = "--" + name.replace("_", "-")
            for argument in arguments:
                if argument.name == flag and not argument.tokens:
                    argument.append(Token(keyword=name, value=value, source=str(self._file.path)))


def configure_log(_app: App, _commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Configure the log before the command begins. A wrong value is ignored here, and refused when it is converted."""
    given = {argument.name: argument.tokens[-1].value for argument in arguments if argument.tokens}
    with contextlib.suppress(Misconfigured):
        log.configure(
            LogSettings(given.get("--log-format", LogSettings().format), given.get("--log-level", LogSettings().level)),
            config.secrets_in({name.removeprefix("--"): value for name, value in given.items()})
            | config.secrets_in_environment(),
        )


def check_whole_numbers(_app: App, _commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Refuse 1.5 where a whole number is wanted. Cyclopts would round it."""
    for argument in arguments:
        for token in argument.tokens if argument.hint is int else ():
            try:
                int(token.value)
            except ValueError as error:
                raise CoercionError(argument=argument, token=token, target_type=int) from error
