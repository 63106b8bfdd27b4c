"""What must have come from outside for a migration to run that drops what the chain does not have.

Some chains only ever worked on databases that something else had written to: they drop a table again that they dropped
before, or that no migration makes. Alone they fail; where such an object was there, they ran. It leaves no trace,
since they drop it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from forensics.explain.cost import KNOWN
from forensics.explain.player import Player
from forensics.explain.story import Outside, Run, State, Step, Story, Told
from forensics.model import Group
from forensics.sqltext import quote as quoted
from forensics.sqltext import statement_target

_MOST = 60
ABSENT = re.compile(r"no such|does not exist|unknown|doesn't exist", re.IGNORECASE)
_INDEX_OF = r"drop_index\(\s*(?:op\.f\(\s*)?['\"]{}['\"]\s*\)?\s*,\s*(?:table_name\s*=\s*)?['\"]([^'\"]+)['\"]"
_COLUMN = re.compile(r"DROP\s+(?:COLUMN\s+)?(?:\"((?:[^\"]|\"\")+)\"|(\w+))", re.IGNORECASE)


def assume(
    player: Player, story: Story, failing: Mapping[str, Told], models: Mapping[str, Group]
) -> dict[str, tuple[Outside, ...]]:
    """Return, for each migration that fails everywhere, the outside changes after which it goes through, if there are any.

    What the models make is tried first, then what the chain itself had made before, then the least that will do.
    """
    found: dict[str, tuple[Outside, ...]] = {}
    told: list[Step] = []
    history: list[State] = [player.begin]
    for step in story:
        if isinstance(step, Run) and step.migration in failing:
            steps = _supplied(player, tuple(told), step, history, models)
            if steps:
                # Marked, so that nobody takes them for the application's own doing elsewhere in a story.
                steps = tuple(replace(item, ref=f"needed by {step.migration}") for item in steps)
                found[step.migration] = steps
                told += steps
        told.append(step)
        history.append(player.play(tuple(told)).final)
    return found


def _supplied(
    player: Player, before: Story, run: Run, history: list[State], models: Mapping[str, Group]
) -> tuple[Outside, ...]:
    steps: tuple[Outside, ...] = ()
    tried: set[Outside] = set()
    for _ in range(_MOST):
        played = player.play((*before, *steps, run))
        line = played.told[-1]
        if not line.error:
            return steps if not _left(played.final, steps, history[-1]) else ()
        broken = {item.step for item in played.told if item.error}
        steps = tuple(item for item in steps if item not in broken)
        text = player.contents[run.migration].content.text
        step = next((item for item in _makers(line, text, history, steps, models) if item not in tried), None)
        if step is None:
            return ()
        tried.add(step)
        kept = [item for item in steps if item.group.casefold() != step.group.casefold()]
        steps = (*kept, step)
    return ()


def _left(final: State, steps: tuple[Outside, ...], before: State) -> bool:
    """Whether something that was supplied outlives the migration: then it is no passing need."""
    return any(item.group.casefold() in final and item.group.casefold() not in before for item in steps)


def _makers(
    line: Told, text: str, history: list[State], steps: tuple[Outside, ...], models: Mapping[str, Group]
) -> Iterator[Outside]:
    """Yield the outside changes that could bring back what a failing DROP misses."""
    target = statement_target(line.failed)
    if not ABSENT.search(line.error):
        return
    name = target.name.casefold()
    owner = re.search(_INDEX_OF.format(re.escape(target.name)), text)
    modelled = models.get(owner[1].casefold() if owner else name)
    if target.verb == "drop" and modelled is not None and modelled.name.casefold() not in history[-1]:
        yield _made(modelled, "models")
    if target.verb == "drop" and target.kind in ("table", "view"):
        earlier = next((state[name] for state in reversed(history) if name in state), None)
        yield _made(earlier) if earlier else _stub(target.name, ())
    elif target.verb == "drop" and target.kind == "index":
        earlier = next((found for state in reversed(history) if (found := _holder(state, name))), None)
        if earlier is not None and earlier.name.casefold() not in history[-1]:
            yield _made(earlier)
        if owner is None:
            return
        table = owner[1]
        had = [item for step in steps if step.group.casefold() == table.casefold() for item in step.ddl[1:]]
        if table.casefold() not in history[-1]:
            yield _stub(table, (*had, _index(target.name, table)))
    elif target.verb == "alter" and (column := _COLUMN.search(line.failed)) and target.name:
        dropped = (column[1] or column[2]).replace('""', '"')
        if name in history[-1] and dropped.casefold() != "constraint":
            statement = f"ALTER TABLE {quoted(target.name)} ADD COLUMN {quoted(dropped)} INTEGER"
            yield Outside((statement,), "unknown", target.name, "", KNOWN)


def _holder(state: State, index: str) -> Group | None:
    for group in state.values():
        if any(item.kind == "index" and item.name.casefold() == index for item in group.objects):
            return group
    return None


def _made(group: Group, origin: str = "unknown") -> Outside:
    return Outside(group.source, origin, group.name, "", KNOWN)


def _stub(table: str, more: tuple[str, ...]) -> Outside:
    return Outside((f"CREATE TABLE {quoted(table)} (id INTEGER)", *more), "unknown", table, "", KNOWN)


def _index(name: str, table: str) -> str:
    return f"CREATE INDEX {quoted(name)} ON {quoted(table)} (id)"
