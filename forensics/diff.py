"""Two snapshots in, what differs between them out: meaning, never spelling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from forensics.model import KINDS, Change, Group, Key, SchemaObject, Snapshot
from forensics.sqltext import name_key

_KIND_ORDER = {kind: place for place, kind in enumerate(KINDS)}
# Nothing refers to these by name, so one definition under two names is one thing.
_NAMELESS = frozenset(("index", "trigger"))

Pair = tuple[Group, Group]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Everything that differs, sorted by how much it matters.

    ``changes`` are drift. ``renamed`` are changes of state ``renamed``: one definition under two names. ``spelling``
    are groups that mean the same and were written differently, ``reordered`` those whose columns stand in another
    order; both as pairs of the expected and the actual group.
    """

    changes: tuple[Change, ...] = ()
    renamed: tuple[Change, ...] = ()
    spelling: tuple[Pair, ...] = ()
    reordered: tuple[Pair, ...] = ()


def diff(expected: Snapshot, actual: Snapshot) -> tuple[Change, ...]:
    """Return every object that is missing, extra or altered in ``actual``.

    Spelling, constraint names and column order are no difference; an index under another name is one missing and one
    extra (see `name_only`). The order is fixed: by group, then by kind, then by identity.
    """
    changes: list[Change] = []
    for wanted, found in _unequal(expected, actual):
        changes += group_diff(wanted, found)
    return tuple(changes)


def name_only(expected: Snapshot, actual: Snapshot) -> Difference:
    """Return the difference with what differs in name, in spelling or in column order apart from drift."""
    changes: list[Change] = []
    renamed: list[Change] = []
    spelling: list[Pair] = []
    reordered: list[Pair] = []
    for wanted, found in _pairs(expected, actual):
        if wanted is found:
            continue
        drift, names = _without_renames(group_diff(wanted, found))
        changes += drift
        if wanted and found:
            renamed += [*names, *_renamed_constraints(wanted, found)]
            if not drift and not names and wanted.trace != found.trace:
                spelling.append((wanted, found))
            if _order(wanted, found) != _order(found, wanted):
                reordered.append((wanted, found))
    return Difference(
        changes=tuple(changes), renamed=tuple(renamed), spelling=tuple(spelling), reordered=tuple(reordered)
    )


def _order(group: Group, other: Group) -> list[str]:
    """Return the columns of a group that another one has too, in their order."""
    own = [item for item in group.objects if item.kind == "column" and item.key in other.by_key]
    return [item.ident for item in sorted(own, key=lambda item: item.position or 0)]


def group_diff(expected: Group | None, actual: Group | None) -> tuple[Change, ...]:
    """Return the changes of one group, where either side may not exist at all."""
    if expected is actual:
        return ()
    wanted = {} if expected is None else expected.by_key
    found = {} if actual is None else actual.by_key
    changes: list[Change] = []
    for key in wanted.keys() | found.keys():
        before, after = wanted.get(key), found.get(key)
        if before is None or after is None:
            changes.append(Change(state="missing" if after is None else "extra", expected=before, actual=after))
        elif before.meaning != after.meaning:
            changes.append(altered(before, after))
    return tuple(sorted(changes, key=_place))


def altered(expected: SchemaObject, actual: SchemaObject) -> Change:
    """Return the change between two objects of one identity, attribute by attribute; what is not said is None."""
    before, after = dict(expected.meaning), dict(actual.meaning)
    attributes = tuple(
        (name, before.get(name), after.get(name))
        for name in dict.fromkeys((*before, *after))
        if before.get(name) != after.get(name) or type(before.get(name)) is not type(after.get(name))
    )
    return Change(state="altered", expected=expected, actual=actual, attributes=attributes)


def outermost(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """Leave out the changes inside tables and views that are themselves missing or extra."""
    whole = {
        (change.state, change.subject.ident)
        for change in changes
        if change.subject.kind in ("table", "view") and change.state != "altered"
    }
    return tuple(
        change
        for change in changes
        if change.subject.table is None or (change.state, name_key(change.subject.table)) not in whole
    )


def _place(change: Change) -> tuple[int, int, Key, str]:
    item = change.subject
    return _KIND_ORDER.get(item.kind, len(_KIND_ORDER)), item.position or 0, item.key, change.state


def _sides(expected: Snapshot, actual: Snapshot) -> tuple[Mapping[str, Group], Mapping[str, Group]]:
    wanted, found = expected.by_name, actual.by_name
    if len(wanted) < len(expected.groups) or len(found) < len(actual.groups):
        # SQLite folds the letters A to Z only: two of its names can be one to Unicode.
        wanted, found = ({group.name: group for group in side.groups} for side in (expected, actual))
    return wanted, found


def _pairs(expected: Snapshot, actual: Snapshot) -> Iterator[tuple[Group | None, Group | None]]:
    wanted, found = _sides(expected, actual)
    for name in sorted(wanted.keys() | found.keys()):
        yield wanted.get(name), found.get(name)


def _unequal(expected: Snapshot, actual: Snapshot) -> Iterator[tuple[Group | None, Group | None]]:
    wanted, found = _sides(expected, actual)
    names = [name for name in found if name not in wanted]
    names += [name for name, group in wanted.items() if not _equal(group, found.get(name))]
    for name in sorted(names):
        yield wanted.get(name), found.get(name)


def _equal(wanted: Group, found: Group | None) -> bool:
    if wanted is found:
        return True
    if found is None:
        return False
    # A digest costs more than one comparison, so it is only used where both are there already.
    if _digested(wanted) and _digested(found):
        return wanted.meaning == found.meaning
    return wanted.objects == found.objects


def _digested(group: Group) -> bool:
    return "meaning" in vars(group)


def _without_renames(changes: tuple[Change, ...]) -> tuple[list[Change], list[Change]]:
    """Take the pairs of missing and extra that are one definition out of the changes."""
    kept: list[Change] = []
    extra: dict[object, list[Change]] = {}
    for change in changes:
        if change.state == "extra" and change.subject.kind in _NAMELESS:
            extra.setdefault((change.subject.kind, change.subject.meaning), []).append(change)
    renamed: list[Change] = []
    gone: set[int] = set()
    for change in changes:
        item = change.expected
        twins = extra.get((item.kind, item.meaning)) if item is not None and change.state == "missing" else None
        if item is None or not twins:
            continue
        twin = twins.pop(0)
        gone |= {id(change), id(twin)}
        assert twin.actual is not None
        renamed.append(_rename(item, twin.actual))
    kept = [change for change in changes if id(change) not in gone]
    return kept, renamed


def _rename(expected: SchemaObject, actual: SchemaObject) -> Change:
    return Change(
        state="renamed", expected=expected, actual=actual, attributes=(("name", expected.name, actual.name),)
    )


def _renamed_constraints(expected: Group, actual: Group) -> Iterator[Change]:
    for key, before in expected.by_key.items():
        after = actual.by_key.get(key)
        if after is None or before.meaning != after.meaning:
            continue
        names = dict(before.trace).get("name"), dict(after.trace).get("name")
        if names[0] != names[1] and names[0] is not None and names[1] is not None:
            yield _rename(before, after)
