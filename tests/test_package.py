"""The face of the package: what it exports, and that importing it costs nothing."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys

import pytest

import forensics as fx


def test_all_is_what_is_exported() -> None:
    assert sorted(fx.__all__) == fx.__all__
    assert dir(fx) == sorted([*fx.__all__, "__version__"])
    for name in fx.__all__:
        assert inspect.getdoc(getattr(fx, name)), name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = fx.nothing


def test_function_is_not_hidden_by_the_module_of_its_name() -> None:
    module = importlib.import_module("forensics.conclusions.diagnose")
    assert inspect.ismodule(module)
    assert inspect.isfunction(fx.diagnose)
    assert inspect.isfunction(fx.open_case)


def test_import_loads_nothing() -> None:
    code = (
        "import sys, forensics; print(*[m for m in sys.modules if m.startswith('forensics.')], 'pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]
