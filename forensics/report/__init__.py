"""Reports: the notebooks, run for each environment, as Markdown, self-contained HTML and figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forensics.session import Case

__all__ = ["report"]


def report(
    case: Case,
    environments: Iterable[str] | None = None,
    *,
    output: str | Path = "reports",
    jobs: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> list[Path]:
    """Write the reports of these environments (default: all, and the index of the fleet) and return their folders.

    ``output/<case>/<environment>/`` holds ``report.md``, ``report.html``, ``figures/``, ``findings.json``,
    ``timeline.csv``, ``timeline.jsonl`` and ``SHA256SUMS``. A folder is replaced as a whole, so a run that fails leaves
    the old report. The same evidence gives the same bytes. ``jobs`` is how many are made at once (default: 2);
    ``progress`` is called with the name of each environment whose report is there.

    Raises
    ------
    ReportError
        A notebook failed or wrote to stderr: it names the notebook, the cell and the last lines.
    """
    from forensics.report.press import publish

    return publish(case, environments, output=Path(output), jobs=jobs, progress=progress)
