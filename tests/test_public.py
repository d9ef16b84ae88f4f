"""The public API: what `import headrace` offers, and how little it loads."""

import subprocess
import sys

import pytest

import headrace

PUBLIC = ["Document", "Model", "Prediction", "Registry", "Span", "Worker", "compile", "errors", "load"]


def test_the_public_names_are_sorted_and_complete() -> None:
    assert headrace.__all__ == PUBLIC == sorted(PUBLIC)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_has_a_docstring(name: str) -> None:
    assert getattr(headrace, name).__doc__


def test_dir_shows_the_public_names_and_nothing_else_but_dunders() -> None:
    program = "import headrace, headrace.worker.worker; print(*dir(headrace))"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert [name for name in shown if not name.startswith("__")] == PUBLIC
    assert {"__all__", "__doc__", "__file__", "__name__", "__version__"} <= set(shown)


def test_a_star_import_gives_the_public_names() -> None:
    given: dict[str, object] = {}
    exec("from headrace import *", given)
    assert set(given) - {"__builtins__"} == set(PUBLIC)


def test_errors_is_the_module_with_all_exceptions() -> None:
    assert headrace.errors.Misconfigured.__module__ == "headrace.errors"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'headrace' has no attribute 'Any'"):
        headrace.Any  # noqa: B018


@pytest.mark.parametrize("name", [name for name in PUBLIC if name != "compile"])
def test_no_public_name_but_compile_loads_numpy_or_scikit_learn(name: str) -> None:
    program = f"import sys, headrace; headrace.{name}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert {"numpy", "numba", "sklearn", "scipy"}.isdisjoint(loaded)
