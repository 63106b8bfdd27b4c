"""One report from its notebooks: run them, convert them, write the folder. Runs in a process made for it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forensics.errors import ReportError


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one report is made of. ``stem`` names its text files; ``target`` is a folder that is there already.

    ``notebooks`` run one after another with the same ``parameters``, and are kept in ``runs``.
    """

    name: str
    title: str
    notebooks: tuple[str, ...]
    parameters: Mapping[str, Any]
    runs: str
    target: str
    stem: str = "report"


def make(job: Job, *, engine: str | None = None) -> None:
    """Make a report in its folder. ``engine`` is papermill's name of an engine; None starts a kernel a notebook.

    Raises
    ------
    ReportError
        A cell failed or wrote to stderr.
    """
    from forensics.report.convert import check, convert

    executed = []
    for name in job.notebooks:
        notebook = _run(name, job, engine)
        check(notebook, name)
        executed.append(notebook)
    target = Path(job.target)
    for name, content in convert(executed, title=job.title).items():
        path = target / (job.stem + name if name.startswith(".") else name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def seal(folder: Path) -> None:
    """Write ``SHA256SUMS`` of every other file of a folder, in the order of their names."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "SHA256SUMS")
    hashes = [(hashlib.sha256(path.read_bytes()).hexdigest(), path.relative_to(folder).as_posix()) for path in files]
    text = "".join(f"{found}  {name}\n" for found, name in hashes)
    (folder / "SHA256SUMS").write_text(text, encoding="utf-8", newline="\n")


def _run(name: str, job: Job, engine: str | None) -> Any:
    from papermill import execute_notebook
    from papermill.exceptions import PapermillExecutionError

    from forensics.report.convert import failure
    from forensics.report.notebooks import path

    runs = Path(job.runs)
    runs.mkdir(parents=True, exist_ok=True)
    target = runs / f"{name}.ipynb"
    known = {key: value for key, value in job.parameters.items() if key in _parameters(path(name))}
    try:
        return execute_notebook(
            path(name), target, parameters=known, engine_name=engine, kernel_name="python3", progress_bar=False,
            request_save_on_cell_execute=engine is None,
        )  # fmt: skip
    except PapermillExecutionError as error:
        cell = {"source": error.source or ""}
        raise failure(name, error.cell_index, cell, f"failed with {error.ename}", error.evalue) from None
    except OSError as error:
        raise ReportError(f"{target} cannot be written: {error.strerror}", remedy="check rights and space") from None


def _parameters(notebook: Path) -> frozenset[str]:
    """Return the names of a notebook's parameters."""
    from papermill import inspect_notebook

    return frozenset(inspect_notebook(str(notebook)))
