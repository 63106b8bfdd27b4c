"""Try what a remedy asks for on a copy of the live schema, before anybody is told to do it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from forensics.explain.player import Player
from forensics.explain.reference import Reference
from forensics.explain.sight import words
from forensics.explain.story import Outside, Run, State
from forensics.sqltext import name_key, statement_target, unquote

_THERE = re.compile(
    r"duplicate column name: (?P<a>.+)"
    r"|(?:there is already an? )?(?P<kind>table|index|view|trigger) (?P<b>.+?) already exists"
    r"|column \"?(?P<c>[^\"]+)\"? of relation .+ already exists"
    r"|relation \"?(?P<d>[^\"]+)\"? already exists",
    re.IGNORECASE,
)
_NAME = r"(\"(?:[^\"]|\"\")+\"|`[^`]+`|\[[^\]]+\]|\w+)"
_RENAME = re.compile(rf"\bRENAME\s+(?:COLUMN\s+)?{_NAME}\s+TO\s+{_NAME}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Failed:
    """A statement that fails: its number (from 1; 0 where the file has none), its text and the error."""

    number: int
    statement: str
    error: str


@dataclass(frozen=True, slots=True)
class Trial:
    """How one migration goes on a copy of a schema.

    ``whole``: the file goes through as it stands. Else its statements were tried one by one: ``ran`` went through,
    ``there`` are refused because what they make exists already (with its kind and name), ``failed`` are refused for
    another reason. ``after`` is what is there then. It is a copy without rows: what only rows can refuse is not seen.
    """

    migration: str
    whole: bool
    total: int
    after: State
    ran: tuple[int, ...] = ()
    there: tuple[tuple[int, str], ...] = ()
    failed: tuple[Failed, ...] = ()

    @property
    def passes(self) -> bool:
        """Whether nothing is refused but what is there already."""
        return not self.failed


def attempt(player: Player, state: State, name: str, done: Iterable[int] = ()) -> Trial:
    """Try a migration: as a whole, or else (and where statements are ``done`` already) one statement after the other."""
    kept = frozenset(done)
    pieces = player.lab.statements(player.contents[name])
    problem, stopped = player.contents[name].problem, ""
    if not kept and player.runnable(name):
        after, line = player.after(state, Run(name))
        if not line.error:
            return Trial(name, True, len(pieces), after, tuple(range(1, len(pieces) + 1)))
        problem, stopped = line.error, line.failed
    if not pieces:
        return Trial(name, False, 0, state, failed=(Failed(0, stopped, problem),))
    ran: list[int] = []
    there: list[tuple[int, str]] = []
    failed: list[Failed] = []
    for number, piece in enumerate(pieces, 1):
        if number in kept:
            continue
        after, line = player.after(state, Outside((piece,), "unknown", ""))
        known = _known(line.error) or (_renamed(state, piece) if line.error else "")
        if not line.error:
            ran.append(number)
            state = after
        elif known:
            there.append((number, known))
        else:
            failed.append(Failed(number, piece, line.error))
    return Trial(name, False, len(pieces), state, tuple(ran), tuple(there), tuple(failed))


def in_order(player: Player, state: State, names: Sequence[str]) -> tuple[Trial, ...]:
    """Try several migrations one after the other; of one that fails what went through stays."""
    found = []
    for name in names:
        trial = attempt(player, state, name)
        found.append(trial)
        state = trial.after
    return tuple(found)


def after_statements(player: Player, state: State, statements: Sequence[str]) -> tuple[State, str]:
    """Return the state after statements that no migration holds, and the error of the first that fails."""
    for statement in statements:
        state, line = player.after(state, Outside((statement,), "unknown", ""))
        if line.error:
            return state, line.error
    return state, ""


def enabler(
    player: Player, reference: Reference, state: State, trial: Trial, done: Iterable[int], candidates: Sequence[str]
) -> tuple[str, Trial] | None:
    """Return the migration that has to run first so that a trial passes, and how it goes then; None where no single one does."""
    said = frozenset[str]().union(*(words(item.error) for item in trial.failed))
    done = tuple(done)
    for name in candidates:
        writes = {key for made in reference.signatures.get(name, ()) for key in (made.key[1], made.key[2]) if key}
        if name == trial.migration or not player.runnable(name) or not writes & said:
            continue
        after, line = player.after(state, Run(name))
        if line.error:
            continue
        again = attempt(player, after, trial.migration, done)
        if again.passes:
            return name, again
    return None


def _known(error: str) -> str:
    """Return what exists already, by the words of an error; nothing for any other error."""
    found = _THERE.search(error)
    if found is None:
        return ""
    if found["b"]:
        return f"{found['kind'].lower()} {found['b']}"
    return f"column {found['a'] or found['c']}" if found["a"] or found["c"] else str(found["d"])


def _renamed(state: State, statement: str) -> str:
    """Return the column that a renaming would bring about, where only that one is there."""
    found = _RENAME.search(statement)
    group = state.get(statement_target(statement).name.casefold())
    if found is None or group is None:
        return ""
    columns = {item.ident for item in group.objects if item.kind == "column"}
    old, new = (name_key(unquote(part)) for part in found.groups())
    return f"column {unquote(found[2])}" if new in columns and old not in columns else ""
