"""What ``env.py`` says, taken as hints where the case file has none, and only where something needs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from forensics.explain.compare import changed
from forensics.explain.engine import renames
from forensics.explain.reference import Reference
from forensics.explain.story import State
from forensics.model import Chain, Hints
from forensics.replay.lab import Harvest

_CONSTRAINTS = frozenset({"primary_key", "foreign_key", "unique", "check"})


def wanted(chain: Chain, built: Reference, live: State) -> bool:
    """Whether the arguments of ``configure()`` could change anything: the replay fails, or generated names differ."""
    if chain.tool != "alembic" or chain.hints.env_py != "harvest" or not chain.hints.env_file:
        return False
    return bool(built.failures) or bool(renames(built.final, live)) or _names_differ(built.final, live)


def _names_differ(final: State, live: State) -> bool:
    return any(
        was is not None
        and now is not None
        and was.kind in _CONSTRAINTS
        and was.meaning == now.meaning
        and dict(was.trace).get("name") != dict(now.trace).get("name")
        for name in final.keys() & live.keys()
        for _key, was, now in changed(final[name], live[name])
    )


def with_harvest(hints: Hints, found: Harvest) -> Hints:
    """Return the hints, completed by what ``env.py`` says; the case file comes first."""
    said = dict(found.arguments)
    added: dict[str, object] = {}
    convention = said.get("naming_convention")
    if not hints.naming_convention and convention:
        added["naming_convention"] = tuple(sorted(convention.items())) if isinstance(convention, Mapping) else convention
    if not hints.version_table and (said.get("version_table") or said.get("version_table_schema")):
        parts = (said.get("version_table_schema"), said.get("version_table") or "alembic_version")
        added["version_table"] = ".".join(str(part) for part in parts if part)
    if not hints.transaction and isinstance(said.get("transaction_per_migration"), bool):
        added["transaction"] = "per-migration" if said["transaction_per_migration"] else "single"
    if not hints.driver and said.get("driver"):
        added["driver"] = str(said["driver"])
    return replace(hints, **added)  # type: ignore[arg-type]
