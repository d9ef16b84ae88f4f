"""The HTTP API: a file for each group of calls."""
