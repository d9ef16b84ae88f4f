"""Comparing models on the same texts: rows → models → answers → figures."""
