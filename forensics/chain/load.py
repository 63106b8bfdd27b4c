"""A folder of migrations -> `Chain`, with what its repository says about it -> `ChainEvidence`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from forensics.adapters import Adapter, adapters
from forensics.chain.content import readable
from forensics.chain.gitbranches import beyond_head, elsewhere
from forensics.chain.gitlog import read_git, repository
from forensics.chain.neighbours import neighbours
from forensics.chain.sources import scan
from forensics.errors import AmbiguousTool, ChainUnreadable, ForensicsError, UnknownTool
from forensics.model import Chain, ChainEvidence, ChainProblem, FileVersion, Hints

# The files of one tool must outnumber those of every other by this factor before the choice is made for the user.
_CLEARLY = 2
CONFIGURATIONS = ("alembic.ini", "pyproject.toml")


def load_chain(
    path: Path | str,
    *,
    name: str = "main",
    tool: str = "auto",
    archived: Sequence[Path | str] = (),
    hints: Hints | None = None,
    display: str | None = None,
) -> Chain:
    """Read the migrations of a folder as text; nothing is imported or run.

    ``display`` is how reports name the folder (default: ``path`` as given). A file that is wrong is a problem of its
    migration or of the chain; an archived folder that cannot be read is a problem ``unreadable`` of the chain.

    Raises
    ------
    ChainUnreadable
        The folder is missing, not a folder, not readable, or empty.
    UnknownTool, AmbiguousTool
        No adapter fits the files, or several do.
    """
    shown = readable(display or str(path))
    hints = hints or Hints()
    root = _folder(Path(path), shown)
    adapter = _adapter(root, shown, tool)
    try:
        chain = adapter.load(root, hints=hints, path=shown, name=name)
    except OSError as error:
        raise _unreadable(shown, error) from error
    if not chain.migrations and not chain.problems:
        raise ChainUnreadable(
            f"{shown} has no file that {adapter.name} would run; it holds {_listing(root)}",
            remedy="give the folder with the migration files themselves",
        )
    old: list[Chain] = []
    problems = list(chain.problems)
    for item in archived:
        label = _beside(Path(item), Path(path), display) if display else str(item)
        try:
            # An old chain is replayed with what the new one's configuration says, and goes to its own ends.
            own = replace(chain.hints, target="heads")
            old.append(load_chain(item, name=_unused(Path(item).name, old), tool="auto", hints=own, display=label))
        except ForensicsError as error:
            problems.append(ChainProblem(cause="unreadable", migrations=(), detail=f"Archived chain: {error}"))
    return replace(chain, problems=tuple(problems), archived=tuple(old))


def chain_evidence(chain: Chain, *, git: str | Path = "auto", sources: Sequence[Path | str] = ()) -> ChainEvidence:
    """Return the chain with every text its files had in git, and the DDL in the application's code.

    ``git``: ``auto`` looks for a repository around the folder and is content with none, ``none`` leaves it out, and a
    path names a repository or a bundle. What cannot be read becomes an entry of ``problems``;
    nothing is raised.
    """
    versions: tuple[FileVersion, ...] = ()
    beyond: tuple[FileVersion, ...] = ()
    problem = ""
    root = Path(chain.root)
    heads = chain.tool == "alembic"
    files = [item.file for item in chain.migrations if item.file]
    if str(git) == "auto":
        if repository(root) is not None:
            versions, problem = _history(chain, root)
            versions = beyond_head(root, versions)
            beyond = beyond_head(root, elsewhere(root)) if heads else ()
    elif str(git) != "none":
        top = repository(Path(git)) if Path(git).is_dir() else None
        inside = top is not None and root.is_relative_to(top.resolve())
        versions, problem = _history(chain, root) if inside else read_git(Path(git), names=files)
        place = root if inside else Path(git)
        versions = beyond_head(place, versions)
        beyond = beyond_head(place, elsewhere(place, () if inside else files)) if heads else ()
    problems = [f"The git history of the chain {chain.name} was not read: {problem}"] if problem else []
    own = [Path(item.root) for item in (chain, *chain.archived)]
    statements, unread = scan([Path(item) for item in sources], exclude=own)
    return ChainEvidence(
        chain=chain,
        versions=versions,
        sources=statements,
        problems=(*problems, *unread),
        elsewhere=neighbours(chain) if heads else (),
        beyond=beyond,
    )


def _history(chain: Chain, root: Path) -> tuple[tuple[FileVersion, ...], str]:
    """Return what git says of the chain's folder; where its files lie apart, of each folder of theirs alone."""
    folders = sorted({(item.file or "").rpartition("/")[0] for item in chain.migrations})
    script = chain.hints.env_file
    if len(folders) < 2 or not script or Path(script).parent.resolve() == root.resolve():
        return read_git(root)
    found: list[FileVersion] = []
    for folder in folders:
        versions, problem = read_git(root / folder)
        if problem:
            return read_git(root)
        found += [
            replace(item, path=f"{folder}/{item.path}", old_path=item.old_path and f"{folder}/{item.old_path}")
            for item in versions
        ]
    return tuple(sorted(found, key=lambda item: item.at)), ""


def _folder(path: Path, shown: str) -> Path:
    try:
        if path.name in CONFIGURATIONS and path.is_file():
            path = path.parent
        if not path.exists():
            raise ChainUnreadable(
                f"There is no migrations folder {shown}", remedy="check the path in the case file or after --migrations"
            )
        if not path.is_dir():
            raise ChainUnreadable(
                f"{shown} is a file, not a folder of migrations",
                remedy="give the folder that holds the migration files",
            )
        if not any(path.iterdir()):
            raise ChainUnreadable(
                f"The migrations folder {shown} is empty", remedy="give the folder that holds the migration files"
            )
        return path.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        if isinstance(error, ForensicsError):
            raise
        raise _unreadable(shown, error) from error


def _unreadable(shown: str, error: Exception) -> ChainUnreadable:
    reason = getattr(error, "strerror", None) or str(error)
    return ChainUnreadable(
        f"The migrations folder {shown} cannot be read: {reason}", remedy="give this user the right to read it"
    )


def _adapter(root: Path, shown: str, tool: str) -> Adapter:
    known = adapters()
    if tool != "auto":
        if tool not in known:
            raise UnknownTool(
                f"There is no adapter for the tool {tool!r}", remedy=f"use auto or one of: {', '.join(known)}"
            )
        return known[tool]
    try:
        scores = {name: adapter.fits(root) for name, adapter in known.items()}
    except OSError as error:
        raise _unreadable(shown, error) from error
    return known[_best(scores, root, shown)]


def _best(scores: Mapping[str, int], root: Path, shown: str) -> str:
    ranked = sorted((name for name, score in scores.items() if score > 0), key=lambda name: -scores[name])
    if not ranked:
        raise UnknownTool(
            f"No known migration tool fits the files in {shown}, which holds {_listing(root)}",
            remedy=f"give the folder with the migration files themselves, or name the tool: {', '.join(scores)}",
        )
    if len(ranked) > 1 and scores[ranked[0]] < _CLEARLY * scores[ranked[1]]:
        fits = ", ".join(f"{name} ({scores[name]} files)" for name in ranked)
        raise AmbiguousTool(f"Several migration tools fit {shown}: {fits}", remedy="name one as tool (--tool)")
    return ranked[0]


def _listing(root: Path) -> str:
    names = sorted(repr(item.name + "/" * item.is_dir()) for item in root.iterdir())
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _unused(name: str, chains: Sequence[Chain]) -> str:
    taken = {chain.name for chain in chains}
    number = 2
    unique = name
    while unique in taken:
        unique = f"{name}-{number}"
        number += 1
    return unique


def _beside(item: Path, path: Path, display: str | None) -> str:
    # The archived folder as it looks from where the user named the main one, so that no absolute path is shown.
    base, shown = path.absolute(), Path(display or "")
    if not item.is_absolute() or base.parts[len(base.parts) - len(shown.parts) :] != shown.parts:
        return item.as_posix() if not item.is_absolute() else item.name
    return Path(os.path.relpath(item, Path(*base.parts[: len(base.parts) - len(shown.parts)]))).as_posix()
