"""A graph of revisions: the order in which Alembic walks it, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from forensics.model import ChainProblem, Migration


def arrange(found: Sequence[Migration]) -> tuple[tuple[Migration, ...], tuple[ChainProblem, ...]]:
    """Return the revisions in the order in which Alembic runs them, and the problems of their graph.

    ``found`` is in the order of the file names, which is what decides between branches. A revision that two files
    declare stays in twice, the second as ``revision@file``. ``depends_on`` comes out as ids. Revisions on a cycle
    follow after all others.
    """
    problems: list[ChainProblem] = []
    unique: dict[str, Migration] = {}
    twins: dict[str, list[Migration]] = {}
    for item in found:
        if item.id in unique:
            item = replace(item, id=f"{item.id}@{item.file}")
            twins.setdefault(item.version, []).append(item)
        unique[item.id] = item
    for version, extra in twins.items():
        group = [unique[version], *extra]
        same = " with the same bytes" if len({item.content.sha256 for item in group}) == 1 else ""
        files = ", ".join(item.file or item.id for item in group)
        detail = f"{len(group)} files{same} declare revision {version}: {files}"
        problems.append(
            ChainProblem(cause="duplicate-version", migrations=tuple(item.id for item in group), detail=detail)
        )
    names = {label: item.id for item in unique.values() for label in item.labels}
    items = {
        item.id: replace(item, depends_on=tuple(_resolve(name, unique, names) for name in item.depends_on))
        for item in unique.values()
    }
    edges = {
        item.id: tuple(dict.fromkeys(up for up in (*item.parents, *item.depends_on) if up in items))
        for item in items.values()
    }
    sound = _sound(edges)
    order = _order({name: ups for name, ups in _lean(items, edges).items() if name in sound})
    rest = [name for name in edges if name not in sound]
    circle = [name for name in rest if _reaches(edges, edges[name], name)]
    problems += _broken(items)
    if circle:
        detail = "Each of these comes after itself: " + ", ".join(circle)
        problems.append(ChainProblem(cause="cycle", migrations=tuple(circle), detail=detail))
    problems += _ends(items)
    return tuple(items[name] for name in (*order, *rest)), tuple(problems)


def ancestors(chain: Mapping[str, Migration], start: Sequence[str]) -> frozenset[str]:
    """Return these revisions and all that they come after, by ``parents`` and ``depends_on``, as far as it is known."""
    seen: set[str] = set()
    todo = [name for name in start if name in chain]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += [up for up in (*chain[name].parents, *chain[name].depends_on) if up in chain]
    return frozenset(seen)


def select(found: Sequence[Migration], target: str) -> tuple[list[Migration], tuple[Migration, ...], str]:
    """Return the revisions that lead to a target, those beside them, and why the target cannot be followed.

    ``target`` is ``heads`` or ``head`` (all of them), a branch label, a revision or its unique beginning, either with
    ``@head``, or several of these with commas. One that nothing answers to leaves the folder whole.
    """
    wanted = [part.strip() for part in target.split(",") if part.strip()]
    if not wanted or any(part in ("head", "heads") for part in wanted):
        return list(found), (), ""
    items = {item.id: item for item in reversed(found)}
    labels = {label: item.id for item in found for label in item.labels}
    linked = {
        item.id: replace(item, depends_on=tuple(_resolve(name, items, labels) for name in item.depends_on))
        for item in items.values()
    }
    tips: list[str] = []
    for part in wanted:
        name, _, end = part.partition("@")
        first, whole = (end, name) if name in ("head", "heads") else (name, end)
        start = _resolve(first, items, labels)
        if start not in items:
            names = ", ".join([*labels, *(item.id for item in found if not _children(found, item.id))][:8])
            return list(found), (), f"The target {target!r} names no revision and no label of this folder ({names})"
        tips += _tips(found, start) if first in labels or whole else [start]
    chosen = ancestors(linked, tips)
    return [item for item in found if item.id in chosen], tuple(item for item in found if item.id not in chosen), ""


def lineage(chain: Mapping[str, Migration], start: str) -> frozenset[str]:
    """Return a revision and everything that it comes after by ``parents`` alone, as far as it is known."""
    return _line(chain, start) if start in chain else frozenset()


def _children(found: Sequence[Migration], name: str) -> list[str]:
    return [item.id for item in found if name in item.parents]


def _tips(found: Sequence[Migration], start: str) -> list[str]:
    """Return the revisions above one that are nobody's parent."""
    seen, todo, tips = {start}, [start], []
    while todo:
        name = todo.pop()
        above = _children(found, name)
        if not above:
            tips.append(name)
        todo += [item for item in above if item not in seen]
        seen.update(above)
    return tips


def _resolve(name: str, items: Mapping[str, Migration], labels: Mapping[str, str]) -> str:
    if name in items:
        return name
    if name in labels:
        return labels[name]
    beginnings = [item for item in items if item.startswith(name)]
    return beginnings[0] if len(beginnings) == 1 and len(name) > 3 else name


def _sound(edges: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    """Return the revisions that can be reached from below: they and all that they come after are on no cycle."""
    below: dict[str, list[str]] = {name: [] for name in edges}
    missing = {name: len(ups) for name, ups in edges.items()}
    for name, ups in edges.items():
        for up in ups:
            below[up].append(name)
    todo = [name for name, count in missing.items() if count == 0]
    found = set()
    while todo:
        name = todo.pop()
        found.add(name)
        for child in below[name]:
            missing[child] -= 1
            if missing[child] == 0:
                todo.append(child)
    return frozenset(found)


def _lean(items: Mapping[str, Migration], edges: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    # Alembic drops a dependency that something further down has already (_normalize_depends_on); it shapes its walk.
    lean = dict(edges)
    for name, item in items.items():
        if item.depends_on:
            below = {up for parent in item.parents if parent in items for up in _line(items, parent)}
            had = {dependency for up in below for dependency in items[up].depends_on}
            kept = [up for up in item.depends_on if up not in had]
            lean[name] = tuple(up for up in edges[name] if up in item.parents or up in kept)
    return lean


def _line(items: Mapping[str, Migration], start: str) -> frozenset[str]:
    """Return a revision and everything it comes after by parents alone."""
    seen: set[str] = set()
    todo = [start]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += [up for up in items[name].parents if up in items]
    return frozenset(seen)


def _order(edges: Mapping[str, tuple[str, ...]]) -> list[str]:
    # Alembic walks down from the heads, stays on a line for as long as it can, and leaves a revision for another line
    # while something of that line still stands on it; the run is that walk reversed (RevisionMap._topological_sort).
    waiting = dict.fromkeys(edges, 0)
    for ups in edges.values():
        for up in ups:
            waiting[up] += 1
    tips = [name for name, count in waiting.items() if count == 0]
    walk: list[str] = []
    done: set[str] = set()
    here = 0
    while tips:
        name = tips[here]
        if waiting[name]:
            here = next(i for i, tip in enumerate(tips) if i != here and _reaches(edges, edges[tip], name))
            continue
        walk.append(name)
        done.add(name)
        for up in edges[name]:
            waiting[up] -= 1
        further = [up for up in edges[name] if up not in done and up not in tips]
        if further:
            tips[here] = further[0]
            tips += further[1:]
        else:
            del tips[here]
            here = max(here - 1, 0)
    return walk[::-1]


def _reaches(edges: Mapping[str, tuple[str, ...]], start: Sequence[str], goal: str) -> bool:
    seen: set[str] = set()
    todo = list(start)
    while todo:
        name = todo.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            todo += edges[name]
    return False


def _broken(items: Mapping[str, Migration]) -> Iterator[ChainProblem]:
    for item in items.values():
        for kind, names in (("revises", item.parents), ("depends on", item.depends_on)):
            for name in names:
                if name not in items:
                    detail = f"{item.file} {kind} {name}, which no file declares"
                    yield ChainProblem(cause="broken-link", migrations=(item.id,), detail=detail)


def _ends(items: Mapping[str, Migration]) -> Iterator[ChainProblem]:
    parents = {up for item in items.values() for up in item.parents}
    single = [item for item in items.values() if item.id == item.version]
    heads = tuple(item.id for item in single if item.id not in parents)
    bases = tuple(item.id for item in single if not item.parents)
    if len(heads) > 1:
        detail = f"{len(heads)} revisions are nobody's parent: {', '.join(heads)}"
        yield ChainProblem(cause="multiple-heads", migrations=heads, detail=detail)
    if len(bases) > 1:
        detail = f"{len(bases)} revisions have no parent: {', '.join(bases)}"
        yield ChainProblem(cause="multiple-bases", migrations=bases, detail=detail)
