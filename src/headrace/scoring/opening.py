"""Opening a saved scorer of any kind."""

from pathlib import Path

from headrace.errors import Misconfigured
from headrace.scoring import weights
from headrace.scoring.scorer import Scorer


def open_scorer(folder: Path, *, threads: int = 1, cache: Path | None = None) -> Scorer:
    """The scorer that was saved in a folder: linear, hashed, of tokens, or a pipeline that is not compiled.

    `threads` is how many threads score a batch; a pipeline ignores it. `cache` is the folder for compiled code (that of `scoring.cache`
    if not given). Raises Misconfigured, with the reason, if the folder has no scorer or one that can't be used.
    """
    path = folder / weights.FILE
    if not path.exists() and (folder / "pipeline.skops").exists():
        from headrace.scoring.pipeline import PipelineScorer

        return PipelineScorer.open(folder)
    kind = weights.metadata(path).get("kind", "")
    if kind == "hashed":
        from headrace.scoring.hashed.scorer import HashedScorer

        return HashedScorer.open(folder, threads=threads, cache=cache)
    if kind == "linear":
        from headrace.scoring.linear.scorer import LinearScorer

        return LinearScorer.open(folder, threads=threads, cache=cache)
    if kind == "tokens":
        from headrace.scoring.tokens.scorer import TokenScorer

        return TokenScorer.open(folder, threads=threads, cache=cache)
    raise Misconfigured(f"the weights {path} are of an unknown kind, {kind!r}; this version of Headrace can't use them")
