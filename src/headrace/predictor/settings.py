"""What a predictor process serves, and within which limits."""

import msgspec

from headrace.documents import DOCUMENT_BYTES
from headrace.log import LogSettings
from headrace.models.spec import ModelSpec


class PredictorSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The models to serve, from which registry (a folder or its URL), the limits of the process, and how it logs.

    `memory` is how many bytes the process may allocate, and `sharers` how many predictors share the memory of the container.
    `document_bytes` is the size of the largest document, in bytes of JSON; a larger one is buried. `cache_told` says that it was logged
    already if no compiled code is kept. `kept` are the names of models that the registry had before, for a process that replaces another:
    what cannot be found of them is waited for. `fields` is the setting of that name: where lines have the members of documents.
    """

    models: tuple[ModelSpec, ...]
    registry: str
    memory: int
    document_bytes: int = DOCUMENT_BYTES
    sharers: int = 1
    cache_told: bool = False
    kept: tuple[str, ...] = ()
    fields: str = ""
    log: LogSettings = LogSettings()
