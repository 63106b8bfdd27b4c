"""The ways in: a case file, or one database and one folder of migrations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forensics.acquire import locate_database
from forensics.case.file import load as load_case
from forensics.case.file import without_file
from forensics.case.workspace import Workspace
from forensics.errors import AcquisitionError, DatabaseMissing, UsageError
from forensics.model import Hints
from forensics.session import Case, Environment, Progress

if TYPE_CHECKING:
    from forensics.diagnosis import Diagnosis


def open_case(
    source: str | Path | None = None,
    *,
    evidence: str | Path | bool | None = None,
    trust: bool = False,
    progress: Progress | None = None,
) -> Case:
    """Open a case file: a path, a folder that holds one, or ``sample:NAME``; default ``forensics.toml`` here.

    With ``evidence`` no database is touched: True takes what was last acquired, a folder takes what it holds. Raises
    `CaseError` where the file is missing or wrong.
    """
    lent = _lent.get((str(source), str(evidence), trust))
    if lent is not None:
        return lent
    file = load_case(source)
    if evidence is True:
        return Case(file, evidence=Workspace(file).evidence, trust=trust, progress=progress)
    folder = Path(evidence) if evidence else None
    if folder is not None and not folder.is_dir():
        raise UsageError(
            f"there is no folder of evidence {folder}",
            remedy="check the path after --evidence; environments go before it",
        )
    return Case(file, evidence=folder, trust=trust, progress=progress)


def lend(source: str, *, evidence: str, trust: bool = False) -> Case:
    """Open a case for everything in this process: `open_case` with these arguments returns it from now on.

    This is for a process that makes reports from saved evidence: each notebook opens the case, and nothing changes
    between them.
    """
    case = _lent[source, evidence, trust] = open_case(source, evidence=evidence, trust=trust)
    return case


_lent: dict[tuple[str, str, bool], Case] = {}


def diagnose(
    database: str | Path,
    *,
    migrations: str | Path,
    archived: Sequence[str | Path] = (),
    tool: str = "auto",
    logs: Sequence[str | Path] = (),
    name: str = "",
    trust: bool = False,
    hints: Hints | None = None,
) -> Diagnosis:
    """Diagnose one database against a folder of migrations, without a case file.

    Read-only: no byte in or beside the database changes. ``database`` is a path or an SQLite URL.

    Raises
    ------
    DatabaseMissing
        There is no such file.
    UnknownTool, AmbiguousTool
        No migration tool fits the folder, or several do.
    """
    return adhoc(
        str(database), migrations=str(migrations), archived=[str(item) for item in archived], tool=tool,
        logs=[str(item) for item in logs], name=name, trust=trust, hints=hints,
    ).diagnosis  # fmt: skip


def adhoc(database: str, *, migrations: str, trust: bool = False, **options: Any) -> Environment:
    """Return the one environment of a case without a file. Raises `DatabaseMissing` where there is no such file."""
    case = Case(without_file(database, migrations=migrations, **options), trust=trust)
    (environment,) = case.environments
    try:
        locate_database(environment.spec)
    except DatabaseMissing:
        raise
    except AcquisitionError:
        # Anything else that is wrong with the database is part of its diagnosis.
        return environment
    return environment
