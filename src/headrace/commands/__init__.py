"""The commands, one file a group; `headrace.cli` names them."""
