"""Two states of one group of SQLite objects -> the statements that turn the first into the second. Pure text."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.model import Group, SchemaObject
from forensics.sqltext import quote, statement_target


def remove(item: SchemaObject) -> tuple[str, ...]:
    """Return the statement that removes an object of its own; nothing for what only a rebuild removes."""
    if item.kind == "column":
        return (f"ALTER TABLE {quote(item.table or '')} DROP COLUMN {quote(item.name)}",)
    if item.kind in ("table", "view", "index", "trigger"):
        return (f"DROP {item.kind.upper()} {quote(item.name)}",)
    return ()


def add_column(column: SchemaObject) -> tuple[str, ...]:
    """Return the statement that adds a column as the object describes it."""
    known = {**dict(column.trace), **dict(column.meaning)}
    text = f"ALTER TABLE {quote(column.table or '')} ADD COLUMN {quote(column.name)}"
    declared = known.get("declared") or known.get("type") or known.get("affinity")
    if declared:
        text += f" {declared}"
    if known.get("collation") and str(known["collation"]).casefold() != "binary":
        text += f" COLLATE {known['collation']}"
    if known.get("default") is not None:
        # As it was written: an expression needs its parentheses.
        text += f" DEFAULT {dict(column.trace).get('default', known['default'])}"
    if known.get("notnull"):
        text += " NOT NULL"
    return (text,)


def turn(was: Group, now: Group) -> Iterator[tuple[str, ...]]:
    """Yield the changes that turn one group into another, each as the statements that a person would have run."""
    if any(item.kind == "view" for item in (*was.objects, *now.objects)):
        kind = "VIEW" if any(item.kind == "view" for item in was.objects) else "TABLE"
        yield (f"DROP {kind} {quote(was.name)}", *now.source)
        return
    drops: list[tuple[str, ...]] = []
    adds: list[tuple[str, ...]] = []
    texts = {statement_target(text).name.casefold(): text for text in now.source}
    for key in sorted(was.by_key.keys() | now.by_key.keys()):
        old, new = was.by_key.get(key), now.by_key.get(key)
        if old is not None and new is not None and old.meaning == new.meaning:
            continue
        if key[0] in ("index", "trigger"):
            drops += [remove(old)] if old is not None else []
            adds += [(texts[new.name.casefold()],)] if new is not None and new.name.casefold() in texts else []
        elif key[0] == "column" and old is None and new is not None and not dict(new.meaning).get("generated"):
            adds.insert(0, add_column(new))
        elif key[0] == "column" and new is None and old is not None:
            drops.append(remove(old))
        else:
            yield _rebuild(was, now)
            return
    yield from (*drops, *adds)


def _rebuild(was: Group, now: Group) -> tuple[str, ...]:
    """Return what puts one table in the place of another, as a hand-made rebuild does."""
    spare = quote(now.name + "__before")
    old = [statement for item in was.objects if item.kind in ("index", "trigger") for statement in remove(item)]
    return (
        *old,
        "PRAGMA foreign_keys=OFF",
        "PRAGMA legacy_alter_table=ON",
        f"ALTER TABLE {quote(was.name)} RENAME TO {spare}",
        "PRAGMA legacy_alter_table=OFF",
        *now.source,
        f"DROP TABLE {spare}",
    )
