"""The audit of a chain alone: its order, its graph, its files, and whether it builds an empty database."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from forensics.case.spec import ScratchSpec
from forensics.comparison.frames import failing
from forensics.conclusions.diagnose import examine
from forensics.conclusions.document import chain_document, finding_document
from forensics.conclusions.equivalence import Failing, failings
from forensics.conclusions.findings import of_the_chain
from forensics.model import Chain, ChainEvidence, Evidence, Finding, Snapshot
from forensics.rules.facts import Facts

Document = dict[str, Any]


def audit(
    sources: Iterable[ChainEvidence],
    *,
    dialect: str = "sqlite",
    cache: Path | None = None,
    trust: bool = False,
    scratch: ScratchSpec | None = None,
) -> Document:
    """Return the document ``forensics/audit/1``: every chain, each followed by those that it keeps as archived.

    No database is read: the chain is replayed from nothing on a scratch database of ``dialect``. A chain that cannot be read at
    all is there with the finding that says why.
    """
    chains: list[Document] = []
    for source in sources:
        chains.append(_audited(source, dialect, cache, trust, scratch, active=True))
        for old in source.chain.archived:
            chains.append(_audited(ChainEvidence(chain=old), dialect, cache, trust, scratch, active=False))
    return {"schema": "forensics/audit/1", "dialect": dialect, "chains": chains}


def _audited(
    source: ChainEvidence, dialect: str, cache: Path | None, trust: bool, scratch: ScratchSpec | None, *, active: bool
) -> Document:
    nothing = Evidence(
        environment=source.chain.name, url=None, dialect=dialect, state="empty", snapshot=Snapshot(dialect=dialect)
    )
    facts = examine(nothing, source, cache=cache, trust=trust, scratch=scratch)
    return _document(facts, of_the_chain(facts), active=active)


def _document(facts: Facts, findings: tuple[Finding, ...], *, active: bool) -> Document:
    chain = facts.chain
    assert chain is not None
    explanation = facts.explanation
    failures = failings(chain, explanation.reference, facts.not_run) if explanation is not None else ()
    shown: Document = {
        "active": active,
        "target": chain.hints.target,
        "beside": [item.version for item in chain.beside],
        "isolation": facts.isolation,
        "caveat": facts.caveat or None,
        "failures": [failing(item) for item in failures],
        "migrations": _migrations(facts, chain, failures),
        "findings": [finding_document(item) for item in findings],
    }
    if explanation is None:
        head = {"name": chain.name, "tool": chain.tool, "path": chain.path, "count": len(chain.migrations)}
        return {**head, "bases": [], "heads": [], "builds_from_empty": None, **shown}
    return {**chain_document(facts), **shown}


def _migrations(facts: Facts, chain: Chain, failures: tuple[Failing, ...]) -> list[Document]:
    """Return the migrations in the order in which they run, each with what its replay from empty came to."""
    failed = {item.migration for item in failures}
    built = facts.explanation.reference if facts.explanation is not None else None
    rows = []
    for item in chain.migrations:
        label = chain.label(item.id)
        if item.id in facts.not_run:
            replay = "not-run"
        elif not item.loadable:
            replay = "unloadable"
        elif built is None:
            replay = "unknown"
        else:
            replay = "fails" if label in failed else "runs"
        rows.append(
            {
                "id": item.id,
                "version": item.version,
                "file": item.file,
                "parents": [chain.label(name) for name in item.parents],
                "depends_on": [chain.label(name) for name in item.depends_on],
                "labels": list(item.labels),
                "replay": replay,
                "changes": len(built.signatures.get(item.id, ())) if built is not None else None,
                "reason": facts.not_run.get(item.id) or item.problem or None,
            }
        )
    return rows
