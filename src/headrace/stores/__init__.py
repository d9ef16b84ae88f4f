"""Stores: a file or a folder each; `headrace.urls` names them."""
