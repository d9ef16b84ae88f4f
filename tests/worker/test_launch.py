"""What is said before workers start."""

from dataclasses import replace

import pytest
from support import logged

from headrace.config import Settings
from headrace.worker.launch import predictor_settings, told_of_cache


def test_that_no_compiled_code_is_kept_is_told_before_the_predictors_start_and_not_by_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/dev/null/cache")
    with logged() as said:
        predictor = told_of_cache(predictor_settings(Settings(processes=3)))
    assert predictor.cache_told
    assert [message.partition(",")[0] for message in said] == ["compiled code is not kept"]


def test_nothing_is_told_of_compiled_code_if_no_model_has_any(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/dev/null/cache")
    settings = replace(Settings(), models="fake=python:headrace.testing.classifiers:Trivial")
    with logged() as said:
        told_of_cache(predictor_settings(settings))
    assert said == []
