"""How a table that is there in another shape than a migration expects comes to the shape that the chain means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from forensics.explain.masks import Mask
from forensics.explain.trial import after_statements, attempt
from forensics.explain.writing import add_column, turn
from forensics.model import Group, SchemaObject
from forensics.rules.advice import COPY, complete, guided
from forensics.rules.facts import Facts, listing
from forensics.rules.partially_executed import numbers_of

_NUMERIC = ("INTEGER", "REAL", "NUMERIC")


def reshape(facts: Facts, mask: Mask, lacking: Sequence[str], more: Sequence[str], stumbles: str) -> str:
    """Return the statements that help where a creation was masked, each tried on a copy.

    ``stumbles`` is the id of the migration that fails because of columns that are there already.
    """
    if facts.explanation is None:
        return f"Compare the definition of {mask.table} with that of {facts.label(mask.migration)}."
    if mask.by and lacking:
        return _by_the_chain(facts, mask, lacking)
    if mask.by:
        made = f"a table that {facts.label(mask.by)} has made"
        return f"Nothing here. In migrations to come, change {made} with ALTER TABLE, not with another CREATE."
    there = facts.explanation.subject.live.get(mask.table.casefold(), mask.there)
    final = facts.explanation.reference.final.get(mask.table.casefold())
    if final is not None and _columns(final) == _columns(there):
        return _as_the_chain_leaves_it(facts, mask, there, final, stumbles)
    if not lacking:
        return _stumbling(facts, stumbles) if stumbles else f"Compare the definitions of {listing(more)} in {mask.table} with the chain's."
    return _with_columns(facts, mask, there, lacking)


def _by_the_chain(facts: Facts, mask: Mask, lacking: Sequence[str]) -> str:
    assert facts.explanation is not None
    reference, label, table = facts.explanation.reference, facts.label(mask.migration), mask.table.casefold()
    writers = dict.fromkeys(
        writing.migration
        for name in lacking
        for writing in reference.provenance.get(("column", table, name.casefold()), ())
        if writing.left is not None and writing.migration != mask.migration
    )
    if writers:
        add = "it adds" if len(writers) == 1 else "they add"
        return f"Let {facts.spans(writers)} run before {label}: {add} these columns to {mask.table}."
    statements, note = _additions(facts, mask, mask.there, lacking)
    return f"Write the columns as a new migration: {_shown(statements)}{note}. Leave {label} as it is where it has run."


def _as_the_chain_leaves_it(facts: Facts, mask: Mask, there: Group, final: Group, stumbles: str) -> str:
    """Return what is still to be made on a table that has all columns which the whole chain gives it."""
    assert facts.explanation is not None
    explanation, table = facts.explanation, mask.table.casefold()
    writers = [
        item.id
        for item in facts.migrations
        if any(table in (trace.key[1], trace.key[2]) for trace in explanation.reference.signatures.get(item.id, ()))
    ]
    head = f"{mask.table} has the very columns that the chain leaves it with after {facts.spans(writers)}: add none."
    changes = [group for group in turn(facts.evidence.dialect or "sqlite", there, final) if not _drops(group)]
    if stumbles:
        return f"{head} {_stumbling(facts, stumbles)}"
    if any(len(group) > 1 for group in changes):
        return f"{head} Their definitions differ: rebuild {mask.table} as the chain defines it, on a copy first."
    statements = [text for group in changes for text in group]
    if not statements:
        return f"{head} Nothing of it is missing; leave out what {facts.spans(writers)} do to it."
    state, error = after_statements(explanation.search.player, explanation.subject.live, statements)
    again = attempt(explanation.search.player, state, mask.migration)
    then = f", and then {facts.label(mask.migration)} does too" if again.whole else ""
    goes = f"it fails with {error}" if error else f"it goes through{then}"
    others = [name for name in writers if name != mask.migration or not again.whole]
    rest = f" What {facts.spans(others)} {'does' if len(others) == 1 else 'do'} to it is not needed then." if others else ""
    return f"{head} Run {_shown(statements)}. Tried {COPY}: {goes}.{rest}"


def _stumbling(facts: Facts, name: str) -> str:
    """Return how a migration gets past columns that are there already."""
    assert facts.explanation is not None
    done = numbers_of(facts, name)
    if done:
        return complete(facts, name, done)
    trial = attempt(facts.explanation.search.player, facts.explanation.subject.live, name)
    return guided(facts, trial)


def _with_columns(facts: Facts, mask: Mask, there: Group, lacking: Sequence[str]) -> str:
    assert facts.explanation is not None
    explanation, label = facts.explanation, facts.label(mask.migration)
    statements, note = _additions(facts, mask, there, lacking)
    player = explanation.search.player
    state, error = after_statements(player, explanation.subject.live, statements)
    if error:
        return f"Rebuild {mask.table} with the columns of {label}: {_shown(statements)} fails with {error} (tried {COPY})."
    trial = attempt(player, state, mask.migration, numbers_of(facts, mask.migration))
    fails = f"it goes through, but {label} fails with {trial.failed[0].error}" if trial.failed else ""
    goes = fails or f"then {label} goes through"
    return f"Run {_shown(statements)}{note}. Tried {COPY}: {goes}."


def _additions(facts: Facts, mask: Mask, there: Group, lacking: Sequence[str]) -> tuple[list[str], str]:
    """Return the statements that add columns, and what to mind about them."""
    wanted = {name.casefold() for name in lacking} - {ident for _position, ident in _ordered(there)}
    columns = sorted(
        (item for item in mask.would.objects if item.kind == "column" and item.ident in wanted),
        key=lambda item: item.position or 0,
    )
    bare = [item.name for item in columns if _refused(item)]
    note = ""
    if bare:
        are = "is" if len(bare) == 1 else "are"
        note = f" ({listing(bare)} {are} NOT NULL without a default, which a table with rows refuses: choose the default)"
    dialect = facts.evidence.dialect or "sqlite"
    return [text for item in columns for text in add_column(dialect, _defaulted(item))], note


def _refused(item: SchemaObject) -> bool:
    known = dict(item.meaning)
    return bool(known.get("notnull")) and known.get("default") is None and not known.get("generated")


def _defaulted(item: SchemaObject) -> SchemaObject:
    if not _refused(item):
        return item
    numeric = str(dict(item.meaning).get("affinity", "")).upper() in _NUMERIC
    meaning = tuple((key, value) for key, value in item.meaning if key != "default")
    return replace(item, meaning=(*meaning, ("default", "0" if numeric else "''")))


def _columns(group: Group) -> frozenset[str]:
    return frozenset(ident for _position, ident in _ordered(group))


def _ordered(group: Group) -> Iterator[tuple[int, str]]:
    return ((item.position or 0, item.ident) for item in group.objects if item.kind == "column")


def _drops(statements: Sequence[str]) -> bool:
    return len(statements) == 1 and statements[0].lstrip()[:4].upper() == "DROP"


def _shown(statements: Sequence[str]) -> str:
    texts = [" ".join(text.split()).rstrip("; ") for text in statements]
    return listing([f"`{text}`" for text in texts], 6)
