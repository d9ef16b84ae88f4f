"""X's API, version 2, as the source `twitter:` and the command `headrace twitter` use it."""
