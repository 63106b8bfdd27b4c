"""The chains of the two samples, as they lie in `data_samples`."""

from __future__ import annotations

from pathlib import Path

from benchmarks.accuracy.source import Source

HOME = Path(__file__).resolve().parents[3] / "data_samples"
# What does not run on an empty database (it needs tables of the application, or is wrong by the sample's story) is left out.
LEFT_OUT = (
    "003_autopilot_core", "004_fix_milestones_schema", "008_teams", "018_run_status", "022_session_regions", "030_backfill",
)  # fmt: skip
SOURCES = (
    ("architect", "architect/migrations", "numbered", "sqlite"),
    ("aideator-archive", "aideator/alembic/versions_archive", "alembic", "postgresql"),
)


def chains() -> tuple[Source, ...]:
    """Return the chains of the samples that are there."""
    found = []
    for name, folder, tool, dialect in SOURCES:
        files = {
            path.name: path.read_text(encoding="utf-8")
            for path in sorted((HOME / folder).glob("*"))
            if path.suffix in (".sql", ".py") and not path.name.startswith(LEFT_OUT)
        }
        if files:
            hints = {"sys_path": (str(HOME / "aideator"),)} if tool == "alembic" else {}
            found.append(Source(name=name, files=files, tool=tool, dialect=dialect, hints=hints))
    return tuple(found)
