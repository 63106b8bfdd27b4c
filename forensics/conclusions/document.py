"""The contract's JSON documents: ``forensics/diagnosis/1`` and ``forensics/fleet/1``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from forensics.clock import iso
from forensics.conclusions.abroad import foreign, leaving
from forensics.conclusions.criteria import tally
from forensics.conclusions.groups import groups
from forensics.conclusions.hypotheses import hypotheses
from forensics.conclusions.plan import plan
from forensics.conclusions.telling import logs, moments
from forensics.explain.engine import Explanation
from forensics.explain.foresee import Failure
from forensics.explain.story import Outside, Run, Told
from forensics.explain.votes import Effects
from forensics.model import Finding, History, Migration
from forensics.rules.advice import first_stop
from forensics.rules.facts import Facts, change_refs
from forensics.rules.manual_change import step_refs

Document = dict[str, Any]


def document(facts: Facts, findings: Sequence[Finding]) -> Document:
    """Return the document of one environment. All lists have a fixed order; the same facts give the same document."""
    evidence, snapshot = facts.evidence, facts.evidence.snapshot
    explanation = facts.explanation
    live = (
        snapshot.without(frozenset((item.table or "").casefold() for item in evidence.histories)) if snapshot else None
    )
    state = _state(facts, findings)
    # Of a database that tells nothing nothing is told but what was found.
    told = explanation is not None and state not in ("not-initialised", "unreadable")
    failures = [_failure(facts, item) for item in explanation.failures] if explanation and told else []
    return {
        "schema": "forensics/diagnosis/1",
        "environment": {
            "name": evidence.environment,
            "url": evidence.url,
            "dialect": evidence.dialect,
            "server_version": snapshot.server_version if snapshot else None,
            "state": state,
            "fingerprint": live.fingerprint if live else None,
            "layout": live.layout if live else None,
        },
        "tracker": _tracker(facts.history) if evidence.state != "unreadable" else {},
        "trackers": [_tracker(item) for item in evidence.histories[1:]],
        "chain": chain_document(facts) if told else {},
        "migrations": [_migration(facts, item) for item in facts.migrations] if told and facts.judged else [],
        "findings": [finding_document(item) for item in findings],
        "explanation": _story(facts) if told else {},
        "next_failure": next(
            (item for item in failures if item["when"] == "next-run"), None if told else {}
        ),
        "failures": failures,
        "first_run": _first_run(facts),
        "criteria": [],
        "plan": plan(facts, findings),
        "foreign": foreign(facts) if told else [],
        "way_out": leaving(facts) if told else None,
        "logs": logs(facts),
    }


def _first_run(facts: Facts) -> Document | None:
    """Return where the first run stops in a database whose tracker holds nothing, or that it goes through."""
    if facts.explanation is None or facts.history.rows or facts.chain is None or not facts.chain.migrations:
        return None
    begins = facts.chain.migrations[0]
    stop = first_stop(facts)
    return {"begins": begins.version, "stops": _failure(facts, stop) if stop else None}


def _state(facts: Facts, findings: Sequence[Finding]) -> str:
    if facts.evidence.state == "unreadable":
        return "unreadable"
    causes = {item.cause for item in findings}
    if "uninitialised" in causes:
        return "not-initialised"
    if facts.explanation is None:
        return "unreadable" if "unreadable" in causes else "ok"
    own = [item for item in findings if item.scope == "environment" and item.severity != "info"]
    # Where equally good stories part, the cause is a warning, but none of them says that all is well.
    if any(item.severity in ("critical", "error") or item.alternatives for item in own):
        return "needs-fixing"
    return "pending" if facts.pending else "ok"


def _tracker(history: History) -> Document:
    return {
        "tool": history.tool,
        "table": history.table,
        "state": history.state,
        "recorded": list(dict.fromkeys(history.versions)),
    }


def chain_document(facts: Facts) -> Document:
    """Return what documents say of the chain: its ends, and whether it builds an empty database."""
    chain = facts.chain
    assert chain is not None
    built = facts.explanation.reference if facts.explanation else None
    linear = chain.tool == "numbered" and chain.migrations
    shown: Document = {
        "name": chain.name,
        "tool": chain.tool,
        "path": chain.path,
        "count": len(chain.migrations),
        "bases": [chain.label(chain.migrations[0].id)] if linear else [chain.label(item) for item in chain.bases],
        "heads": [chain.label(chain.migrations[-1].id)] if linear else [chain.label(item) for item in chain.heads],
        "builds_from_empty": None
        if built is None or facts.not_run
        else not built.failures and all(item.loadable for item in chain.migrations),
    }
    if facts.harvest is not None:
        shown["harvested"] = {"arguments": dict(facts.harvest.arguments), "error": facts.harvest.error or None}
    return shown


def _migration(facts: Facts, item: Migration) -> Document:
    judged = facts.judged[item.id]
    executed, basis = facts.answer(item.id)
    rows = [match.row for match in facts.rows(item.id)]
    own = [row for row in rows if row.version == item.version]
    recorded = item.id in facts.recorded
    at = next((row.recorded_at for row in own if row.recorded_at), None) if recorded else None
    return {
        "id": item.id,
        "version": item.version,
        "name": item.name,
        "file": item.file,
        "content": {"sha256": item.content.sha256, "origin": _origin(item.content.origin)},
        "recorded": recorded,
        "recorded_at": iso(at) if at else None,
        "executed": executed,
        "basis": basis,
        "effects": asdict(judged.effects) if isinstance(judged.effects, Effects) else {},
        "copy_of": facts.explanation.copies().get(item.id) if facts.explanation else None,
    }


def _origin(origin: str) -> str:
    return origin[:44] if origin.startswith("git:") else origin


def finding_document(item: Finding) -> Document:
    """Return one finding as documents have it."""
    shown: Document = {
        "id": item.id,
        "cause": item.cause,
        "scope": item.scope,
        "severity": item.severity,
        "migrations": list(item.migrations),
        "objects": [asdict(ref) for ref in item.objects],
        "summary": item.summary,
        "evidence": [_proof(proof) for proof in item.evidence],
        "evidence_against": [_proof(proof) for proof in item.evidence_against],
        "confidence": item.confidence,
        "would_overturn": item.would_overturn,
        "contributing": list(item.contributing),
        "alternatives": list(item.alternatives),
        "remedy": item.remedy,
        "prevention": item.prevention,
    }
    if item.origin:
        shown["origin"] = item.origin
    return shown


def _proof(proof: Any) -> Document:
    return {key: value for key, value in asdict(proof).items() if value or key != "ref"}


def _story(facts: Facts) -> Document:
    """Return the story: another chain's, named, where that explains the live schema better than the active one."""
    told = facts.story
    if told.explanation is None or not told.explanation.subject.live:
        return {}
    story = _explanation(told, told.explanation)
    return story if told is facts or told.chain is None else {**story, "chain": told.chain.path}


def _explanation(facts: Facts, explanation: Explanation) -> Document:
    steps: list[Document] = []
    outside: list[Document] = []
    told = [line for line in explanation.played.told if line.changed or not line.error]
    at = 0
    state: dict[str, Any] = {}
    while at < len(told):
        line = told[at]
        if isinstance(line.step, Run):
            steps.append(_step(facts, explanation, line))
            _apply(state, line)
            at += 1
            continue
        block = [line]
        while at + len(block) < len(told) and _same_block(told[at + len(block)], line):
            block.append(told[at + len(block)])
        following = next((item.step.migration for item in told[at + len(block) :] if isinstance(item.step, Run)), None)
        objects = []
        for item in block:
            objects += [asdict(ref) for ref in step_refs(state, item.changed)]
            _apply(state, item)
        steps.append({"outside": len(outside)})
        outside.append(
            {
                "before": facts.label(following) if following else None,
                "origin": line.step.origin,
                "objects": objects,
                "ddl": [text for item in block if isinstance(item.step, Outside) for text in item.step.ddl],
            }
        )
        at += len(block)
    return {
        "steps": steps,
        "executed": list(facts.labels(name for name in facts.judged if facts.answer(name)[0] == "yes")),
        "partial": list(facts.labels(name for name in facts.judged if facts.answer(name)[0] == "partial")),
        "outside": outside,
        "residual": [asdict(ref) for ref in change_refs(explanation.residual)],
        "reconstructed": explanation.reconstructed,
        "baseline": {"residual": explanation.baseline},
        "ties": [_tie(facts, explanation, item) for item in explanation.ties],
        "hypotheses": hypotheses(facts, explanation),
        "scratch": {
            "server_version": explanation.search.player.lab.server_version,
            "isolation": facts.isolation,
            "server": "none" if facts.isolation == "none" else "lent" if facts.lent else "private",
            "caveat": facts.caveat or None,
        },
    }


def _same_block(line: Told, first: Told) -> bool:
    return isinstance(line.step, Outside) and isinstance(first.step, Outside) and line.step.origin == first.step.origin


def _apply(state: dict[str, Any], line: Told) -> None:
    for name, group in line.changed:
        if group is None:
            state.pop(name, None)
        else:
            state[name] = group


def _step(facts: Facts, explanation: Explanation, line: Told) -> Document:
    assert isinstance(line.step, Run)
    migration = explanation.search.player.contents[line.step.migration]
    step: Document = {"migration": facts.label(migration.id)}
    if line.status == "partial":
        step["statements"] = list(line.step.statements or range(1, line.done + 1))
        if line.total is not None:
            step["of"] = line.total
    if migration.language != "sql" or migration.file is None or migration.content.origin != "worktree":
        step["sql"] = list(explanation.statements(line.step))
    return step


def _tie(facts: Facts, explanation: Explanation, tied: Any) -> Document:
    own, theirs = dict(explanation.search.told(explanation.best)), dict(explanation.search.told(tied))
    differs = sorted(name for name in own.keys() | theirs.keys() if own.get(name) != theirs.get(name))
    words = {"full": "yes", "partial": "partial"}
    return {
        "executed": [facts.label(name) for name, said in theirs.items() if said == "full"],
        "partial": [facts.label(name) for name, said in theirs.items() if said == "partial"],
        "differs": [
            {
                "migration": facts.label(name),
                "executed": words.get(theirs.get(name, ""), "no"),
                "best": words.get(own.get(name, ""), "no"),
            }
            for name in differs
        ],
        "outside": [
            {"group": line.step.group, "origin": line.step.origin}
            for line in tied.played.told
            if isinstance(line.step, Outside)
        ],
        "unexplained": [asdict(ref) for ref in change_refs(explanation.against(tied))],
        "cost": tied.cost.total,
    }


def _failure(facts: Facts, item: Failure) -> Document:
    return {
        "migration": item.migration.id,
        "version": item.migration.version,
        "file": item.migration.file or "",
        "statement": item.statement or None,
        "error": item.error,
        "cause": item.cause or None,
        "when": item.when,
        "basis": "schema",
    }


def fleet(case: Mapping[str, Any], documents: Iterable[Document]) -> Document:
    """Return the document of several environments, their findings grouped by what they have in common."""
    ranked = list(documents)
    return {
        "schema": "forensics/fleet/1",
        "case": dict(case),
        "environments": ranked,
        "groups": groups(ranked),
        "criteria": tally(ranked),
        "moments": moments(ranked),
    }
