"""The notebooks: where they are, and what of an executed one a report shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from forensics.errors import ReportError

NAMES = ("root_cause", "timeline", "fleet")
ONLY_INTERACTIVE = "interactive"
_HEADING = re.compile(r"(#{1,6})\s")


def folder() -> Path:
    """Return the folder of the notebooks: in the checkout, or where the package is installed."""
    package = Path(__file__).resolve().parents[1]
    for found in (package.parent / "notebooks", package / "notebooks"):
        if all((found / f"{name}.ipynb").is_file() for name in NAMES):
            return found
    raise ReportError("the notebooks are missing from this installation", remedy="install migration-forensics again")


def path(name: str) -> Path:
    """Return the path of one notebook."""
    return folder() / f"{name}.ipynb"


def shown(notebook: Any) -> list[Any]:
    """Return the cells of an executed notebook that a report shows.

    Without those meant for people at work in the notebook, without the parameters, and without a heading that has
    nothing below it.
    """
    cells = [
        cell
        for cell in notebook.cells
        if ONLY_INTERACTIVE not in cell.metadata.get("tags", ()) and (cell.cell_type == "markdown" or cell.outputs)
    ]
    return [cell for place, cell in enumerate(cells) if cell.cell_type != "markdown" or _filled(cells, place)]


def _filled(cells: list[Any], place: int) -> bool:
    """Return whether anything but headings stands between this heading and the next one of its level or above."""
    level = _level(cells[place])
    for cell in cells[place + 1 :]:
        if cell.cell_type == "code":
            return True
        if _level(cell) <= level:
            return False
    return False


def _level(cell: Any) -> int:
    match = _HEADING.match(cell.source)
    return len(match[1]) if match else 7
