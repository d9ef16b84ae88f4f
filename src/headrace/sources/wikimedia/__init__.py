"""The changes of Wikimedia's wikis as a source."""

from headrace.sources.wikimedia.source import WikimediaSource as WikimediaSource
