"""Other chains of revisions that lie in the same repository: old ones that were moved aside, and other applications'."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from forensics.adapters import adapters
from forensics.adapters.alembic_config import find_settings
from forensics.chain.content import LIMIT, readable
from forensics.chain.gitbranches import REVISION
from forensics.chain.gitlog import repository
from forensics.model import Chain

_SKIPPED = frozenset({"node_modules", "__pycache__", "site-packages", "venv", "env", "dist", "build", "tests", "test"})
_MOST = 20_000
_USUAL = frozenset({"alembic", "migrations", "versions", "db", "database"})


def neighbours(chain: Chain) -> tuple[Chain, ...]:
    """Return the chains of revisions in other folders of the repository, by their path; nothing is imported or run.

    Where there is no repository, the project is the folder of Alembic's configuration, or the one around the
    migrations. A file is one of a chain where it sets ``revision``.
    """
    if chain.tool != "alembic":
        return ()
    root = Path(chain.root)
    top = _project(root)
    own = {(Path(item.root) / each.file).resolve() for item in (chain, *chain.archived)
           for each in (*item.migrations, *item.beside) if each.file}  # fmt: skip
    found: list[Chain] = []
    hints = replace(chain.hints, target="heads")
    for folder in _folders(top):
        files = {path.resolve() for path in folder.glob("*.py") if _declares(path)}
        if not files or files & own:
            continue
        shown = readable(Path(os.path.relpath(folder, top)).as_posix())
        try:
            other = adapters()["alembic"].load(folder, hints=hints, path=shown, name=shown)
        except OSError:
            continue
        own |= {(Path(other.root) / item.file).resolve() for item in other.migrations if item.file}
        found.append(other)
    return tuple(found)


def _project(root: Path) -> Path:
    top = repository(root)
    if top is not None:
        return top
    source = find_settings(root).source
    if source is not None:
        return source.parent
    while root.name.casefold() in _USUAL and root.parent != root:
        root = root.parent
    return root


def _folders(top: Path) -> Iterator[Path]:
    count = 0
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(name for name in folders if name.casefold() not in _SKIPPED and not name.startswith("."))
        scripts = [name for name in names if name.endswith(".py")]
        count += len(scripts)
        if count > _MOST:
            return
        if scripts:
            yield Path(folder)


def _declares(path: Path) -> bool:
    try:
        if path.stat().st_size > LIMIT // 64:
            return False
        data = path.read_bytes()
    except OSError:
        return False
    return b"revision" in data and bool(REVISION.search(data.decode("utf-8", "replace")))
