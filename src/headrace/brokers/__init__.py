"""Brokers: an adapter is a file or a folder; `headrace.adapters` names them."""
