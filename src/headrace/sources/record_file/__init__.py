"""A file of records, an archive of such files, or standard input, read in batches from a cursor: what sources that read files share."""

from headrace.ports import Item
from headrace.sources.record_file.filling import BATCH, Reader
from headrace.sources.record_file.reading import RecordFile
from headrace.sources.record_file.remote import found, is_remote
from headrace.sources.record_file.urls import path_in

__all__ = ["BATCH", "Item", "Reader", "RecordFile", "found", "is_remote", "path_in"]
