"""Where a recorded revision belongs that the active chain does not know: archived chains, other folders, git."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from forensics.adapters.alembic import from_text
from forensics.adapters.revisions import arrange
from forensics.chain.gitbranches import REVISION
from forensics.model import Chain, ChainEvidence, FileVersion, Migration


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One place where a revision stands or stood.

    ``kind``: ``archived`` (a chain that the case names as such), ``beside`` (in the active folder, but off its target),
    ``folder`` (elsewhere in the repository), or what git says: ``deleted`` (once in this folder and part of what is checked out),
    ``moved`` (the same in another folder), ``newer`` (on a branch that goes on from what is checked out), ``branch``
    (on a branch that does not), ``lost`` (only the reflog knows it). ``where`` names it: ``archived:PATH``,
    ``folder:PATH``, ``git:COMMIT``. ``chain`` is what one would need to run it.
    """

    kind: str
    where: str
    file: str
    chain: Chain
    version: FileVersion | None = None
    removed: FileVersion | None = None

    @property
    def in_git(self) -> bool:
        """Whether only git knows it."""
        return self.version is not None

    @property
    def said(self) -> str:
        """The place in words, to be read after "it stands"."""
        item = self.version
        if item is None:
            words = {"archived": "in the archived chain", "beside": "in the same folder, but off the target,"}
            return f"{words.get(self.kind, 'in the folder')} {self.chain.path} ({self.file})"
        when = f"{item.commit[:12]}, {item.at:%Y-%m-%d}"
        on = ", ".join(item.branches[:3])
        if self.kind == "newer":
            return f"in a newer commit than the one checked out ({when}; on {on}) as {self.file}"
        if self.kind == "branch":
            return f"on the branch {on} ({when}) as {self.file}"
        if self.kind == "lost":
            return f"only in a commit that no branch holds any more ({when}) as {self.file}"
        gone = self.removed
        until = f", deleted in {gone.commit[:12]} of {gone.at:%Y-%m-%d} ({gone.subject!r})" if gone else ""
        return f"in git as {self.file} ({when}){until}"


def look_up(version: str, source: ChainEvidence) -> tuple[Place, ...]:
    """Return every place where a revision is known, the likeliest first. Nothing is read but the evidence.

    The same id can stand in several chains: then all of them are there, and only the schema can tell which is meant.
    """
    found = list(_in_files(version, source))
    known = {item.content.sha256 for place in found for item in place.chain.by_version.get(version, ())}
    for place in (*_in_git(version, source, source.versions), *_in_git(version, source, source.beyond)):
        assert place.version is not None
        text = place.version.content
        if text is not None and text.sha256 not in known:
            known.add(text.sha256)
            found.append(place)
    return tuple(found)


def _in_files(version: str, source: ChainEvidence) -> Iterator[Place]:
    chain = source.chain
    for old in chain.archived:
        for item in old.by_version.get(version, ())[:1]:
            yield Place(kind="archived", where=f"archived:{old.path}", file=item.file or item.id, chain=old)
    if any(item.version == version for item in chain.beside):
        whole, problems = arrange([*chain.migrations, *chain.beside])
        lone = replace(chain, migrations=whole, beside=(), problems=problems)
        item = lone.by_version[version][0]
        yield Place(kind="beside", where=f"folder:{chain.path}", file=item.file or item.id, chain=lone)
    for other in source.elsewhere:
        for item in other.by_version.get(version, ())[:1]:
            yield Place(kind="folder", where=f"folder:{other.path}", file=item.file or item.id, chain=other)


def _in_git(version: str, source: ChainEvidence, versions: tuple[FileVersion, ...]) -> Iterator[Place]:
    texts = [item for item in versions if item.content is not None and revision_of(item) == version]
    by_path: dict[str, list[FileVersion]] = {}
    for item in texts:
        by_path.setdefault(item.path, []).append(item)
    for path, items in by_path.items():
        mine = [item for item in items if item.in_head and item.reachable]
        item = (mine or [one for one in items if one.reachable] or items)[-1]
        removed = next(
            (one for one in reversed(versions) if _takes_away(one, path) and one.at >= item.at and one.in_head), None
        )
        if mine:
            kind = "moved" if path.startswith("..") else "deleted"
        elif item.branches:
            kind = "newer" if item.newer else "branch"
        else:
            kind = "lost"
        chain = _chain_to(version, item, source)
        yield Place(
            kind=kind, where=f"git:{item.commit[:12]}", file=path, chain=chain, version=item,
            removed=removed if mine else None,
        )  # fmt: skip


def revision_of(item: FileVersion) -> str:
    """Return the revision that a text in git declares, or nothing."""
    found = REVISION.search(item.content.text) if item.content is not None else None
    return found[1] if found else ""


def _takes_away(item: FileVersion, path: str) -> bool:
    return (item.action == "D" and item.path == path) or (item.action == "R" and item.old_path == path)


def _chain_to(version: str, start: FileVersion, source: ChainEvidence) -> Chain:
    """Return the chain that ends in a revision of git: its own text, and below it the files of today or their last texts."""
    texts: dict[str, FileVersion] = {}
    folder = start.path.rpartition("/")[0]
    for item in (*source.beyond, *source.versions):
        name = revision_of(item)
        held = texts.get(name)
        if name and (held is None or _nearer(item, folder) >= _nearer(held, folder)):
            texts[name] = item
    texts[version] = start
    today = source.chain.by_id
    found: dict[str, Migration] = {}
    todo = [version]
    while todo:
        name = todo.pop()
        if name in found:
            continue
        known = today.get(name) or _migration(texts.get(name))
        if known is not None:
            found[name] = known
            todo += [*known.parents, *known.depends_on]
    migrations, problems = arrange(sorted(found.values(), key=lambda item: item.file or ""))
    return replace(
        source.chain, name=f"{source.chain.name}@{start.commit[:12]}", path=f"git:{start.commit[:12]}",
        migrations=migrations, problems=problems, archived=(), beside=(),
    )  # fmt: skip


def _nearer(item: FileVersion, folder: str) -> tuple[bool, bool, bool]:
    return (item.path.rpartition("/")[0] == folder, item.reachable, item.in_head)


def _migration(item: FileVersion | None) -> Migration | None:
    return None if item is None or item.content is None else from_text(item.path, item.content)

