"""Files as a source."""

from headrace.sources.files.source import FileSource as FileSource
