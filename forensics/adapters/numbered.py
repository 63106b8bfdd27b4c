"""Home-grown managers: a folder of ``NNN_name.sql`` and ``NNN_name.py``, and a tracker with a row for each number."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from forensics.adapters.base import Adapter
from forensics.adapters.source import Source, read_source
from forensics.chain.content import read_content, readable
from forensics.model import Chain, ChainProblem, Hints, Migration

_FILE = re.compile(r"(?P<version>\d+)(?:[ _.-]+(?P<name>.*?))?(?:[._]up)?\.(?P<kind>sql|py)", re.I | re.S)
_NOT_FORWARD = re.compile(r"[._-](?:down|rollback|undo|revert)(?: \d+)?\.(?:sql|py)$", re.I)
_ENTRIES = ("upgrade", "up", "migrate", "apply", "run", "forward", "forwards", "execute")
_DECORATION = re.compile(r"[\W_]*")

VERSION = (
    "version", "migration_version", "schema_version", "version_num", "version_number", "version_id", "migration",
    "migration_id", "migration_name", "revision", "patch", "script", "script_name", "filename", "file_name", "file",
    "migration_file", "number", "change", "change_id",
)  # fmt: skip
LOOSE_VERSION = ("name", "title", "key", "id")
APPLIED = (
    "applied_at", "applied_on", "applied", "applied_time", "applied_date", "date_applied", "time_applied",
    "executed_at", "executed_on", "executed", "execution_date", "migrated_at", "migrated_on", "migration_time",
    "run_at", "run_on", "ran_at", "ran_on", "installed_at", "installed_on", "completed_at", "finished_at",
    "recorded_at", "applied_at_utc",
)  # fmt: skip
LOOSE_APPLIED = ("created_at", "created_on", "created", "inserted_at", "timestamp", "datetime", "date", "time", "at")
DESCRIPTION = ("description", "descr", "comment", "comments", "note", "notes", "message", "summary")
CHECKSUM = ("checksum", "hash", "md5", "sha1", "sha256", "file_hash", "digest", "content_hash")
SUCCESS = ("success", "succeeded", "status", "state", "is_applied")
OTHER = (
    "execution_time", "execution_time_ms", "execution_ms", "duration", "duration_ms", "elapsed", "elapsed_ms", "batch",
    "applied_by", "executed_by", "installed_by", "run_by", "actor", "user", "username", "author", "hostname", "host",
    "error", "error_message", "type", "direction", "rolled_back_at", "rollback_sql", "updated_at", "started_at",
)  # fmt: skip
_TRACKER_NAMES = (
    r"(?i).*(?:migrat|schema_?(?:version|histor|change|patch|revision|update|upgrade|info|log)"
    r"|version_?(?:history|log|info)|(?:db|database|sql)_?(?:version|revision|patch|change|update|upgrade|histor)).*"
    r"|_*(?:versions?|revisions?|patches|change_?logs?|patch_?logs?|applied_?(?:patches|versions|scripts|changes))"
)


def fits(root: Path) -> int:
    """Count the files of the folder that a numbered manager would run."""
    count = 0
    for path in _files(root):
        if path.suffix.casefold() == ".py":
            text = read_content(path, python=True)[0].text
            source = read_source(text)
            # A module of classes or of bare revision identifiers belongs to a tool that loads it in another way.
            if "down_revision" in source.names or (source.classes and not source.functions):
                continue
        count += 1
    return count


def load(root: Path, *, hints: Hints, path: str, name: str) -> Chain:
    """Read the numbered files directly inside ``root``.

    The order is that of the numbers; of equal ones Python comes first, then the name decides. The returned hints have
    the entry function that this chain's Python files really use.
    """
    paths = sorted(_files(root), key=_key)
    sources: dict[Path, Source] = {}
    contents = {}
    for item in paths:
        python = item.suffix.casefold() == ".py"
        contents[item] = read_content(item, python=python)
        if python and not contents[item][1]:
            sources[item] = read_source(contents[item][0].text)
    entry = hints.entry or _entry(tuple(sources.values()))
    stems = Counter(item.stem for item in paths)
    migrations: list[Migration] = []
    for item in paths:
        match = _FILE.fullmatch(item.name)
        assert match is not None
        text, problem = contents[item]
        source = sources.get(item)
        migrations.append(
            Migration(
                id=readable(item.stem if stems[item.stem] == 1 else item.name),
                version=match["version"],
                name=readable(match["name"] or match["version"]),
                file=readable(item.name),
                content=text,
                language="python" if match["kind"].casefold() == "py" else "sql",
                parents=(migrations[-1].id,) if migrations else (),
                description=_described(source) if source else comment_line(text.text),
                problem=problem or (_unloadable(source, entry) if source else ""),
                entry=_own_entry(source, entry) if source else "",
            )
        )
    return Chain(
        name=name,
        tool="numbered",
        path=path,
        root=str(root),
        migrations=tuple(migrations),
        problems=tuple(_duplicates(migrations)),
        hints=dataclasses.replace(hints, entry=entry),
    )


def comment_line(text: str) -> str:
    """Return the first ``--`` line of a script that says something, or an empty string."""
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("--") and not _DECORATION.fullmatch(line):
            return line.lstrip("-").strip()
    return ""


def _files(root: Path) -> Iterator[Path]:
    for path in root.iterdir():
        if _FILE.fullmatch(path.name) and not _NOT_FORWARD.search(path.name) and (path.is_symlink() or path.is_file()):
            yield path


def _key(path: Path) -> tuple[int, bool, str]:
    match = _FILE.fullmatch(path.name)
    assert match is not None
    # By stem, so that a copy (`004_fix 2.sql`) comes after its original (`004_fix.sql`).
    return (int(match["version"]), match["kind"].casefold() == "sql", path.stem)


def _entry(sources: Sequence[Source]) -> str:
    parsed = [source for source in sources if not source.problem]
    counts = Counter(name for source in parsed for name in _ENTRIES if name in source.names)
    best = max(_ENTRIES, key=lambda name: (counts[name], name == "upgrade"), default="upgrade")
    return best if 2 * counts[best] > len(parsed) else "upgrade"


def _own_entry(source: Source, entry: str) -> str:
    # What a person would call who runs the file by hand because the manager cannot.
    return "" if source.defines(entry) else next((name for name in _ENTRIES if name in source.functions), "")


def _unloadable(source: Source, entry: str) -> str:
    if source.problem or source.defines(entry):
        return source.problem
    defined = [f"{name}()" for name in source.functions] + [f"class {name}" for name in source.classes]
    return f"missing '{entry}' function (it defines {', '.join(defined) or 'nothing'})"


def _described(source: Source) -> str:
    for name in ("DESCRIPTION", "description"):
        value = source.values.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return source.docstring.partition("\n")[0].strip()


def _duplicates(migrations: Sequence[Migration]) -> Iterator[ChainProblem]:
    by_version: dict[str, list[Migration]] = {}
    for item in migrations:
        by_version.setdefault(item.version, []).append(item)
    for version, group in by_version.items():
        if len(group) > 1:
            files = ", ".join(item.file or item.id for item in group)
            detail = f"{len(group)} files claim version {version}: {files}"
            texts: dict[str, list[str]] = {}
            for item in group:
                texts.setdefault(item.content.sha256, []).append(item.file or item.id)
            for same in texts.values():
                if len(same) > 1:
                    detail += f"; the same bytes: {', '.join(same)}"
            yield ChainProblem(cause="duplicate-version", migrations=tuple(item.id for item in group), detail=detail)


ADAPTER = Adapter(
    name="numbered",
    table="schema_versions",
    tables=_TRACKER_NAMES,
    fits=fits,
    load=load,
    forbids=frozenset({"dirty", "installed_rank", "app", "version_rank", "tag", "applied_steps_count"}),
    order=("id",),
    fields={
        "version": VERSION + LOOSE_VERSION,
        "recorded_at": APPLIED + LOOSE_APPLIED,
        "description": (*DESCRIPTION, "name", "title"),
        "checksum": CHECKSUM,
        "success": SUCCESS,
    },
    scripts=r"\d+_.+\.(sql|py)",
    guessed=True,
)
