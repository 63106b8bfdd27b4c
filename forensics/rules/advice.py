"""What remedies say: which statements are left, how they go on a copy of the live schema, and what has to come first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from forensics.explain.engine import differences
from forensics.explain.foresee import Failure, foresee
from forensics.explain.masks import masked_here
from forensics.explain.story import Run
from forensics.explain.trial import Trial, attempt, enabler, in_order
from forensics.model import Event, ObjectRef
from forensics.rules.facts import Facts, change_refs, listing
from forensics.rules.logged import GRAVE, entries, error_line
from forensics.sqltext import statement_target
from forensics.wording import spans

COPY = "on a copy of the schema"
_DIALECTS = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
_MARK = re.compile("\ue000([^\ue001]*)\ue001")


def see(cause: str, label: str) -> str:
    """Return a place in a text for the number of the finding of this cause about this migration: `settled` fills it."""
    return f"\ue000{cause}:{label}\ue001"


def settled(text: str, numbers: dict[tuple[str, str], str]) -> str:
    """Return a text with the numbers of the findings in it; where there is no such finding, without them."""

    def number(match: re.Match[str]) -> str:
        cause, _, label = match[1].partition(":")
        found = numbers.get((cause, label))
        return f" (see {found})" if found else ""

    return re.sub(r"( \(see F\d+\))(?=\1)", "", _MARK.sub(number, text))


def counted(numbers: Sequence[int]) -> str:
    """Return numbers of statements in words: ``statement 4``, ``statements 1, 3 and 5 to 7``."""
    named = spans(map(str, numbers), list(map(str, range(1, max(numbers, default=0) + 1))))
    return f"statement{'' if len(numbers) == 1 else 's'} {listing(named, 8)}"


def first_stop(facts: Facts) -> Failure | None:
    """Return where the first run stops in a database without any row in its tracker, run on a copy of it; None where it does not."""
    explanation = facts.explanation
    if explanation is None or facts.history.rows or facts.history.state == "unreadable" or facts.chain is None:
        return None
    every = tuple(item.id for item in facts.chain.migrations if item.id not in facts.not_run)
    subject, player = explanation.subject, explanation.search.player
    found = foresee(subject, player, explanation.reference, explanation.judged, every, again=False)
    return found[0] if found else None


def execute(facts: Facts, names: Sequence[str]) -> str:
    """Return how to make true what the tracker claims of migrations that did not run, with how it goes on a copy."""
    if facts.explanation is None:
        return f"Run {facts.spans(names)} by hand, in the order of the chain, on a copy first."
    trials = in_order(facts.explanation.search.player, facts.explanation.subject.live, names)
    clear = [item for item in trials if item.passes and not _hindered(facts, item)]
    whole = [item.migration for item in clear if item.whole]
    steps = [f"run {facts.spans(whole)}"] if whole else []
    steps += [_left(facts, item) for item in clear if not item.whole and item.ran]
    said = []
    if steps:
        order = ", in the order of the chain" if len(whole) + len(steps) > 2 or len(whole) > 1 else ""
        said.append(f"By hand{order} (the migration tool skips what is recorded): {'; '.join(steps)}. Tried {COPY}: it goes through.")
    done = [item.migration for item in clear if not item.whole and not item.ran]
    if done:
        said.append(f"Everything that {facts.spans(done)} {'makes' if len(done) == 1 else 'make'} is there already.")
    said += [_guided(facts, item) for item in trials if item not in clear]
    said += [text for name in names if (text := _refused(facts, name))]
    return " ".join(said)


def complete(facts: Facts, name: str, done: Sequence[int]) -> str:
    """Return which statements of a migration are left where some took effect, with how they go on a copy."""
    label = facts.label(name)
    if facts.explanation is None:
        return f"Run only the statements of {label} that did not take effect, on a copy first."
    player, live = facts.explanation.search.player, facts.explanation.subject.live
    if not player.lab.statements(player.contents[name]):
        again = attempt(player, live, name)
        if again.whole:
            return f"Run {label} again as a whole: it checks before it acts. Tried {COPY}: it goes through."
        why = again.failed[0].error if again.failed else "it fails"
        return f"Write what is left of {label} by hand: run again as a whole it fails ({why}; tried {COPY})."
    trial = attempt(player, live, name, done)
    if trial.passes:
        left = _left(facts, trial)
        return f"{left[:1].upper()}{left[1:]}. Tried {COPY}: it goes through. Never run the whole file again."
    candidates = [item for item in facts.judged if facts.judged[item].executed == "no"]
    first = enabler(player, facts.explanation.reference, live, trial, done, candidates)
    if first is not None:
        before, again = first
        left = _left(facts, again).removeprefix("run ")
        return f"Run {facts.label(before)} first, then {left}. Tried {COPY}: both go through. Never run the whole file of {label} again."
    return _blocked(facts, trial, done)


def wanting(facts: Facts, name: str, done: Sequence[int]) -> tuple[ObjectRef, ...]:
    """Return what the statements of a migration that are left would make; nothing where they do not go through."""
    if facts.explanation is None or not done:
        return ()
    player, live = facts.explanation.search.player, facts.explanation.subject.live
    before, trial = live, attempt(player, live, name, done)
    if not trial.passes:
        candidates = [item for item in facts.judged if facts.judged[item].executed == "no"]
        first = enabler(player, facts.explanation.reference, live, trial, done, candidates)
        if first is None:
            return ()
        before, trial = player.after(live, Run(first[0]))[0], first[1]
    return change_refs(differences(trial.after, before))


def guided(facts: Facts, trial: Trial) -> str:
    """Return what to do about one migration, with how it goes on a copy."""
    if trial.passes and not _hindered(facts, trial):
        left = _left(facts, trial)
        return f"{left[:1].upper()}{left[1:]}. Tried {COPY}: it goes through."
    return _guided(facts, trial)


def _hindered(facts: Facts, trial: Trial) -> bool:
    """Whether a migration is not to be run as it stands, though a copy takes it: it cannot be loaded, or reaches elsewhere."""
    return bool(_problem(facts, trial.migration)) or trial.migration in facts.attempts


def _guided(facts: Facts, trial: Trial) -> str:
    """Return what to do about a migration that does not simply go through."""
    label, problem = facts.label(trial.migration), _problem(facts, trial.migration)
    if problem:
        goes = f"; called by hand it goes through {COPY}" if trial.whole else ""
        return f"Repair {label} first{see('unloadable-migration', label)}{goes}."
    if trial.migration in facts.attempts and trial.whole:
        return f"Run {label} only once it keeps to the connection that it is given{see('replay-escape', label)}; {COPY} it goes through."
    return _blocked(facts, trial, ())


def _left(facts: Facts, trial: Trial) -> str:
    label = facts.label(trial.migration)
    skipped = ""
    if trial.there:
        things = list(dict.fromkeys(what for _number, what in trial.there))
        exist = "exists" if len(things) == 1 else "exist"
        skipped = f"skip {counted([number for number, _ in trial.there])} ({listing(things)} {exist}{_alike(facts, trial)})"
    if not trial.ran:
        return f"nothing of {label} is left to run{': ' + skipped if skipped else ''}"
    if not skipped:
        return f"run {counted(trial.ran)} of {label}"
    return f"of {label} {skipped} and run {counted(trial.ran)}"


def _alike(facts: Facts, trial: Trial) -> str:
    """Say how columns that are there already compare with what the migration would have made."""
    if facts.explanation is None:
        return ""
    live, made = facts.live(), {trace.key: trace.after for trace in facts.signature(trial.migration)}
    player = facts.explanation.search.player
    pieces = player.lab.statements(player.contents[trial.migration])
    told = set()
    for number, what in trial.there:
        piece = pieces[number - 1]
        key = ("column", statement_target(piece).name.casefold(), what.removeprefix("column ").casefold())
        wanted, there = made.get(key), live.get(key)
        told.add("unknown" if wanted is None or there is None else "same" if wanted.meaning == there.meaning else "other")
    if told == {"same"}:
        return " already, defined as the file defines it" if len(trial.there) == 1 else " already, defined as the file defines them"
    if "other" in told:
        return " already, but defined otherwise: decide which definition is meant"
    return " already: compare the definitions first"


def _blocked(facts: Facts, trial: Trial, done: Iterable[int]) -> str:
    """Return where a migration stops, why, and what else of it goes through."""
    label, failed = facts.label(trial.migration), trial.failed[0]
    place = f" at statement {failed.number} of {trial.total}" if failed.number else ""
    text = " ".join(failed.statement.split())
    shown = f" (`{text[:100]}{'…' if len(text) > 100 else ''}`)" if text else ""
    stops = f"{label} cannot run yet: it fails{place}{shown} with {failed.error}."
    also = [number for number in trial.ran if number not in done]
    if also and trial.total:
        stops += f" {COPY[:1].upper()}{COPY[1:]} its {counted(also)} {'goes' if len(also) == 1 else 'go'} through."
    return f"{stops} {_first(facts, trial)}".rstrip()


def _first(facts: Facts, trial: Trial) -> str:
    """Return what has to be done before a migration can run."""
    assert facts.explanation is not None
    explanation, name, error = facts.explanation, trial.migration, trial.failed[0].error
    label = facts.label(name)
    alone = explanation.reference.never.get(name)
    if alone is not None and alone.error == error:
        return f"It fails on every database of this kind: write it anew for {_DIALECTS.get(facts.evidence.dialect or '', 'it')}."
    masks = masked_here(explanation.search.player, name, explanation.subject.live, explanation.makers())
    if masks:
        tables = listing(list(dict.fromkeys(item.table for item in masks)))
        return f"First bring {tables} to the shape that the chain means{see('masked-create', label)}."
    candidates = [item for item in facts.judged if facts.judged[item].executed in ("no", "partial")]
    found = enabler(explanation.search.player, explanation.reference, explanation.subject.live, trial, (), candidates)
    return f"Run {facts.label(found[0])} first: then it goes through." if found else ""


def _problem(facts: Facts, name: str) -> str:
    item = facts.chain.by_id.get(name) if facts.chain else None
    return item.problem if item else ""


def _refused(facts: Facts, name: str) -> str:
    """Return what a log says of rows that a migration stumbled over: a copy without rows cannot show it."""
    event = refused_by_rows(facts, name)
    if event is None:
        return ""
    return f"Rows were in the way of {facts.label(name)}: the log says {error_line(event)!r} ({event.ref}). Settle those rows first."


def refused_by_rows(facts: Facts, name: str) -> Event | None:
    """Return the log entry in which a migration failed on a constraint of its data; the tracker's own does not count."""
    for event in failed_in_log(facts, name):
        table = (facts.history.table or "").casefold()
        if "constraint" in event.message.casefold() and not (table and f"{table}." in event.message.casefold()):
            return event
    return None


def failed_in_log(facts: Facts, name: str) -> list[Event]:
    """Return the log entries that report a failure and name this migration by its file or its version."""
    item = facts.chain.by_id.get(name) if facts.chain else None
    if item is None:
        return []
    named = re.compile(rf"(?<![\w.-]){re.escape(item.version)}(?![\w.-])")
    return [
        event
        for event in entries(facts)
        if event.level in GRAVE and (named.search(event.message) or (item.file or item.id) in event.message)
    ]
