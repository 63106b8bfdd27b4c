"""Changes that no migration made: where their DDL could come from, and how to write it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher

from forensics.explain.closing import origin
from forensics.explain.compare import NAMED, changed, elementary
from forensics.explain.cost import KNOWN, OUTSIDE
from forensics.explain.former import alone, called, formerly
from forensics.explain.player import Player
from forensics.explain.reference import Reference
from forensics.explain.story import Outside, State
from forensics.explain.subject import Subject
from forensics.explain.writing import add_column, cascading, create, remove, rename_column, rename_table, rename_type
from forensics.model import Group, SourceStatement
from forensics.sqltext import statement_target

CREATES = ("table", "view", "index", "trigger")


def creations(name: str, subject: Subject, reference: Reference, player: Player) -> Iterator[Outside]:
    """Yield every way in which something else could have created a group of the live schema.

    First the application's own statements, then its models, then the shapes that the chain itself gives it at some time, then
    the live text as it stands and without the columns that migrations add to it.
    """
    live = subject.live.get(name)
    if live is None:
        return
    for former in sorted(called(name, reference)):
        yield from _from_sources(subject.sources.get(former, ()), live)
    modelled = (subject.models or {}).get(name)
    if modelled is not None and modelled.source:
        yield Outside(modelled.source, "models", live.name, "models", KNOWN)
    shapes: dict[str, Group] = {}
    for state in reference.states:
        for former in called(name, reference):
            group = state.get(former)
            if group is not None and group.source:
                shapes.setdefault(group.text, group)
    known = [*shapes.values()]
    reduced = list(_reduced(name, live, reference, player, subject))
    for group in (*reduced, *formerly(name, subject, reduced, reference, player)):
        if group.source:
            distances = [_apart(shape, group) for shape in known if shape.name == group.name]
            if subject.dialect == "sqlite" and known and not any(_alike(shape, group) for shape in known):
                distances = [0]  # another hand wrote it: it is no altered form of what the chain makes
            yield Outside(
                group.source,
                origin(group, subject),
                group.name,
                "",
                OUTSIDE * (1 + min(distances, default=len(group.objects))),
            )
    for group in shapes.values():
        yield Outside(group.source, "unknown", group.name, "", OUTSIDE)


def _apart(shape: Group, group: Group) -> int:
    """Count the elementary differences of two tables, without what only the first has hanging on it: that may come later."""
    pairs = ((was, now) for key, was, now in changed(shape, group) if key[0] not in NAMED or now is not None)
    return sum(elementary(was, now) for was, now in pairs if was is None or now is None or was.meaning != now.meaning)


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
            yield Outside(tuple(item.sql for item in chosen), "application", table.table, table.ref, KNOWN)


def alterations(name: str, subject: Subject) -> Iterator[Outside]:
    """Yield the application's own ALTER statements, index and trigger creations for a group."""
    live = subject.live.get(name)
    for item in subject.sources.get(name, ()):
        verb, kind = statement_target(item.sql)[:2]
        if verb == "alter" or (verb == "create" and kind in ("index", "trigger")):
            yield Outside((item.sql,), "application", live.name if live else item.table, item.ref, KNOWN)


def _reduced(name: str, live: Group, reference: Reference, player: Player, subject: Subject) -> Iterator[Group]:
    """Yield the live group, then without the last, the last two ... of its columns that migrations add."""
    dialect = subject.dialect
    names = called(name, reference)
    added = {
        trace.key[2]
        for traces in reference.signatures.values()
        for trace in traces
        if trace.key[0] == "column" and trace.key[1] in names and trace.before is None
    }
    made = {
        trace.key[2]
        for traces in reference.signatures.values()
        for trace in traces
        if trace.key[0] in ("index", "trigger") and trace.key[1] in names and trace.after is not None
    }
    hanging = [item for item in live.objects if item.kind in ("index", "trigger") and item.ident in made]
    bare = live
    if hanging:
        statements = tuple(text for item in hanging for text in remove(dialect, item))
        state, told = player.after(alone(subject, live), Outside(statements, "unknown", live.name))
        if not told.error and name in state:
            bare = state[name]
            yield bare
    yield live
    columns = sorted((item for item in bare.objects if item.kind == "column"), key=lambda item: item.position or 0)
    while len(columns) > 1 and columns[-1].ident in added:
        last = columns.pop()
        state, told = player.after(alone(subject, bare), Outside(remove(dialect, last), "unknown", live.name))
        if told.error or name not in state:
            return
        bare = state[name]
        yield bare


def added_columns(name: str, final: Group | None, live: Group | None, dialect: str) -> Iterator[Outside]:
    """Yield, for each column that only the live group has, the statement with which a person would have added it."""
    if final is None or live is None:
        return
    for _key, was, now in sorted(changed(final, live), key=lambda item: (item[2].position or 0) if item[2] else 0):
        if was is None and now is not None and now.kind == "column":
            yield Outside(add_column(dialect, now), "unknown", live.name, "", OUTSIDE)


def hangings(name: str, final: State, live: State, dialect: str) -> Iterator[Outside]:
    """Yield the statements of a person where only one of the two states has an index, a trigger, or a column or the table that is gone.

    Where in the order counts: a later rebuild of the table makes an index again, or loses it. What hangs on a column or a table goes
    with it, so that a check or a key that is missing too takes no statement of its own.
    """
    rebuilt, there = final.get(name), live.get(name)
    if rebuilt is None:
        return
    if there is None:
        for statements in (remove(dialect, rebuilt.objects[0]), cascading(dialect, rebuilt.objects[0])):
            if statements:
                yield Outside(statements, "unknown", rebuilt.name, "", OUTSIDE)
        return
    for key in sorted(rebuilt.by_key.keys() ^ there.by_key.keys()):
        new = there.by_key.get(key)
        if key[0] in ("index", "trigger"):
            statements = create(dialect, new, there) if new is not None else remove(dialect, rebuilt.by_key[key])
        else:
            statements = remove(dialect, rebuilt.by_key[key]) if key[0] == "column" and new is None else ()
        if statements:
            yield Outside(statements, "unknown", there.name, "", OUTSIDE)


def renamings(name: str, final: State, live: State, dialect: str) -> Iterator[Outside]:
    """Yield the renaming of a column, or of the whole table, that a person would have made to come to the live group."""
    rebuilt, there = final.get(name), live.get(name)
    if rebuilt is None or there is None:  # a name that no migration mentions is looked for from the one that they do
        pairs = [(group, there) for other, group in final.items() if there and other not in live]
        pairs += [(rebuilt, group) for other, group in live.items() if rebuilt and other not in final]
        for was, now in pairs:
            if was and now and _alike_but_for_the_name(was, now):
                rename = rename_type if was.objects[0].kind == "enum" else rename_table
                yield Outside((rename(dialect, was.name, now.name),), "unknown", now.name, "", OUTSIDE)
        return
    new = {item.position: item for item in there.objects if item.kind == "column" and item.key not in rebuilt.by_key}
    for item in sorted(rebuilt.objects, key=lambda item: item.position or 0):
        twin = new.get(item.position) if item.kind == "column" and item.key not in there.by_key else None
        if twin is not None and twin.meaning == item.meaning:
            statement = rename_column(dialect, rebuilt.name, item.name, twin.name)
            yield Outside((statement,), "unknown", there.name, "", OUTSIDE)


def _alike_but_for_the_name(was: Group, now: Group) -> bool:
    one, other = was.objects[0], now.objects[0]
    if one.kind == other.kind == "enum":
        return one.meaning == other.meaning
    return bool(_columns(was)) and _columns(was) == _columns(now)


def _columns(group: Group) -> list[tuple[int, str]]:
    return sorted((item.position or 0, item.ident) for item in group.objects if item.kind == "column")
