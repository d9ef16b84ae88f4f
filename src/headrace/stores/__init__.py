"""Stores: a file or a folder each; `headrace.adapters` names them."""
