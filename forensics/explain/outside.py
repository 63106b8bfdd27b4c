"""Changes that no migration made: where their DDL could come from, and how to write it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher

from forensics.explain.compare import changed, distance
from forensics.explain.cost import KNOWN, OUTSIDE
from forensics.explain.player import Player
from forensics.explain.reference import Reference
from forensics.explain.story import Outside, State
from forensics.explain.subject import Subject
from forensics.model import Group, SchemaObject, SourceStatement
from forensics.sqltext import statement_target

CREATES = ("table", "view", "index", "trigger")


def quoted(name: str) -> str:
    """Return an identifier in the quotes of the SQL standard."""
    return '"' + name.replace('"', '""') + '"'


def creations(name: str, subject: Subject, reference: Reference, player: Player) -> Iterator[Outside]:
    """Yield every way in which something else could have created a group of the live schema.

    First the application's own statements, then its models, then the shapes that the chain itself gives it at some time, then
    the live text as it stands and without the columns that migrations add to it.
    """
    live = subject.live.get(name)
    if live is None:
        return
    yield from _from_sources(subject.sources.get(name, ()), live)
    modelled = (subject.models or {}).get(name)
    if modelled is not None and modelled.source:
        yield Outside(modelled.source, "models", live.name, "models", KNOWN)
    shapes: dict[str, Group] = {}
    for state in reference.states:
        group = state.get(name)
        if group is not None and group.source:
            shapes.setdefault(group.text, group)
    known = [*shapes.values()]
    for group in _reduced(name, live, reference, player):
        if group.source:
            distances = [distance(shape, group).meaning for shape in known]
            if known and not any(_alike(shape, group) for shape in known):
                distances = [0]  # another hand wrote it: it is no altered form of what the chain makes
            yield Outside(
                group.source,
                origin(group, subject),
                live.name,
                "",
                OUTSIDE * (1 + min(distances, default=len(group.objects))),
            )
    for group in shapes.values():
        yield Outside(group.source, "unknown", live.name, "", OUTSIDE)


def _alike(shape: Group, group: Group) -> bool:
    """Whether the stored text of a group could be an altered form of another: SQLite keeps what the author wrote."""
    one, other = shape.source[0], group.source[0]
    return one == other or SequenceMatcher(None, one, other, autojunk=False).ratio() > 0.7


def _from_sources(statements: Iterable[SourceStatement], live: Group) -> Iterator[Outside]:
    tables = [
        item for item in statements if statement_target(item.sql)[:2] in (("create", "table"), ("create", "view"))
    ]
    rest = [
        item for item in statements if statement_target(item.sql)[:2] in (("create", "index"), ("create", "trigger"))
    ]
    alters = [item for item in statements if statement_target(item.sql)[0] == "alter"]
    present = {item.name.casefold() for item in live.objects if item.kind in ("index", "trigger")}
    kept = tuple(item for item in rest if (statement_target(item.sql)[2] or "").casefold() in present)
    for table in tables:
        for extra in dict.fromkeys(((), kept, (*kept, *alters))):
            chosen = (table, *extra)
            yield Outside(tuple(item.sql for item in chosen), "application", live.name, table.ref, KNOWN)


def alterations(name: str, subject: Subject) -> Iterator[Outside]:
    """Yield the application's own ALTER statements, index and trigger creations for a group."""
    live = subject.live.get(name)
    for item in subject.sources.get(name, ()):
        verb, kind = statement_target(item.sql)[:2]
        if verb == "alter" or (verb == "create" and kind in ("index", "trigger")):
            yield Outside((item.sql,), "application", live.name if live else item.table, item.ref, KNOWN)


def _reduced(name: str, live: Group, reference: Reference, player: Player) -> Iterator[Group]:
    """Yield the live group, then without the last, the last two ... of its columns that migrations add."""
    added = {
        trace.key[2]
        for traces in reference.signatures.values()
        for trace in traces
        if trace.key[0] == "column" and trace.key[1] == name and trace.before is None
    }
    made = {
        trace.key[2]
        for traces in reference.signatures.values()
        for trace in traces
        if trace.key[0] in ("index", "trigger") and trace.key[1] == name and trace.after is not None
    }
    hanging = [item for item in live.objects if item.kind in ("index", "trigger") and item.ident in made]
    bare = live
    if hanging:
        statements = tuple(f"DROP {item.kind.upper()} {quoted(item.name)}" for item in hanging)
        state, told = player.after({name: live}, Outside(statements, "unknown", live.name))
        if not told.error and name in state:
            bare = state[name]
            yield bare
    yield live
    columns = sorted((item for item in bare.objects if item.kind == "column"), key=lambda item: item.position or 0)
    while len(columns) > 1 and columns[-1].ident in added:
        last = columns.pop()
        statement = f"ALTER TABLE {quoted(live.name)} DROP COLUMN {quoted(last.name)}"
        state, told = player.after({name: bare}, Outside((statement,), "unknown", live.name))
        if told.error or name not in state:
            return
        bare = state[name]
        yield bare


def added_columns(name: str, final: Group | None, live: Group | None) -> Iterator[Outside]:
    """Yield, for each column that only the live group has, the statement with which a person would have added it."""
    if final is None or live is None:
        return
    for _key, was, now in sorted(changed(final, live), key=lambda item: (item[2].position or 0) if item[2] else 0):
        if was is None and now is not None and now.kind == "column":
            yield Outside((add_column(live.name, now),), "unknown", live.name, "", OUTSIDE)


def add_column(table: str, column: SchemaObject) -> str:
    """Return the statement that adds a column as the live schema has it."""
    known = {**dict(column.trace), **dict(column.meaning)}
    text = f"ALTER TABLE {quoted(table)} ADD COLUMN {quoted(column.name)}"
    declared = known.get("declared") or known.get("type") or known.get("affinity")
    if declared:
        text += f" {declared}"
    if known.get("collation") and str(known["collation"]).casefold() != "binary":
        text += f" COLLATE {known['collation']}"
    if known.get("default") is not None:
        text += f" DEFAULT {known['default']}"
    if known.get("notnull"):
        text += " NOT NULL"
    return text


def renamings(name: str, final: State, live: State) -> Iterator[Outside]:
    """Yield the renaming of a column, or of the whole table, that a person would have made to come to the live group."""
    rebuilt, there = final.get(name), live.get(name)
    if there is None:
        return
    if rebuilt is None:
        for other, group in final.items():
            if other not in live and _columns(group) == _columns(there) and _columns(group):
                statement = f"ALTER TABLE {quoted(group.name)} RENAME TO {quoted(there.name)}"
                yield Outside((statement,), "unknown", there.name, "", OUTSIDE)
        return
    new = {item.position: item for item in there.objects if item.kind == "column" and item.key not in rebuilt.by_key}
    for item in sorted(rebuilt.objects, key=lambda item: item.position or 0):
        twin = new.get(item.position) if item.kind == "column" and item.key not in there.by_key else None
        if twin is not None and twin.meaning == item.meaning:
            statement = f"ALTER TABLE {quoted(rebuilt.name)} RENAME COLUMN {quoted(item.name)} TO {quoted(twin.name)}"
            yield Outside((statement,), "unknown", there.name, "", OUTSIDE)


def _columns(group: Group) -> list[tuple[int, str]]:
    return sorted((item.position or 0, item.ident) for item in group.objects if item.kind == "column")


def closing(final: State, subject: Subject, names: Iterable[str]) -> tuple[Outside, ...]:
    """Return the statements that turn what was rebuilt into the live schema, group by group, in a fixed order."""
    return tuple(step for name in sorted(names) for step in _closing(final.get(name), subject.live.get(name), subject))


def _closing(final: Group | None, live: Group | None, subject: Subject) -> Iterator[Outside]:
    if final is None and live is not None:
        whence = origin(live, subject)
        yield Outside(live.source, whence, live.name, _code(live, subject) if whence == "application" else "")
        return
    if live is None and final is not None:
        kind = "VIEW" if any(item.kind == "view" for item in final.objects) else "TABLE"
        yield Outside((f"DROP {kind} {quoted(final.name)}",), "unknown", final.name)
        return
    assert final is not None
    assert live is not None
    if any(item.kind == "view" for item in (*final.objects, *live.objects)):
        kind = "VIEW" if any(item.kind == "view" for item in final.objects) else "TABLE"
        yield Outside((f"DROP {kind} {quoted(final.name)}", *live.source), origin(live, subject), live.name)
        return
    drops, adds, rebuild = [], [], False
    texts = {(statement_target(text)[2] or "").casefold(): text for text in live.source}
    for key, was, now in sorted(changed(final, live), key=lambda item: item[0]):
        if was is not None and now is not None and was.meaning == now.meaning:
            continue
        kind = key[0]
        if kind in ("index", "trigger"):
            if was is not None:
                drops.append(f"DROP {kind.upper()} {quoted(was.name)}")
            if now is not None and now.name.casefold() in texts:
                adds.append(texts[now.name.casefold()])
        elif kind == "column" and was is None and now is not None and not dict(now.meaning).get("generated"):
            adds.insert(0, add_column(live.name, now))
        elif kind == "column" and now is None and was is not None:
            drops.append(f"ALTER TABLE {quoted(live.name)} DROP COLUMN {quoted(was.name)}")
        else:
            rebuild = True
    if rebuild:
        yield from rebuilt(final, live, subject)
        return
    for statement in (*drops, *adds):
        yield Outside((statement,), origin_of(statement, live, subject), live.name)


def rebuilt(final: Group, live: Group, subject: Subject) -> Iterator[Outside]:
    """Yield one change that puts the live table in the place of the rebuilt one, as a hand-made rebuild does."""
    spare = quoted(live.name + "__before")
    old = [item for item in final.objects if item.kind in ("index", "trigger")]
    statements = [f"DROP {item.kind.upper()} {quoted(item.name)}" for item in old]
    statements += ["PRAGMA foreign_keys=OFF", "PRAGMA legacy_alter_table=ON", f"ALTER TABLE {quoted(final.name)} RENAME TO {spare}"]
    statements += ["PRAGMA legacy_alter_table=OFF", *live.source, f"DROP TABLE {spare}"]
    yield Outside(tuple(statements), origin(live, subject), live.name)


def _code(group: Group, subject: Subject) -> str:
    """Return where the application's code creates a group."""
    statements = subject.sources.get(group.name.casefold(), ())
    return next((item.ref for item in statements if statement_target(item.sql)[0] == "create"), "")


def origin(group: Group, subject: Subject) -> str:
    """Return the likely origin of a whole group: whose code or models hold the same definition."""
    modelled = (subject.models or {}).get(group.name.casefold())
    if modelled is not None and modelled.meaning == group.meaning:
        return "models"
    if any(statement_target(item.sql)[0] == "create" for item in subject.sources.get(group.name.casefold(), ())):
        return "application"
    return "person" if subject.searched else "unknown"


def origin_of(statement: str, live: Group, subject: Subject) -> str:
    """Return the likely origin of one statement on a group."""
    verb, kind, name = statement_target(statement)[:3]
    for item in subject.sources.get(live.name.casefold(), ()):
        if statement_target(item.sql)[:3] == (verb, kind, name) and verb == "create":
            return "application"
    return "person" if subject.searched else "unknown"
