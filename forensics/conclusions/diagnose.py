"""From evidence to a diagnosis: the contract's document for one environment, or for many."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from forensics.case.spec import ScratchSpec
from forensics.conclusions.document import document, fleet
from forensics.conclusions.findings import conclude
from forensics.conclusions.foreign import distance, elsewhere, investigate, places_of, shared, unclaimed
from forensics.conclusions.harvested import wanted
from forensics.conclusions.workshop import Workshop
from forensics.explain.engine import explain
from forensics.explain.physical import look
from forensics.explain.player import Player
from forensics.explain.search import ROUNDS
from forensics.explain.static import as_read, judge_read
from forensics.explain.subject import Subject
from forensics.history.assignment import RowMatch, assign, recorded
from forensics.model import (
    Chain,
    ChainEvidence,
    Evidence,
    History,
    Migration,
    Snapshot,
    SourceStatement,
)
from forensics.replay.lab import Harvest
from forensics.rules.facts import Facts

ABSENT = History(tool=None, table=None, state="absent")
Progress = Callable[[str], None]


def diagnose(
    evidence: Evidence,
    source: ChainEvidence | None,
    *,
    workshop: Workshop | None = None,
    cache: Path | None = None,
    trust: bool = False,
    scratch: ScratchSpec | None = None,
) -> dict[str, Any]:
    """Diagnose one environment and return the contract's document ``forensics/diagnosis/1``.

    It reads nothing but its arguments: the same evidence gives the same document. Migrations are replayed only on scratch
    databases in a guarded child. Raises `ReplayError` where no scratch database can be had at all.
    """
    if workshop is None and source is not None:
        with Workshop(source, cache=cache, trust=trust, scratch=scratch) as own:  # open until the remedies have been tried too
            return diagnose(evidence, source, workshop=own, cache=cache, trust=trust)
    facts = examine(evidence, source, workshop=workshop, cache=cache, trust=trust)
    return document(facts, conclude(facts))


def diagnose_fleet(
    case: Mapping[str, Any],
    pairs: Iterable[tuple[Evidence, ChainEvidence | None]],
    *,
    cache: Path | None = None,
    trust: bool = False,
    progress: Progress | None = None,
    scratch: ScratchSpec | None = None,
) -> dict[str, Any]:
    """Diagnose many environments; the replays of one chain are done once. Returns the document ``forensics/fleet/1``."""
    workshops: dict[int, Workshop] = {}
    documents = []
    try:
        for evidence, source in pairs:
            shop = None
            if source is not None:
                shop = workshops.get(id(source))
                if shop is None:
                    shop = workshops[id(source)] = Workshop(source, cache=cache, trust=trust, scratch=scratch)
            documents.append(diagnose(evidence, source, workshop=shop, cache=cache, trust=trust))
            if progress is not None:
                progress(evidence.environment)
    finally:
        for shop in workshops.values():
            shop.close()
    return fleet(case, documents)


def examine(
    evidence: Evidence,
    source: ChainEvidence | None,
    *,
    workshop: Workshop | None = None,
    cache: Path | None = None,
    trust: bool = False,
    scratch: ScratchSpec | None = None,
) -> Facts:
    """Explain one environment, and return what the rules look at."""
    history = evidence.histories[0] if evidence.histories else ABSENT
    if (
        source is None
        or not source.chain.tool
        or evidence.state == "unreadable"
        or evidence.snapshot is None
    ):
        return Facts(evidence=evidence, source=source, history=history)
    if workshop is None:
        with Workshop(source, cache=cache, trust=trust, scratch=scratch) as own:
            return _examine(evidence, source, history, own)
    return _examine(evidence, source, history, workshop)


def _examine(
    evidence: Evidence, source: ChainEvidence, history: History, workshop: Workshop, *, own: bool = True, thorough: bool = True
) -> Facts:
    chain = source.chain
    assert evidence.snapshot is not None
    workshop = workshop.speaking(evidence.snapshot)
    matches = assign(chain, history, source.versions)
    claimed = recorded(chain, history)
    migrations = applied_texts(chain, matches, source)
    claimed_all = frozenset(claimed) | {item.id for item in migrations if item.id not in chain.by_id}
    orphans = [item for item in matches.values() if item.row.version not in chain.by_version and item.row.success]
    lost = bool(orphans) and history.keeps == "head"
    foreign = places_of(orphans, source) if lost and own else ()
    claimed_all |= shared(chain, foreign)
    pending = tuple(item.id for item in chain.migrations if item.id not in claimed_all)
    workshop.furnish(evidence)
    player, built = workshop.bench(migrations)
    trackers = frozenset((item.table or "").casefold() for item in evidence.histories)
    live = Player.state(evidence.snapshot.without(trackers))
    harvest: Harvest | None = None
    if wanted(chain, built, live):
        workshop, harvest = workshop.informed()
        player, built = workshop.bench(migrations)
    models, ddl = workshop.models()
    subject = Subject(
        dialect=evidence.snapshot.dialect,
        live=live,
        migrations=migrations,
        recorded=claimed_all,
        recorded_order=_order(chain, history, matches),
        sources=_by_table(source.sources),
        models=models,
        models_ddl=ddl,
        unique_versions=unique_column(evidence.snapshot, history),
        cookie=_cookie(evidence),
        head_only=history.keeps == "head",
        confirmed=frozenset(
            match.migration_id for match in matches.values() if match.by == "checksum" and match.migration_id
        ),
        searched=bool(source.sources or chain.hints.sources or models),
        physical=look(evidence.writers, history, _row_refs(chain, matches)),
    )
    # A tool that cannot find where it stands runs nothing at all.
    next_run = pending if history.state != "absent" and not lost else ()
    explanation = explain(subject, player, built, next_run, rounds=ROUNDS if thorough else 0)
    if player.refused():
        read = judge_read(migrations, player.refused().keys() - player.read, live, subject.dialect)
        read |= {name: as_read(explanation.judged[name]) for name in player.read}
        # What did not run here did not fail either.
        failures = tuple(
            item for item in explanation.failures if item.migration.id not in player.refused() or item.migration.id in player.read
        )
        explanation = replace(explanation, judged=dict(explanation.judged) | read, failures=failures)
    if foreign:
        # Where the active chain explains the schema to the letter, another one can at most do so as well.
        exact = not distance(explanation)[0]

        def judge(other: ChainEvidence) -> Facts:
            return _examine(evidence, other, history, workshop.other(other), own=False, thorough=not exact)

        foreign = investigate(foreign, source.sources, judge)
    verdict = elsewhere(explanation, foreign)
    if verdict is not None:
        explanation = unclaimed(explanation, verdict, chain)
    return Facts(
        evidence=evidence,
        source=source,
        history=history,
        recorded=claimed_all,
        pending=pending,
        matches=matches,
        explanation=explanation,
        attempts=workshop.attempts(player) | ({"env.py": harvest.attempts} if harvest and harvest.attempts else {}),
        harvest=harvest,
        not_run=player.refused(),
        read=player.read,
        troubles=workshop.troubles,
        isolation=workshop.lab.isolation,
        lent=workshop.lab.lent,
        caveat=workshop.lab.caveat,
        foreign=foreign,
    )


def applied_texts(chain: Chain, matches: Mapping[str, RowMatch], source: ChainEvidence) -> tuple[Migration, ...]:
    """Return the chain's migrations with the texts that were applied, and those whose files are gone but whose text is known."""
    items = {item.id: item for item in chain.migrations}
    lost: list[Migration] = []
    for match in matches.values():
        if match.content is None:
            continue
        if match.migration_id in items:
            item = items[match.migration_id]
            if match.by == "checksum" and match.content.sha256 != item.content.sha256:
                items[item.id] = replace(item, content=match.content)
        elif match.migration_id is None and chain.tool == "numbered":
            path = next((v.path for v in source.versions if v.content and v.content.sha256 == match.content.sha256), "")
            name = path.rpartition("/")[2].rpartition(".")[0] or match.row.version
            language = "python" if path.endswith(".py") else "sql"
            lost.append(
                Migration(
                    id=name,
                    version=match.row.version,
                    name=name.partition("_")[2],
                    file=None,
                    content=match.content,
                    language=language,
                )
            )
    if not lost:
        return tuple(items.values())
    ranked = [*items.values()]
    for item in lost:
        at = next((n for n, other in enumerate(ranked) if _number(other.version) > _number(item.version)), len(ranked))
        ranked.insert(at, item)
    return tuple(ranked)


def _number(version: str) -> tuple[int, int, str]:
    return (0, int(version), "") if version.isdecimal() else (1, 0, version)


def _cookie(evidence: Evidence) -> int | None:
    facts = dict(evidence.snapshot.facts) if evidence.snapshot else {}
    value = facts.get("schema_version")
    made = sum(item.state != "absent" for item in evidence.histories)
    return value - made if isinstance(value, int) else None


def _row_refs(chain: Chain, matches: Mapping[str, RowMatch]) -> dict[str, tuple[str, ...]]:
    """Return the references of the tracker's rows of each migration."""
    found: dict[str, tuple[str, ...]] = {}
    for match in matches.values():
        own = [item.id for item in chain.by_version.get(match.row.version, ())]
        for name in [match.migration_id] if match.migration_id is not None else own:
            found[name] = (*found.get(name, ()), match.row.ref)
    return found


def _order(chain: Chain, history: History, matches: Mapping[str, RowMatch]) -> tuple[str, ...]:
    if history.keeps == "head":
        return ()
    found: list[str] = []
    for row in history.rows:
        match = matches.get(row.version)
        found += [item.id for item in chain.by_version.get(row.version, ())]
        if match is not None and match.migration_id is not None:
            found.append(match.migration_id)
    return tuple(dict.fromkeys(found))


def _by_table(statements: Iterable[SourceStatement]) -> dict[str, tuple[SourceStatement, ...]]:
    found: dict[str, tuple[SourceStatement, ...]] = {}
    for item in statements:
        key = item.table.casefold()
        found[key] = (*found.get(key, ()), item)
    return found


def unique_column(snapshot: Snapshot, history: History) -> str:
    """Return ``table.column`` of the version in the tracker where the table takes each version once, else nothing."""
    group = snapshot.by_name.get((history.table or "").casefold())
    if group is None or history.keeps == "head":
        return ""
    for item in group.objects:
        if item.kind in ("unique", "primary_key"):
            columns = str(dict(item.meaning).get("columns", item.ident))
            names = [name.strip().strip('"') for name in columns.strip("()[]").split(",")]
            if len(names) == 1 and "version" in names[0].casefold():
                return f"{history.table}.{names[0]}"
    return ""

