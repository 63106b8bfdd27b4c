"""Environments by pattern: ``data/{env}/app.db`` finds the files, ``{env}`` becomes the name."""

from __future__ import annotations

import glob
import re
from pathlib import Path

from forensics.errors import CaseError

_PART = "{env}"


def discovered(pattern: str, root: Path) -> list[tuple[str, str]]:
    """Return name and path (as the pattern spells it) of each file that a pattern finds, sorted by name.

    ``{env}`` stands for one part of a path or a piece of it; it may stand twice and then means the same both times.
    ``*`` and ``?`` work as in a shell. Journals beside a database are left out. Raises `CaseError` for a pattern
    without ``{env}``, and for two files with one name.
    """
    if _PART not in pattern:
        raise CaseError("fleet.glob has no {env}", remedy='write for example glob = "data/{env}/app.db"')
    matcher = _matcher(pattern)
    found: dict[str, str] = {}
    for path in sorted(glob.glob(pattern.replace(_PART, "*"), root_dir=root)):
        match = matcher.fullmatch(path)
        if match is None or path.endswith(("-wal", "-shm", "-journal")) or not (root / path).is_file():
            continue
        name = match["env"]
        if name in found:
            raise CaseError(
                f"fleet.glob finds two files for environment {name!r}: {found[name]} and {path}",
                remedy="make the pattern narrower, or list them under [environments]",
            )
        found[name] = path
    return sorted(found.items())


def _matcher(pattern: str) -> re.Pattern[str]:
    parts: list[str] = []
    for piece in re.split(r"(\{env\}|\*|\?)", pattern):
        if piece == _PART:
            parts.append("(?P=env)" if any("(?P<env>" in part for part in parts) else r"(?P<env>[^/]+)")
        else:
            parts.append({"*": "[^/]*", "?": "[^/]"}.get(piece, re.escape(piece)))
    return re.compile("".join(parts), re.DOTALL)
