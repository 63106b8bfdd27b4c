"""Alembic (and Flask-Migrate): a graph of revisions in ``versions/*.py``, and a tracker that keeps only the heads."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from forensics.adapters.alembic_config import INI, Settings, find_settings
from forensics.adapters.base import Adapter
from forensics.adapters.revisions import arrange, select
from forensics.adapters.source import Source, configured_table, read_source
from forensics.chain.content import read_content, readable
from forensics.model import Chain, ChainProblem, Content, Hints, Migration

_FILE = re.compile(r"(?!\.#|__init__)(.*\.py)", re.S)
_LEGACY = re.compile(r"(?P<revision>[a-f0-9]+)\.py")
_ASSIGNED = r"(?m)^{}\s*(?::[^=\n]+)?=\s*['\"]([^'\"\n]+)['\"]"
_MENTIONS = re.compile(r"(?m)^(?:down_)?revision\s*(?::[^=\n]+)?=")


def fits(root: Path) -> int:
    """Count the revision files of the folder; an ``env.py`` or a configuration beside them counts as three more."""
    settings = find_settings(root)
    count = 0
    for folder in settings.folders:
        for path in _files(folder, recursive=settings.recursive):
            content, problem = read_content(path, python=True)
            count += not problem and bool(_MENTIONS.search(content.text))
    beside = settings.source is not None or any(
        (place / name).is_file() for place in (settings.home, root) for name in ("env.py", "alembic.ini")
    )
    return count + 3 * (count > 0 and beside)


def load(root: Path, *, hints: Hints, path: str, name: str) -> Chain:
    """Read the revisions of a project: its folder, that of its configuration, its script folder, or its ``versions``.

    The order is the one in which Alembic runs them. Where a file repeats a revision its id is ``revision@file``.
    ``parents`` are as declared and may name a revision that is not there (problem ``broken-link``). Of a folder that
    holds alternative histories the chain is the one that the hint ``target`` names; the others are ``beside`` it.
    """
    settings = find_settings(root)
    home = _home(settings)
    found: list[Migration] = []
    problems: list[ChainProblem] = []
    if settings.problem:
        problems.append(ChainProblem(cause="unreadable", migrations=(), detail=settings.problem))
    seen: set[Path] = set()
    for folder in settings.folders:
        for file in sorted(_files(folder, recursive=settings.recursive)):
            if file.resolve() in seen:
                continue
            seen.add(file.resolve())
            item, problem = _read(file, _relative(file, home))
            if item is not None:
                found.append(item)
            if problem:
                ids = (item.id,) if item else ()
                problems.append(ChainProblem(cause="unloadable-migration", migrations=ids, detail=problem))
    chosen, beside, unknown = select(found, hints.target)
    if unknown:
        problems.append(ChainProblem(cause="unreadable", migrations=(), detail=unknown))
    migrations, graph = arrange(chosen)
    known = {item.id for item in migrations}
    return Chain(
        name=name,
        tool="alembic",
        path=path,
        root=str(home),
        migrations=migrations,
        problems=(*graph, *(item for item in problems if not item.migrations or set(item.migrations) & known)),
        beside=beside,
        hints=_hinted(hints, settings),
    )


def _home(settings: Settings) -> Path:
    """Return the folder below which every file of the chain lies: the script folder, where that is one."""
    home = settings.home.absolute()
    outside = [item.absolute() for item in settings.folders if not item.absolute().is_relative_to(home)]
    return Path(os.path.commonpath([home, *outside])) if outside else settings.home


def _hinted(hints: Hints, settings: Settings) -> Hints:
    """Add what the configuration says to what the case file says, which comes first."""
    added = [item for item in settings.sys_path if item not in hints.sys_path and os.path.isdir(item)]
    script = str(settings.home / "env.py") if (settings.home / "env.py").is_file() else ""
    ini = str(settings.source) if settings.source is not None and settings.source.name == INI else ""
    return replace(
        hints,
        sys_path=(*hints.sys_path, *added),
        env_file=hints.env_file or script,
        config_file=hints.config_file or ini,
        version_table=hints.version_table or (_version_table(Path(script)) if script else ""),
    )


def _version_table(script: Path) -> str:
    """Return the version table that ``env.py`` names in so many words, where all its calls of ``configure`` agree."""
    content, problem = read_content(script, python=True)
    return "" if problem else configured_table(content.text)


def _files(folder: Path, *, recursive: bool = False) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            if recursive and path.name != "__pycache__":
                yield from _files(path, recursive=True)
        elif _FILE.fullmatch(path.name) and path.name != "env.py" and (path.is_symlink() or path.is_file()):
            yield path


def _relative(file: Path, home: Path) -> str:
    try:
        return readable(file.relative_to(home).as_posix())
    except ValueError:
        return readable(file.name)


def from_text(shown: str, content: Content) -> Migration | None:
    """Return the revision that a text declares, under the name of its file; None where it declares none."""
    return _parsed(Path(shown), shown, content, "")[0]


def _read(file: Path, shown: str) -> tuple[Migration | None, str]:
    content, problem = read_content(file, python=True)
    return _parsed(file, shown, content, problem)


def _parsed(file: Path, shown: str, content: Content, problem: str) -> tuple[Migration | None, str]:
    source = Source(problem=problem) if problem else read_source(content.text)
    revision = source.values.get("revision")
    if source.problem and not revision:
        match = re.search(_ASSIGNED.format("revision"), content.text)
        revision = match[1] if match else None
    if not isinstance(revision, str) or not revision:
        legacy = _LEGACY.fullmatch(file.name)
        if not legacy or source.problem:
            reason = source.problem or "declares no revision"
            return None, f"{shown} {reason}, so Alembic refuses to load the whole folder"
        revision = legacy["revision"]
    return _migration(revision, file, shown, content, source), (
        f"{shown} {source.problem}, so Alembic refuses to load the whole folder" if source.problem else ""
    )


def _migration(revision: str, file: Path, shown: str, content: Content, source: Source) -> Migration:
    if source.problem:
        match = re.search(_ASSIGNED.format("down_revision"), content.text)
        parents: tuple[str, ...] = (match[1],) if match else ()
    else:
        parents = _texts(source.values.get("down_revision"))
    problem = source.problem
    if not problem and not source.defines("upgrade"):
        defined = ", ".join(f"{name}()" for name in source.functions) or "nothing"
        problem = f"missing 'upgrade' function (it defines {defined})"
    slug = readable(file.stem).removeprefix(revision).strip("_- ")
    return Migration(
        id=revision,
        version=revision,
        name=slug or source.docstring.partition("\n")[0].strip() or revision,
        file=shown,
        content=content,
        language="python",
        parents=parents,
        depends_on=_texts(source.values.get("depends_on")),
        labels=_texts(source.values.get("branch_labels")),
        description=source.docstring.partition("\n")[0].strip(),
        problem=problem,
    )


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,) if value else ()
    if isinstance(value, tuple | list | set | frozenset):
        return tuple(item for item in (sorted(value, key=str) if isinstance(value, set) else value)
                     if isinstance(item, str) and item)  # fmt: skip
    return ()


ADAPTER = Adapter(
    name="alembic",
    table="alembic_version",
    tables=r"(?i)alembic_version.*",
    fits=fits,
    load=load,
    requires=frozenset({"version_num"}),
    keeps="head",
    clock="none",
    fields={"version": "version_num"},
    scripts=r"versions/.+\.py",
)
