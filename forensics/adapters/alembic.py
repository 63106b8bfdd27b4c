"""Alembic (and Flask-Migrate): a graph of revisions in ``versions/*.py``, and a tracker that keeps only the heads."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from forensics.adapters.base import Adapter
from forensics.adapters.revisions import arrange
from forensics.adapters.source import Source, read_source
from forensics.content import read_content, readable
from forensics.model import Chain, ChainProblem, Content, Hints, Migration

_FILE = re.compile(r"(?!\.#|__init__)(.*\.py)", re.S)
_LEGACY = re.compile(r"(?P<revision>[a-f0-9]+)\.py")
_ASSIGNED = r"(?m)^{}\s*(?::[^=\n]+)?=\s*['\"]([^'\"\n]+)['\"]"
_MENTIONS = re.compile(r"(?m)^(?:down_)?revision\s*(?::[^=\n]+)?=")


def fits(root: Path) -> int:
    """Count the revision files below the folder; an ``env.py`` or ``alembic.ini`` beside them counts as three more."""
    home, folders = _places(root)
    count = 0
    for folder in folders:
        for path in _files(folder):
            content, problem = read_content(path, python=True)
            count += not problem and bool(_MENTIONS.search(content.text))
    beside = any((place / name).is_file() for place in (home, root) for name in ("env.py", "alembic.ini"))
    return count + 3 * (count > 0 and beside)


def load(root: Path, *, hints: Hints, path: str, name: str) -> Chain:
    """Read the revisions below ``root``: a script folder, its ``versions``, or the folder of an ``alembic.ini``.

    The order is the one in which Alembic runs them. Where a file repeats a revision its id is ``revision@file``.
    ``parents`` are as declared and may name a revision that is not there (problem ``broken-link``).
    """
    home, folders = _places(root)
    found: list[Migration] = []
    problems: list[ChainProblem] = []
    for folder in folders:
        for file in sorted(_files(folder)):
            item, problem = _read(file, _relative(file, home))
            if item is not None:
                found.append(item)
            if problem:
                ids = (item.id,) if item else ()
                problems.append(ChainProblem(cause="unloadable-migration", migrations=ids, detail=problem))
    migrations, graph = arrange(found)
    return Chain(
        name=name,
        tool="alembic",
        path=path,
        root=str(home),
        migrations=migrations,
        problems=(*graph, *problems),
        hints=hints,
    )


def _places(root: Path) -> tuple[Path, tuple[Path, ...]]:
    """Return the script folder and the folders that hold its revisions."""
    if (root / "alembic.ini").is_file() and not (root / "versions").is_dir():
        home, folders = _configured(root / "alembic.ini")
        if folders:
            return home, folders
        for place in (home, root / "alembic", root / "migrations"):
            if (place / "versions").is_dir():
                return place, (place / "versions",)
    if (root / "versions").is_dir():
        return root, (root / "versions",)
    return root, (root,)


def _configured(ini: Path) -> tuple[Path, tuple[Path, ...]]:
    here = ini.parent
    parser = configparser.ConfigParser({"here": str(here)}, interpolation=None, strict=False)
    try:
        parser.read(ini, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError, OSError):
        return here, ()
    values = {key: value.replace("%(here)s", str(here)) for key, value in parser.items("alembic")} if (
        parser.has_section("alembic")
    ) else {}  # fmt: skip
    home = here / values.get("script_location", "").strip()
    separator = {"space": " ", "newline": "\n", "os": ":", ":": ":", ";": ";"}.get(
        values.get("version_path_separator", values.get("path_separator", "")).strip()
    )
    listed = values.get("version_locations", "").strip()
    parts = listed.split(separator) if separator else re.split(r"[,\s]+", listed)
    folders = tuple(here / part.strip() for part in parts if part.strip() and (here / part.strip()).is_dir())
    return home, folders


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if _FILE.fullmatch(path.name) and path.name != "env.py" and (path.is_symlink() or path.is_file()):
            yield path


def _relative(file: Path, home: Path) -> str:
    try:
        return readable(file.relative_to(home).as_posix())
    except ValueError:
        return readable(file.name)


def _read(file: Path, shown: str) -> tuple[Migration | None, str]:
    content, problem = read_content(file, python=True)
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
