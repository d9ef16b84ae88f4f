"""Feeds as a source: RSS and Atom."""

from headrace.sources.rss.source import RssSource as RssSource
