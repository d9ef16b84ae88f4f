"""X, formerly Twitter, as a source."""

from headrace.sources.twitter.source import TwitterSource as TwitterSource
