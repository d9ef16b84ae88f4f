"""Brokers, one file each; `headrace.urls` names them."""
