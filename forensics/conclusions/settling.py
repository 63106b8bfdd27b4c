"""What is done about a tracker that says something else than the schema: the difference closed, then the row."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from forensics.conclusions.foreign import leftovers, strange
from forensics.conclusions.steps import BACKUP, NONE, Phase, Step, literal, look, spelled
from forensics.conclusions.strangers import decide, manual_change
from forensics.conclusions.way_out import Bridge, Measure, bridge, transaction, way_out
from forensics.model import Finding
from forensics.rules.advice import COPY, first_stop
from forensics.rules.facts import Facts, listing, plural
from forensics.sqltext import quote


def foreign_chain(facts: Facts, finding: Finding) -> Iterator[Step] | None:
    """Return the steps away from another chain: the difference closed, then a stamp; None where no way is known that works."""
    found = way_out(facts)
    if found is None or found.bridge.error:
        return None
    return _away(facts, finding, found.bridge, found.measures[2:])


def _away(facts: Facts, finding: Finding, found: Bridge, measures: Sequence[Measure]) -> Iterator[Step]:
    ids = (finding.id,)
    passes = f"Tried {COPY}: it goes through."
    if looks := tuple(_looks(facts, found)):
        yield look(ids, looks, "Look at the rows that the statements below touch.")
    for item in measures:
        if item.final:
            yield Step(phase=Phase.LAST, measure=item, findings=ids, optional=True, tried=passes)
        elif "BEGIN" in item.sql:
            spare = all(_only_permits(text) for text in found.closing)
            said = " Nothing needs this in order to run: it only makes the schema the same everywhere." if spare else ""
            yield Step(phase=Phase.CHANGE, measure=replace(item, do=item.do + said), findings=ids, optional=spare, tried=passes)
        else:
            yield Step(phase=Phase.RECORD, measure=item, findings=ids, tried=_at_the_end(found))


def _at_the_end(found: Bridge) -> str:
    before = "after the statements above" if found.closing else "without any change"
    rest = f" and {plural(len(found.losing), 'object')} more" if found.losing else ""
    return f"Tried {COPY}: {before} it is what the active chain builds{rest}, so the next run has nothing to do."


def _only_permits(text: str) -> bool:
    """Whether a statement only takes away what makes a schema more permissive than the chain's: nothing waits for it."""
    return bool(re.search(r"\bDROP\s+DEFAULT\b", text, re.IGNORECASE))


def _looks(facts: Facts, found: Bridge) -> Iterator[str]:
    """Yield what to ask of the rows before statements are run that rows can refuse, or that take something from rows."""
    for text in (*found.closing, *found.losing):
        line = " ".join(text.split())
        table = _table_of(line)
        if match := re.search(r"ALTER COLUMN (\S+|\"(?:[^\"]|\"\")+\") SET NOT NULL", line):
            if f"{table}.{match[1]}" not in found.open:
                yield f"SELECT count(*) FROM {table} WHERE {match[1]} IS NULL"
        elif match := re.search(r"DROP COLUMN (\S+|\"(?:[^\"]|\"\")+\")$", line):
            yield f"SELECT count({match[1]}) FROM {table}"
        elif match := re.match(r"CREATE UNIQUE INDEX .* ON (\S+) (?:USING \w+ )?\(([^()]+)\)$", line):
            if not any(f"ADD COLUMN {column.strip()} " in each for column in match[2].split(",") for each in found.closing):
                yield f"SELECT {match[2]}, count(*) FROM {match[1]} GROUP BY {match[2]} HAVING count(*) > 1"
        elif " ADD COLUMN " in line and " NOT NULL" in line:
            yield f"SELECT count(*) FROM {table}"


def _table_of(line: str) -> str:
    found = re.match(r"ALTER TABLE (?:ONLY )?(\"(?:[^\"]|\"\")+\"|[^\s]+)", line)
    return found[1] if found else ""


def executed_not_recorded(facts: Facts, finding: Finding) -> Iterator[Step]:
    """Yield the step that lets the tracker know what ran; a stamp away from another chain does that already."""
    if any(item.kind == "foreign-chain" for item in facts.foreign):
        return
    alembic, table = facts.history.tool == "alembic", facts.history.table or ""
    simple = finding.remedy.startswith("Record ") and "its own number" not in finding.remedy
    column = next((row.ref.rpartition("=")[0].rpartition(".")[2] for row in facts.history.rows if row.ref), "")
    sql: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()
    if simple and not alembic and column and table:
        target = spelled(facts, table)
        sql = tuple(f"INSERT INTO {target} ({quote(column)}) VALUES ({literal(name)})" for name in finding.migrations)
        undo = tuple(f"DELETE FROM {target} WHERE {quote(column)} = {literal(name)}" for name in finding.migrations)
    heads = [name for name in finding.migrations if facts.chain is not None and name in map(facts.chain.label, facts.chain.heads)]
    yield Step(
        phase=Phase.RECORD,
        findings=(finding.id,),
        measure=Measure(
            do=finding.remedy, command=f"alembic stamp {' '.join(map(shlex.quote, heads))}" if alembic and heads else "", sql=sql,
            risk="Only rows of the tracker. Recorded wrongly, the migration never runs again: the evidence of the finding comes first.",
            backup="the rows noted in step 2", verify="the migration tool does not offer them to be run any more",
            back="take the rows out again", undo=undo,
        ),
    )  # fmt: skip


def built_from_models(facts: Facts, finding: Finding) -> Iterator[Step] | None:
    """Return the steps for a schema that the models made: compare, close the difference, let the tracker know; None if unknown."""
    found = bridge(facts)
    if found is None or facts.chain is None or found.error:
        return None
    return _adopted(facts, finding, found)


def _adopted(facts: Facts, finding: Finding, found: Bridge) -> Iterator[Step]:
    assert facts.chain is not None
    assert facts.explanation is not None
    ids = (finding.id,)
    if looks := tuple(_looks(facts, found)):
        yield look(ids, looks, "Look at the rows that the statements below touch.")
    if found.closing:
        yield Step(
            phase=Phase.CHANGE,
            findings=ids,
            tried=f"Tried {COPY}: it goes through.",
            measure=Measure(
                do="Close the difference between what the models made and what the chain builds, in one transaction.",
                sql=transaction(found.closing, facts.evidence.dialect == "postgresql"),
                risk="Each takes an exclusive lock on its table for a moment; writes wait while an index is built.",
                backup=BACKUP, verify="diagnose it again: these objects are no longer listed", back="the same in reverse",
                undo=transaction(found.back, facts.evidence.dialect == "postgresql"),
            ),
        )  # fmt: skip
    if facts.history.rows:
        return
    heads = [facts.chain.label(name) for name in facts.chain.heads]
    known = facts.chain.tool == "alembic"
    yield Step(
        phase=Phase.RECORD,
        findings=ids,
        tried=_at_the_end(found),
        measure=Measure(
            do=f"If this database is needed: let the tracker say {listing(heads)}. Nothing of what it stands for is run, as it is there."
            if known
            else f"If this database is needed: record every migration up to {listing(heads)} in the tracker, without running any.",
            command=f"alembic stamp {' '.join(map(shlex.quote, heads))}" if known else "",
            risk="A new table with the tracker's rows, and nothing else. Rows that a migration would have written are not made by it.",
            backup=BACKUP, verify=f"`alembic current` says {' '.join(heads)} (head)" if known else "the migration tool has nothing to run",
            back="drop the tracker's table, which nothing else has written", undo=("DROP TABLE alembic_version",) if known else (),
        ),
    )  # fmt: skip
    if extra := (*leftovers(facts.explanation), *strange(facts.explanation)):
        yield decide(finding, listing(extra), " It does not hinder the stamp.")


def race(facts: Facts, finding: Finding) -> Iterator[Step]:
    """Yield the step after a race: what lost it runs again."""
    yield Step(
        phase=Phase.LATER,
        findings=(finding.id,),
        measure=Measure(
            do=finding.remedy, risk="None for the schema. What ran half may have left rows: look at them before it runs again.",
            backup=NONE, verify="it ends with success, and the error is not logged again", back=NONE,
        ),
    )  # fmt: skip


def first_run(facts: Facts, finding: Finding) -> Iterator[Step]:
    """Yield the step that builds an empty database from the active chain, where that is known to go through."""
    if facts.chain is None or facts.explanation is None or first_stop(facts) is not None or facts.not_run:
        return
    heads = [facts.chain.label(name) for name in facts.chain.heads]
    yield Step(
        phase=Phase.CHANGE,
        findings=(finding.id,),
        tried="Tried on an empty scratch database: the whole chain goes through.",
        measure=Measure(
            do=f"If this database is needed: run the active chain {facts.chain.path} from its beginning. There is nothing to save.",
            command="alembic upgrade head" if facts.chain.tool == "alembic" else "",
            risk="None: the database is empty.",
            backup=NONE, verify=f"the tracker says {listing(heads)}, and `forensics diagnose "
            f"{shlex.quote(facts.evidence.environment)}` finds nothing", back="empty it again, as long as nobody has written to it",
        ),
    )  # fmt: skip


Maker = Callable[[Facts, Finding], "Iterator[Step] | None"]

MAKERS: Mapping[str, Maker] = {
    "foreign-chain": foreign_chain,
    "manual-change": manual_change,
    "executed-not-recorded": executed_not_recorded,
    "built-from-models": built_from_models,
    "race": race,
}
