"""Bluesky, and all that is written on its network, as a source."""

from headrace.sources.bluesky.source import BlueskySource as BlueskySource
