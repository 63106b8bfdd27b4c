"""``CREATE ... IF NOT EXISTS`` did nothing, without a word, because something else had the name."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.explain.compare import changed
from forensics.explain.foresee import Failure
from forensics.explain.masks import Mask, masked_here
from forensics.explain.sight import words
from forensics.explain.story import Outside, Told
from forensics.model import Finding, ObjectRef, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, listing
from forensics.rules.shapes import reshape
from forensics.sqltext import statement_target

MAKERS = {
    "application": "the application",
    "models": "the application's models (`create_all`)",
    "person": "a person or a script",
    "unknown": "something outside the migrations (the application or a person)",
}


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for each migration and table whose creation met another shape, or would meet it."""
    if facts.explanation is None:
        return
    seen: set[tuple[str, str]] = set()
    foreseen = {item.migration.id: item for item in facts.explanation.failures}
    absent = [item.id for item in facts.migrations if facts.judged[item.id].executed in ("no", "unknown")]
    met = list(facts.explanation.masks)
    makers = facts.explanation.makers()
    for name in absent if facts.history.state != "absent" else ():
        if name in facts.pending or name in facts.recorded:
            met += masked_here(facts.explanation.search.player, name, facts.explanation.subject.live, makers)
    for mask in met:
        if (mask.migration, mask.table.casefold()) not in seen:
            seen.add((mask.migration, mask.table.casefold()))
            yield _finding(facts, mask, foreseen.get(mask.migration))


def _maker(facts: Facts, mask: Mask) -> tuple[str, str]:
    """Return in words what made the table that was in the way, and where its code stands."""
    if mask.by:
        return f"migration {facts.label(mask.by)}", ""
    for line in facts.explanation.played.told if facts.explanation else ():
        if isinstance(line.step, Outside) and line.step.group.casefold() == mask.table.casefold():
            return MAKERS.get(line.step.origin, MAKERS["unknown"]), line.step.ref
    return MAKERS["unknown"], ""


def _chain_failures(facts: Facts) -> tuple[Told, ...]:
    return facts.explanation.reference.failures if facts.explanation else ()


def _stumbles(facts: Facts, mask: Mask, columns: list[str], missing: bool) -> Failure | None:
    """Return the migration, another one, that fails because of these columns of the masked table."""
    for item in facts.explanation.failures if facts.explanation else ():
        target = statement_target(item.statement)
        names = {target.name.casefold(), target.table.casefold()}
        twice = "duplicate column" in item.error.casefold()
        about = words(item.error) & {name.casefold() for name in columns}
        if mask.table.casefold() in names and about and twice != missing:
            return item
    return None


def _finding(facts: Facts, mask: Mask, failure: Failure | None) -> Finding:
    label = facts.label(mask.migration)
    by_chain = bool(mask.by)
    maker, source = _maker(facts, mask)
    pairs = [pair for pair in changed(mask.would, mask.there) if pair[0][0] == "column"]
    lacking = sorted(was.name for _key, was, now in pairs if was is not None and now is None)
    more = sorted(now.name for _key, was, now in pairs if was is None and now is not None)
    differs = f"it lacks {listing(lacking)}" if lacking else f"it has {listing(more)} already"
    evidence = [
        Proof(
            source="file",
            detail=" ".join(mask.statement.split())[:160],
            ref=facts.file(mask.migration),
        ),
        Proof(source="schema", detail=f"{mask.table} was made by {maker}; {differs}", ref=f"table {mask.table}"),
    ]
    if source:
        evidence.append(Proof(source="source", detail=f"the application's code creates {mask.table}", ref=source))
    executed = facts.judged[mask.migration].executed
    ahead = executed in ("no", "unknown") and mask.migration in facts.pending
    later: Failure | None = None
    alone = next((line for line in _chain_failures(facts) if by_chain and line.migration == mask.migration), None)
    if alone is not None:
        statement = " ".join(alone.failed.split())[:120]
        evidence.append(
            Proof(source="replay", detail=f"from empty, `{statement}` fails: {alone.error}", ref=f"migration {label}")
        )
        effect = f"in the chain's own order `{statement}` then fails with `{alone.error}`"
    elif failure is not None:
        statement = " ".join(failure.statement.split())[:120]
        evidence.append(Proof(source="replay", detail=f"`{statement}` fails: {failure.error}", ref=f"failures {label}"))
        effect = f"then `{statement}` fails with `{failure.error}`"
    else:
        later = _stumbles(facts, mask, lacking or more, bool(lacking))
        if later is not None:
            evidence.append(
                Proof(source="replay", detail=f"{facts.label(later.migration.id)} fails: {later.error}", ref="failures")
            )
            effect = f"so {facts.label(later.migration.id)} fails with `{later.error}`"
        else:
            effect = "no migration has stumbled over that yet" if lacking else "it has done no harm here so far"
    harmless = not lacking and failure is None and later is None and alone is None
    return Finding(
        cause="masked-create",
        scope="chain" if by_chain else "environment",
        severity="warning" if by_chain or harmless else "error",
        migrations=(label,),
        objects=(
            ObjectRef(kind="table", table=None, name=mask.table, state="altered"),
            *(ObjectRef(kind="column", table=mask.table, name=name, state="missing") for name in lacking),
            *(ObjectRef(kind="column", table=mask.table, name=name, state="extra") for name in more),
        ),
        summary=f"Migration {label} creates {mask.table} only if it does not exist, and {maker} had made it in another shape: "
        f"the creation {'will do' if ahead else 'does'} nothing, {differs.replace('it ', mask.table + ' ', 1)}, and {effect}."
        + (" The chain does this to itself, so it is a warning wherever it runs." if by_chain else "")
        + (" So it is a warning." if harmless and not by_chain else ""),
        evidence=tuple(evidence),
        confidence=0.97 if failure is not None else 0.9,
        would_overturn=f"A live definition of {mask.table} with exactly the columns of {label}.",
        remedy=reshape(facts, mask, lacking, more, later.migration.id if later is not None and not lacking else ""),
        prevention="Create tables in migrations only, without IF NOT EXISTS, so that a wrong shape fails at once and by name.",
    )


RULE = Rule(
    cause="masked-create",
    severity="error",
    question="Did a permissive creation hide that a table has another shape?",
    check=check,
)
