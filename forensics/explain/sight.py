"""What a step can see of a schema: the groups that its text names, and what hangs on them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from forensics.explain.story import Outside, Run, State, Step
from forensics.explain.tape import Sight
from forensics.model import Group, Migration, SchemaObject

WORD = re.compile(r"[^\W\d]\w*")
QUOTED = re.compile(r'"((?:[^"]|"")+)"|`([^`]+)`|\[([^\]]+)\]')
# What makes a Python migration depend on more than the names that its text spells.
DYNAMIC = re.compile(
    r"get_table_names|get_view_names|get_sorted_table|sqlite_master|sqlite_schema|information_schema|pg_catalog|"
    r"\.reflect\(|sorted_tables|create_all|drop_all|__import__|importlib",
)
# Names that are put together, or come from elsewhere: what it executed in the chain's own replay tells them.
COMPOSED = re.compile(
    r"\bf[\"']|[\"']\s*%\s|\.format\(|^\s*(?:from|import)\s+(?!(?:alembic|sqlalchemy|typing|__future__)\b)", re.MULTILINE
)

NOTHING = Sight((), frozenset(), frozenset(), frozenset())
_KEYS = ("table", "primary_key", "unique", "foreign_key", "exclusion")


def words(text: str) -> frozenset[str]:
    """Return every name that a text could mean, case-folded: words, and what stands in identifier quotes."""
    found = {word.casefold() for word in WORD.findall(text)}
    for parts in QUOTED.findall(text):
        found.update(part.replace('""', '"').casefold() for part in parts if part)
    return frozenset(found)


def bare(name: str) -> str:
    """Return a group's name as a text would have it: a function's without its arguments, any without its schema."""
    return name.partition("(")[0].rpartition(".")[2]


class Eyes:
    """Tells of each step of one chain what it can see.

    ``executed`` are the names in what migrations executed in the chain's own replay; ``blind`` are those whose text and statements
    do not tell what they touch.
    """

    def __init__(self, contents: Mapping[str, Migration], dialect: str) -> None:
        self.executed: dict[str, frozenset[str]] = {}
        self.blind: set[str] = set()
        self._contents = contents
        self._dialect = dialect
        self._words: dict[Step, frozenset[str] | None] = {}
        self._object_words: dict[int, tuple[SchemaObject, frozenset[str]]] = {}
        self._group_words: dict[int, tuple[Group, frozenset[str], frozenset[str]]] = {}

    def blinded(self, name: str) -> None:
        """Take a migration for one that may touch anything, from now on."""
        self.blind.add(name)
        self._words.clear()

    def names(self, step: Step) -> frozenset[str] | None:
        """Return every name that a step can touch; None where its text does not tell."""
        if step not in self._words:
            self._words[step] = self._spelled(step)
        return self._words[step]

    def _spelled(self, step: Step) -> frozenset[str] | None:
        if isinstance(step, Outside):
            return words("\n".join(step.ddl))
        migration = self._contents[step.migration]
        text = migration.content.text
        if step.migration in self.blind or (migration.language == "python" and DYNAMIC.search(text)):
            return None
        found = words(text)
        if migration.language == "python" and COMPOSED.search(text):
            executed = self.executed.get(step.migration)
            if executed is None:
                return None
            found |= executed
        if "batch_alter_table" in text:  # it works on a table of this name, which an interrupted run leaves behind
            found |= {f"_alembic_tmp_{word}" for word in found}
        return found

    def _known(self, group: Group) -> tuple[Group, frozenset[str], frozenset[str]]:
        found = self._group_words.get(id(group))
        if found is None:
            named = {group.name.casefold(), bare(group.name.casefold())}
            named.update(item.name.casefold() for item in group.objects if item.kind in ("index", "trigger", "view"))
            found = (group, frozenset(named), words("\n".join(group.source)))
            self._group_words[id(group)] = found
        return found

    def look(self, state: State, step: Step) -> Sight:
        """Return what a step sees of a state: what its text names, what hangs on that, and what must be there to check it."""
        spelled = self.names(step)
        if spelled is None:
            return Sight(tuple(state.values()), frozenset(state), frozenset(), frozenset(), everything=True)
        known = [(name, *self._known(group)) for name, group in state.items()]
        direct = {name for name, _group, named, _words in known if not named.isdisjoint(spelled)}
        if not direct:
            return NOTHING
        spoken = direct | set(map(bare, direct))
        wanted = direct | {name for name, _group, _named, words in known if not words.isdisjoint(spoken)}
        follow = self._reflects(step)
        leading: set[str] = set()
        news = wanted
        while news:  # what a view or a trigger mentions must be there when SQLite checks it, and a reflection follows keys
            for name in news:
                group = state[name]
                if follow or any(item.kind in ("view", "trigger") for item in group.objects):
                    leading |= self._known(group)[2]
            news = {name for name in state if name in leading or bare(name) in leading} - wanted
            wanted = wanted | news
        groups = tuple(group for name, group in state.items() if name in wanted)
        return Sight(groups, frozenset(wanted), frozenset(spoken), frozenset(leading))

    def newly(self, step: Step, sight: Sight, group: Group) -> bool:
        """Whether a step that saw this also sees a group that was not there, or that was another."""
        _group, named, spelled = self._known(group)
        own = self.names(step)
        return (
            own is None
            or not named.isdisjoint(own)
            or not spelled.isdisjoint(sight.direct)
            or not sight.leading.isdisjoint((group.name.casefold(), bare(group.name.casefold())))
        )

    def _reflects(self, step: Step) -> bool:
        """Whether what a step touches needs what that refers to: reflections follow keys, and PostgreSQL checks them."""
        if self._dialect == "postgresql":
            return True
        return isinstance(step, Run) and self._contents[step.migration].language == "python"

    def outline(self, sight: Sight, step: Step) -> tuple[object, frozenset[str]]:
        """Return what of a sight a step that goes through can depend on, and the tables that it sees from beside only.

        Of a table that the step does not name, but that refers to what it names or is referred to, only the keys matter and what
        mentions one of the names.
        """
        parts: list[object] = [step]
        beside: list[str] = []
        for group in sight.groups:
            name = group.name.casefold()
            plain = group.objects and group.objects[0].kind == "table" and not any(
                item.kind in ("view", "trigger") for item in group.objects
            )
            if name in sight.direct or not plain:
                parts.append((group.name, group.text))
            else:
                beside.append(name)
                parts.append((group.name, self._keys(group, sight.direct)))
        return tuple(parts), frozenset(beside)

    def _keys(self, group: Group, direct: frozenset[str]) -> object:
        """Return the keys of a table, their columns, and what mentions one of these names."""
        keyed = {
            part
            for item in group.objects if item.kind in ("primary_key", "unique")
            for part in self._spelled_in(item)
        }  # fmt: skip
        return tuple(
            (item.key, item.name, item.meaning)
            for item in group.objects
            if item.kind in _KEYS
            or (item.kind == "column" and item.name.casefold() in keyed)
            or not direct.isdisjoint(self._spelled_in(item))
        )

    def _spelled_in(self, item: SchemaObject) -> frozenset[str]:
        found = self._object_words.get(id(item))
        if found is None:
            found = self._object_words[id(item)] = (item, words(f"{item.ident} {item.meaning}"))
        return found[1]
