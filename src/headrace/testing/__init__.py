"""The conformance suites that every adapter passes, ours and yours; docs/extending.md shows how to run them."""
