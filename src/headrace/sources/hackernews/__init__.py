"""Hacker News as a source."""

from headrace.sources.hackernews.source import HackernewsSource as HackernewsSource
