"""What is evident without another replay: the state of objects of the live schema that only one migration can have brought about."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from forensics.explain.compare import changed
from forensics.explain.search import Search
from forensics.explain.sight import words
from forensics.explain.story import Outside, Played, Run, Step, apply
from forensics.model import Key

_KINDS = ("table", "column", "index", "primary_key", "unique", "foreign_key", "check")
# What can make an object only because it is not there.
_CONDITIONAL = re.compile(r"\b(?:exists|replace|do|if_not_exists|checkfirst|suppress)\b", re.IGNORECASE)
_BRANCHES = (ast.If, ast.IfExp, ast.Try, ast.While, ast.comprehension)
# What makes objects whose names stand in no text of the migration.
_MODELS = re.compile(r"create_all|checkfirst|__table__|\.create\(|importlib|__import__|^\s*from\s+\.", re.MULTILINE)
_PROJECT = re.compile(r"^\s*(?:from|import)\s+(?!(?:alembic|sqlalchemy|typing|__future__)\b)(\w+)", re.MULTILINE)
_HOLES = re.compile(r"%s|%\(\w+\)s|\{\w*\}")
_PIECE = 3
_TEMPORARY = re.compile(r"ALTER TABLE \W*_alembic_tmp_\w+\W+RENAME TO", re.IGNORECASE)


class Evident:
    """The objects that are evident in one played story; see `keys`."""

    def __init__(self, search: Search, played: Played) -> None:
        self._search = search
        self._played = played
        self._lasts = _lasts(played)
        self._threats: dict[Step, _Threat] = {}
        self._keys: dict[str, frozenset[Key]] = {}

    def keys(self, name: str) -> frozenset[Key]:
        """Return what would end otherwise without a migration: what it created, altered or dropped as the last one to do so.

        And no later step could do that in its place. To create an object it would have to look what is there, and to be able to
        spell the object's name; to alter or drop it the name is enough.
        """
        found = self._keys.get(name)
        if found is None:
            at = next((n for n, line in enumerate(self._played.told) if line.step == Run(name)), -1)
            found = self._keys[name] = frozenset(
                key for key, (place, created) in self._lasts.items() if place == at and not self._done_again(key, at, created)
            )
        return found

    def needed_whole(self, name: str) -> bool:
        """Whether the last statement of a migration made something evident."""
        earlier, last = self._search.player.statement_words(name)
        if _TEMPORARY.search(last):
            return True
        spelled = words(last) - earlier
        return any(bool(leaf) and leaf <= spelled for leaf in map(_leaf, self.keys(name)))

    def _done_again(self, key: Key, at: int, created: bool) -> bool:
        leaf, table = _leaf(key), (key[1] or key[2]).rpartition(".")[2].casefold()
        for line in self._played.told[at + 1 :]:
            threat = self._threat(line.step)
            if threat.anything or (not created and self._search.player.names(line.step) is None):
                return True
            if (threat.conditional or not created) and threat.can_spell(leaf, table):
                return True
        return False

    def _threat(self, step: Step) -> _Threat:
        found = self._threats.get(step)
        if found is None:
            player = self._search.player
            if isinstance(step, Outside):
                found = _threat_of_sql("\n".join(step.ddl))
            elif player.contents[step.migration].language == "sql":
                found = _threat_of_sql(player.contents[step.migration].content.text)
            else:
                found = _threat_of_python(player.contents[step.migration].content.text)
            self._threats[step] = found
        return found


@dataclass(frozen=True, slots=True)
class _Threat:
    """What a step could make that it did not make: only where it looks what is there, and only under names that it can spell.

    ``pieces`` are parts of names that it puts together. ``elsewhere``: it takes names from the project's modules.
    """

    anything: bool
    conditional: bool
    spelled: frozenset[str]
    pieces: frozenset[str] = frozenset()
    elsewhere: bool = False

    def can_spell(self, leaf: frozenset[str], table: str) -> bool:
        """Whether the step could name an object of a table."""
        return (self.elsewhere or self._spells(table)) and all(map(self._spells, leaf))

    def _spells(self, name: str) -> bool:
        return name in self.spelled or any(piece in name for piece in self.pieces)


def _threat_of_sql(text: str) -> _Threat:
    return _Threat(False, bool(_CONDITIONAL.search(text)), words(text))


def _threat_of_python(text: str) -> _Threat:
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError):
        return _Threat(True, True, frozenset())
    texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    conditional = any(isinstance(node, _BRANCHES) for node in nodes) or bool(_CONDITIONAL.search("\n".join(texts)))
    pieces = frozenset(piece.casefold() for node in nodes for piece in _pieces(node))
    spelled = words("\n".join(texts))
    elsewhere = not _known(_PROJECT.findall(text))
    return _Threat(bool(_MODELS.search(text)), conditional, spelled, pieces, elsewhere)


def _known(modules: Iterable[str]) -> bool:
    return all(name in sys.stdlib_module_names for name in modules)


def _pieces(node: ast.AST) -> Iterator[str]:
    """Yield the parts of names that an expression puts together: letters that stand right beside what is put in."""
    texts: list[str] = []
    if isinstance(node, ast.JoinedStr):
        texts = "".join(str(part.value) if isinstance(part, ast.Constant) else "\0" for part in node.values).split("\0")
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        texts = [side.value for side in (node.left, node.right) if isinstance(side, ast.Constant) and isinstance(side.value, str)]
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _HOLES.search(node.value):
        texts = _HOLES.split(node.value)
    for text in texts:
        for found in (re.search(r"\w+\Z", text), re.match(r"\w+", text)):
            if found and len(found[0].strip("_")) >= _PIECE - 1:
                yield found[0]


def _leaf(key: Key) -> frozenset[str]:
    return words(key[2].rpartition(".")[2] if key[0] in ("table", "column", "index") else key[2])


def _lasts(played: Played) -> dict[Key, tuple[int, bool]]:
    """Return, for each object, the place of the last step that wrote it and whether nobody else had made it before.

    What a table lost or gained counts only while the table stands at the end.
    """
    known = {key for group in played.begin.values() for key in group.by_key}
    found: dict[Key, tuple[int, bool]] = {}
    state = played.begin
    for at, line in enumerate(played.told):
        for name, group in line.changed:
            for key, _was, _now in changed(state.get(name), group):
                if key[0] in _KINDS:
                    found[key] = (at, key not in known)
                    known.add(key)
        state = apply(state, line)
    there = {key for group in played.final.values() for key in group.by_key}
    tables = {key[2] for key in there if key[0] == "table"}
    return {key: item for key, item in found.items() if key in there or key[1] in tables}
