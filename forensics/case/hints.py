"""What the case file adds for the replay of a chain, as `Hints` with absolute paths."""

from __future__ import annotations

import os
from pathlib import Path

from forensics.case.keys import Table, expand
from forensics.errors import CaseError
from forensics.model import Hints

CHAIN_KEYS = (
    "path", "tool", "archived", "git", "tracker", "runner", "entry", "python", "sys_path", "setup", "environment",
    "naming_convention", "models", "sources", "transaction", "target", "driver", "env_py", "version_table", "apps",
    "settings", "trust",
)  # fmt: skip
_RUNNERS = ("executescript", "statements", "transaction")
_TRANSACTIONS = ("per-migration", "single")
_ENV_PY = ("harvest", "never", "run")


def chain_hints(table: Table, root: Path) -> Hints:
    """Return the hints of one ``[chains.NAME]``. Raises `CaseError` for a value that is not one of the known ones."""
    convention = table.raw("naming_convention")
    python = _expanded(table, "python")
    return Hints(
        runner=table.text("runner", "executescript", among=_RUNNERS),
        entry=table.text("entry"),
        python=_interpreter(python, root),
        sys_path=tuple(_absolute(item, root) for item in _expanded_list(table, "sys_path")),
        setup=_absolute(_expanded(table, "setup"), root),
        environment=tuple((key, expand(text, table.where("environment"))) for key, text in table.pairs("environment")),
        naming_convention=(
            table.pairs("naming_convention") if isinstance(convention, dict) else table.text("naming_convention")
        ),
        models=table.texts("models"),
        sources=tuple(_absolute(item, root) for item in _expanded_list(table, "sources")),
        transaction=table.text("transaction", among=("", *_TRANSACTIONS)),
        target=table.text("target", "heads"),
        driver=table.text("driver"),
        env_py=table.text("env_py", "harvest", among=_ENV_PY),
        version_table=table.text("version_table"),
        trust=table.flag("trust"),
    )  # fmt: skip


def _expanded(table: Table, key: str) -> str:
    return expand(table.text(key), table.where(key))


def _expanded_list(table: Table, key: str) -> tuple[str, ...]:
    return tuple(expand(item, table.where(key)) for item in table.texts(key))


def _absolute(path: str, root: Path) -> str:
    # Symbolic links stay: an interpreter in a virtual environment is one, and its target knows no packages.
    return os.path.normpath(root / Path(path).expanduser()) if path else ""


def _interpreter(path: str, root: Path) -> str:
    if not path:
        return ""
    found = _absolute(path, root)
    if not os.path.isfile(found) and os.sep not in path:
        from shutil import which

        found = which(path) or found
    if not os.path.isfile(found):
        raise CaseError(f"there is no Python interpreter at {path!r}", remedy="correct python in the case file")
    return found
