"""The case file: where the migrations are, which databases exist, and what other evidence there is.

Reading it opens no database and starts nothing. Paths in it are relative to the file. What is wrong in it raises
`CaseError` with the place and the way out, save for one thing: an environment whose ``${VAR}`` is not set is kept with
its ``problem``, so that the others can still be looked at.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

from forensics.case.criteria import KEYS, criterion
from forensics.case.environments import environments, zones_of
from forensics.case.hints import CHAIN_KEYS, chain_hints
from forensics.case.keys import Table, expand, nearest
from forensics.case.lending import scratch
from forensics.case.spec import CaseFile, ChainSpec, Criterion, EnvironmentSpec, Zones
from forensics.clock import instant
from forensics.errors import CaseError
from forensics.model import Event, Hints, digest
from forensics.redact import redact_text, redact_url

__all__ = [
    "CaseFile", "ChainSpec", "Criterion", "EnvironmentSpec", "Zones", "folder_name", "load", "sample_folders",
    "without_file",
]  # fmt: skip

DEFAULT_NAME = "forensics.toml"
_TRACKER_FIELDS = (
    "table", "version", "applied_at", "description", "checksum", "success", "name", "order", "id",
)  # fmt: skip


def load(source: str | Path | None = None) -> CaseFile:
    """Read a case file: a path, a folder that holds one, ``sample:NAME``, or ``forensics.toml`` in this folder."""
    path = _locate(source)
    try:
        data = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise CaseError(f"there is no case file {source or DEFAULT_NAME!s}", remedy=_no_case_file(source)) from None
    except tomllib.TOMLDecodeError as error:
        raise CaseError(f"{path.name} is not valid TOML: {error}", remedy="correct that line") from None
    except UnicodeDecodeError as error:
        raise CaseError(f"{path.name} is not UTF-8 text (byte {error.start})", remedy="save it as UTF-8") from None
    except OSError as error:
        raise CaseError(f"{path} cannot be read: {error.strerror}", remedy="check the path and its rights") from None
    return _case(Table(data, "", ("case", "chains", "environments", "fleet", "events", "criteria", "scratch")), path)


def without_file(
    database: str,
    *,
    migrations: str,
    archived: Iterable[str] = (),
    tool: str = "auto",
    logs: Iterable[str] = (),
    name: str = "",
    hints: Hints | None = None,
) -> CaseFile:
    """Return the case of one database and one folder of migrations, without any case file.

    ``database`` is a path or a URL; paths are relative to the current folder. The environment is called ``name``, or
    like the file.
    """
    root = Path.cwd()
    url = database if "://" in database else f"sqlite:///{database}"
    label = name or re.split(r"[/\\]", redact_url(url).split("?")[0].rstrip("/"))[-1].rsplit(".", 1)[0] or "database"
    return CaseFile(
        title=label,
        name=folder_name(label),
        root=root,
        chains=(
            ChainSpec(
                name="main", path=migrations, root=root, tool=tool, archived=tuple(archived), hints=hints or Hints()
            ),
        ),
        environments=(
            EnvironmentSpec(
                name=label, root=root, url=redact_url(url), address=url, chain="main", logs=tuple(logs)
            ),
        ),
    )  # fmt: skip


def folder_name(name: str) -> str:
    """Return a name that is one safe path component: itself where it is one, else cleaned and made unique."""
    clean = re.sub(r"[^\w.-]+", "-", name).strip("-.")[:80]
    return name if name and clean == name else f"{clean or 'x'}-{digest(name)[:8]}"


def _locate(source: str | Path | None) -> Path:
    text = str(source or DEFAULT_NAME)
    if text.startswith("sample:"):
        name = text.removeprefix("sample:")
        folders = sample_folders()
        for folder in folders:
            if folder.name == name:
                return folder / DEFAULT_NAME
        raise CaseError(f"there is no sample case {name!r}", remedy=nearest(name, [item.name for item in folders]))
    path = Path(text).expanduser()
    return path / DEFAULT_NAME if path.is_dir() else path


def sample_folders() -> list[Path]:
    """Return the folders of the sample cases, in the checkout or wherever the package is installed."""
    package = Path(__file__).resolve().parents[1]
    for samples in (package.parent / "data_samples", package / "data_samples"):
        found = sorted(item.parent for item in samples.glob(f"*/{DEFAULT_NAME}"))
        if found:
            return found
    return []


def _no_case_file(source: str | Path | None) -> str:
    if source is None:
        return "name one with --case FILE (or --case sample:architect), or use diagnose --db URL --migrations DIR"
    return "check the path given with --case"


def _case(top: Table, path: Path) -> CaseFile:
    root = path.resolve().parent
    head = top.table("case", ("title", "incident", "timezone"))
    zones = zones_of(head, Zones())
    chains = tuple(_chain(top.table("chains").table(name, CHAIN_KEYS), name, root) for name in top.table("chains"))
    if not chains:
        raise CaseError(f"{path.name} names no migrations", remedy='add [chains.main] with path = "migrations"')
    specs = environments(top, root, zones, chains)
    if not specs:
        raise CaseError(f"{path.name} names no database", remedy="add [environments.NAME] with a url, or [fleet]")
    return CaseFile(
        title=head.text("title") or root.name,
        name=folder_name(root.name or "case"),
        root=root,
        path=path.resolve(),
        incident=head.text("incident"),
        zones=zones,
        chains=chains,
        environments=specs,
        events=_events(top, zones, path.name),
        criteria=tuple(
            criterion(item, zones, [spec.name for spec in specs]) for item in top.tables("criteria", KEYS)
        ),
        scratch=scratch(top.table("scratch", ("bin", "postgresql")), root, specs),
    )  # fmt: skip


def _chain(table: Table, name: str, root: Path) -> ChainSpec:
    return ChainSpec(
        name=name,
        path=expand(table.required("path"), table.where("path")),
        root=root,
        tool=table.text("tool", "auto"),
        archived=tuple(expand(item, table.where("archived")) for item in table.texts("archived")),
        git=expand(table.text("git", "auto"), table.where("git")),
        tracker=table.pairs("tracker", _TRACKER_FIELDS),
        hints=chain_hints(table, root),
        apps=table.texts("apps"),
        settings=table.text("settings"),
    )


def _events(top: Table, zones: Zones, file: str) -> tuple[Event, ...]:
    found = []
    for number, item in enumerate(top.tables("events", ("at", "actor", "text", "environment")), 1):
        moment = instant(item.raw("at"), zones.events)
        if moment is None and "at" in item:
            raise CaseError(f"{item.where('at')} is not a time", remedy="write it as 2026-02-10T12:00:00Z")
        found.append(
            Event(
                at=moment.at if moment else None,
                source="human",
                message=redact_text(item.required("text")),
                ref=f"{file} events[{number}]",
                actor=item.text("actor"),
                assumed=moment.assumed if moment else "",
                precision=moment.precision if moment else 1.0,
                environment=item.text("environment"),
            )
        )
    return tuple(found)
