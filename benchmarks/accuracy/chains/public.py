"""Chains of public packages: a line in `PACKAGES` adds one, if the package is installed."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from benchmarks.accuracy.source import Source


@dataclass(frozen=True, kw_only=True)
class Package:
    """Where an installed package keeps its chain, its tool, the dialects that it builds on, and what a case file would say of it."""

    name: str
    folder: str
    tool: str = "alembic"
    dialects: tuple[str, ...] = ("sqlite",)
    hints: dict[str, object] = field(default_factory=dict)


PACKAGES = (Package(name="optuna", folder="storages/_rdb/alembic/versions"),)


def chains() -> tuple[Source, ...]:
    """Return the chains of the packages that are installed, one for each dialect."""
    found = []
    for package in PACKAGES:
        spec = find_spec(package.name)
        if spec is None or spec.origin is None:
            continue
        folder = Path(spec.origin).parent / package.folder
        files = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py")) if path.stem != "__init__"}
        for dialect in package.dialects:
            suffix = "" if len(package.dialects) == 1 else f"-{dialect}"
            found.append(
                Source(name=package.name + suffix, files=files, tool=package.tool, dialect=dialect, hints=package.hints)
            )
    return tuple(found)
