"""Which migration, what happened to it, where, and what proves it.

    import forensics as fx

    fx.diagnose("app.db", migrations="migrations")
    case = fx.open_case("forensics.toml")
    case["dev"].diagnosis

Importing this loads nothing: every name is fetched when it is first used.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_HOMES = {
    "Case": "forensics.session",
    "Chain": "forensics.views",
    "Diagnosis": "forensics.diagnosis",
    "Environment": "forensics.session",
    "ForensicsError": "forensics.errors",
    "History": "forensics.views",
    "Snapshot": "forensics.views",
    "compare": "forensics.comparison.frames",
    "diagnose": "forensics.opening",
    "errors": "forensics.errors",
    "open_case": "forensics.opening",
    "plot": "forensics.plots",
}
_MODULES = frozenset({"errors", "plot"})

__all__ = [
    "Case",
    "Chain",
    "Diagnosis",
    "Environment",
    "ForensicsError",
    "History",
    "Snapshot",
    "compare",
    "diagnose",
    "errors",
    "open_case",
    "plot",
]

if TYPE_CHECKING:
    from forensics import errors
    from forensics import plots as plot
    from forensics.comparison.frames import compare
    from forensics.diagnosis import Diagnosis
    from forensics.errors import ForensicsError
    from forensics.opening import diagnose, open_case
    from forensics.session import Case, Environment
    from forensics.views import Chain, History, Snapshot


class _Package(ModuleType):
    """The package itself. A function and the module behind it may share a name: the package shows the function."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (isinstance(value, ModuleType) and name in _HOMES and name not in _MODULES):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'forensics' has no attribute {name!r}")
    module = import_module(home)
    found = module if name in _MODULES else getattr(module, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
