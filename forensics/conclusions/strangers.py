"""What is done about changes that no migration made: nothing is dropped unseen, and what comes back by itself is told."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from forensics.conclusions.steps import BACKUP, NONE, Phase, Step, look, spelled, tried
from forensics.conclusions.way_out import Measure, transaction, turned
from forensics.explain.story import State
from forensics.explain.writing import rename_table
from forensics.model import Finding, Group, ObjectRef
from forensics.rules.advice import COPY
from forensics.rules.facts import Facts, in_words, listing
from forensics.sqltext import quote, statement_target

_MOST_TABLES = 4
_SPARE = "_unused"


def manual_change(facts: Facts, finding: Finding) -> Iterator[Step]:
    """Yield the steps for what was made, dropped or changed outside the migrations: nothing is dropped unseen."""
    wrong = [item for item in finding.objects if item.state != "extra"]
    yield from _put_back(facts, finding, wrong)
    tables = [item.name for item in finding.objects if item.kind == "table" and item.state == "extra"]
    if tables:
        yield from _strangers(facts, finding, tables)
    elif len(wrong) < len(finding.objects):
        yield decide(finding, in_words([item for item in finding.objects if item.state == "extra"]), "")


def _strangers(facts: Facts, finding: Finding, tables: Sequence[str]) -> Iterator[Step]:
    ids, names = (finding.id,), listing(list(tables), 6)
    if len(tables) <= _MOST_TABLES:
        asks = [f"SELECT count(*) FROM {spelled(facts, name)}" for name in tables]
        yield replace(look(ids, asks, f"Look: how many rows are in {names}, and who writes them?"), phase=Phase.DECIDE, optional=True)
    it = "it" if len(tables) == 1 else "them"
    again = {
        "models": f" Nothing gets rid of {it} before the models do: `create_all` makes {it} again at every start of the application.",
        "application": f" Nothing gets rid of {it} before the application does: its code makes {it} again at every start.",
    }.get(finding.origin, "")
    yield decide(finding, names, again)
    for name in tables if len(tables) <= _MOST_TABLES else ():
        yield from _put_aside(facts, finding, name)


def decide(finding: Finding, names: str, again: str) -> Step:
    """Return the step in which somebody decides about what the active chain does not build."""
    return Step(
        phase=Phase.DECIDE,
        findings=(finding.id,),
        optional=True,
        measure=Measure(
            do=f"Decide about {names}: the owner keeps it, as a migration of the active chain that checks before it acts, or gives "
            f"it up. Nothing else in this plan waits for that.{again}",
            risk="None as long as it stays.", backup=NONE, verify="the owner has said it, and it is written down in the chain", back=NONE,
        ),
    )  # fmt: skip


def _put_aside(facts: Facts, finding: Finding, name: str) -> Iterator[Step]:
    """Yield the way of a table that its owner gives up: a new name, a time of waiting, and only then its end."""
    if facts.explanation is None:
        return
    dialect, live, ids = facts.evidence.dialect or "", facts.explanation.subject.live, (finding.id,)
    spare = _free(live, name)
    rename, back = rename_table(dialect, name, spare), rename_table(dialect, spare, name)
    after, went = tried(facts, live, [rename])
    risk = f"Whatever still uses {name} fails at once and says so; rename it back then. "
    if "goes through" in went and (made := _made_again(facts, name)):
        _, again = tried(facts, after, made)
        if "fails" in again:
            error = again.partition(" with ")[2]
            risk += f"An application that still makes {name} at its start will not start then (tried {COPY}: {error.rstrip('.')})."
    yield Step(
        phase=Phase.DECIDE,
        findings=ids,
        optional=True,
        tried=went,
        measure=Measure(
            do=f"If {name} is given up: once no code makes or uses it any more, rename it, and wait for a week or two.",
            sql=transaction((rename,), facts.evidence.dialect == "postgresql"), risk=risk.rstrip(), backup=BACKUP,
            verify=f"the application runs, the log stays silent, and {name} has not come back", back="rename it back",
            undo=transaction((back,), facts.evidence.dialect == "postgresql"),
        ),
    )  # fmt: skip
    drop = f"DROP TABLE {spelled(facts, spare)}"
    yield Step(
        phase=Phase.LAST,
        findings=ids,
        optional=True,
        tried=tried(facts, after, [drop])[1] if "goes through" in went else "",
        measure=Measure(
            do=f"Only when nobody has missed {name}: drop it.", sql=(drop,), risk="Its rows are lost at once.",
            backup=f"a copy of the table of its own, beside {BACKUP}", verify="the copy can be restored", back="only from the copy",
            final=True,
        ),
    )  # fmt: skip


def _made_again(facts: Facts, name: str) -> tuple[str, ...]:
    """Return the statements by which the models, or the application's code, make a table."""
    assert facts.explanation is not None
    subject = facts.explanation.subject
    if name.casefold() in (subject.models or {}):
        targets = ((text, statement_target(text)) for text in subject.models_ddl)
        return tuple(text for text, it in targets if name.casefold() in (it.name.casefold(), it.table.casefold()))
    return tuple(item.sql for item in subject.sources.get(name.casefold(), ()))


def _free(live: Mapping[str, Group], name: str) -> str:
    spare = name + _SPARE
    while spare.casefold() in live:
        spare += "_2"
    return spare


def _put_back(facts: Facts, finding: Finding, wrong: Sequence[ObjectRef]) -> Iterator[Step]:
    """Yield the statements that bring back what the chain has made and somebody dropped or changed."""
    explanation = facts.explanation
    if explanation is None or not wrong:
        return
    live, built = explanation.subject.live, explanation.reference.final
    target: State = {}
    for item in wrong:
        name = (item.table or item.name).casefold()
        if name not in built:
            continue
        if name not in live:
            target[name] = built[name]
            continue
        group = target.get(name, live[name])
        mine = (item.kind, item.name.casefold())
        ours = {key: each for key, each in built[name].by_key.items() if (key[0], each.name.casefold()) == mine}
        rest = tuple(each for each in group.objects if each.key not in ours)
        target[name] = Group(name=group.name, objects=(*rest, *ours.values()), source=built[name].source)
    statements = turned(explanation, live, target, sorted(target))
    do = f"Ask who changed {in_words(wrong)}, and why. If it was a decision, write it as a migration; if it was none, put it back."
    if not statements or _rebuilds_more(statements, live, built):
        yield Step(
            phase=Phase.DECIDE, findings=(finding.id,),
            measure=Measure(do=do, risk="None as long as nothing is changed.", backup=BACKUP,
                            verify="its owner has said which", back=NONE),
        )  # fmt: skip
        return
    after, went = tried(facts, live, statements)
    former = {name: live[name] for name in target if name in live}
    back = turned(explanation, after, former, sorted(former))
    yield Step(
        phase=Phase.CHANGE,
        findings=(finding.id,),
        tried=went,
        measure=Measure(
            do=do, sql=transaction(statements, facts.evidence.dialect == "postgresql"),
            risk="Each takes a lock on its table for a moment; writes wait while an index is built, and rows may refuse a constraint.",
            backup=BACKUP, verify=f"`forensics diagnose {shlex.quote(facts.evidence.environment)}` no longer finds this",
            back="the same in reverse", undo=transaction(back, facts.evidence.dialect == "postgresql"),
        ),
    )  # fmt: skip


def _rebuilds_more(statements: Sequence[str], live: State, built: State) -> bool:
    """Whether a table would be made anew, as the chain has it, that holds more than the chain knows of."""
    anew = [name for name in live if any(text.endswith(quote(live[name].name + "__before")) for text in statements)]
    return any(name in built and live[name].by_key.keys() - built[name].by_key.keys() for name in anew)
