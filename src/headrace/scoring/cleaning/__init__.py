"""Cleaning: what of a text is words. Markup, addresses and code are left out, letters in disguise are read, by the table of `rules`."""
