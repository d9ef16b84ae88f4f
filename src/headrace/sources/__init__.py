"""Sources: an adapter is a file or a folder; `headrace.urls` names them."""
