"""What is left over at the end of a story, as changes from outside with their likely origin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from forensics.explain.story import Outside, State
from forensics.explain.subject import Subject
from forensics.explain.writing import remove, turn
from forensics.model import Group
from forensics.sqltext import statement_target


def closing(final: State, subject: Subject, names: Iterable[str]) -> tuple[Outside, ...]:
    """Return the statements that turn what was rebuilt into the live schema, group by group, in a fixed order."""
    return tuple(step for name in sorted(names) for step in _closing(final.get(name), subject.live.get(name), subject))


def _closing(final: Group | None, live: Group | None, subject: Subject) -> Iterator[Outside]:
    if final is None and live is not None:
        whence = origin(live, subject)
        yield Outside(live.source, whence, live.name, _code(live, subject) if whence == "application" else "")
    elif live is None and final is not None:
        yield Outside(remove(subject.dialect, final.objects[0]), "unknown", final.name)
    elif live is not None and final is not None:
        for statements in turn(subject.dialect, final, live):
            whole = len(statements) > 1
            whence = origin(live, subject) if whole else origin_of(statements[0], live, subject)
            yield Outside(statements, whence, live.name)


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
