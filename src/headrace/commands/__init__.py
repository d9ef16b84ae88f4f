"""The commands: a file for each, or for each group; `headrace.cli.COMMANDS` names them."""
