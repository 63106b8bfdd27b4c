"""Creations that do nothing, without a word, where something already has the name."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from forensics.explain.player import Player
from forensics.explain.story import Outside, Played, Run, State, apply
from forensics.model import Group, Migration
from forensics.sqltext import Target, split_script, statement_target


@dataclass(frozen=True, slots=True)
class Mask:
    """A permissive creation that met a group of the same name in another shape.

    ``by`` is the id of the migration that made what was there, or empty where that came from outside.
    """

    migration: str
    table: str
    statement: str
    by: str
    there: Group
    would: Group


@lru_cache(maxsize=4096)
def _texts(language: str, text: str) -> tuple[str, ...]:
    if language == "sql":
        return split_script(text)
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return ()
    literals = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return tuple(piece for literal in literals if "create" in literal.casefold() for piece in split_script(literal))


def statements(migration: Migration) -> tuple[str, ...]:
    """Return the statements that the text of a migration spells out (in Python: those in its string literals)."""
    return _texts(migration.language, migration.content.text)


def permissive_creates(migration: Migration) -> tuple[Target, ...]:
    """Return what a migration creates only if nothing has the name."""
    return tuple(target for target, _text in _permissive(migration))


def _permissive(migration: Migration) -> tuple[tuple[Target, str], ...]:
    found = ((statement_target(text), text) for text in statements(migration))
    return tuple((target, text) for target, text in found if target.verb == "create" and target.if_not_exists)


def masks(played: Played, player: Player) -> tuple[Mask, ...]:
    """Return every permissive creation of a story that met another shape."""
    found: list[Mask] = []
    state = played.begin
    makers: dict[str, str] = {}
    for line in played.told:
        if isinstance(line.step, Run):
            found += masked_here(player, line.step.migration, state, makers)
        for name, group in line.changed:
            if group is not None and name not in state:
                makers[name] = line.step.migration if isinstance(line.step, Run) else ""
        state = apply(state, line)
    return tuple(found)


def masked_here(player: Player, migration_id: str, state: State, makers: Mapping[str, str]) -> list[Mask]:
    """Return the permissive creations of one migration that would meet another shape in this state.

    Another shape is one that lacks a column which the creation would have made, or has one that it would not.
    """
    found = []
    for target, text in _permissive(player.contents[migration_id]):
        name = target.name.casefold()
        there = state.get(name)
        if target.kind != "table" or there is None:
            continue
        would = player.after({}, Outside((text,), "unknown", name))[0].get(name)
        if would is not None and _columns(would) != _columns(there) and makers.get(name) != migration_id:
            found.append(Mask(migration_id, there.name, text, makers.get(name, ""), there, would))
    return found


def _columns(group: Group) -> frozenset[str]:
    return frozenset(item.ident for item in group.objects if item.kind == "column")
