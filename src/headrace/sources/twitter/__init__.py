"""X, formerly Twitter, as a source."""

from headrace.sources.twitter.opening import from_url as from_url
from headrace.sources.twitter.source import TwitterSource as TwitterSource
