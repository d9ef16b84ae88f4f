"""A Mastodon server's public posts as a source."""

from headrace.sources.mastodon.source import MastodonSource as MastodonSource
