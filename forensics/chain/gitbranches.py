"""What git holds beyond the folder and the commit that are checked out: other branches, newer commits, other folders."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from forensics.chain.gitlog import GitFailed, likely_folder, log_entries, opened_repository, run_git, texts_of
from forensics.model import FileVersion

_MOST_COMMITS = 40
_MOST_FOLDERS = 20
_BUNDLE_HEAD = "refs/forensics/head"
REVISION = re.compile(r"(?m)^revision\s*(?::[^=\n]+)?=\s*['\"]([^'\"\n]+)['\"]")


def beyond_head(source: Path, versions: Sequence[FileVersion]) -> tuple[FileVersion, ...]:
    """Return the texts with the branches that hold them, where what is checked out does not.

    Where git cannot say, they come back as they are; nothing is raised.
    """
    if not versions:
        return ()
    try:
        with opened_repository(source) as (git_dir, _):
            head = _head(git_dir)
            if not head:
                return tuple(versions)
            known = set(run_git(git_dir, "rev-list", head).decode("ascii", "replace").split())
            outside = dict.fromkeys(item.commit for item in reversed(versions) if item.commit not in known)
            if not outside:
                return tuple(versions)
            ahead = set(_holding(git_dir, head))
            held = {commit: _holding(git_dir, commit) for commit in list(outside)[:_MOST_COMMITS]}
    except (GitFailed, OSError):
        return tuple(versions)
    return tuple(
        replace(
            item,
            in_head=False,
            branches=held.get(item.commit, ()),
            newer=any(name in ahead for name in held.get(item.commit, ())),
        )
        if item.commit in outside
        else item
        for item in versions
    )


def elsewhere(source: Path, names: Collection[str] = ()) -> tuple[FileVersion, ...]:
    """Return the revision files that other folders of the repository ever had, on any branch.

    ``source`` is the chain's own folder in a repository, or a bundle in which it is where most of the files ``names`` stood. The
    others are the folders in which files of Alembic usually stand (``versions`` and what lies below or was made of
    it). Paths come out relative to the own folder, so they begin with ``..``. Nothing is raised.
    """
    try:
        with opened_repository(source) as (git_dir, inside):
            own = likely_folder(git_dir, names) if names and source.is_file() else "" if inside == "." else inside
            shown = run_git(git_dir, "log", "--all", "--format=", "--name-only", "-z", "--no-renames", "--diff-filter=A")
            paths = shown.decode("utf-8", "surrogateescape").split("\0")
            folders = {path.strip("\n").rpartition("/")[0] for path in paths if path.endswith(".py")}
            wanted = [item for item in sorted(folders) if _usual(item) and not _inside(item, own)]
            if not wanted or not own:
                return ()
            found = texts_of(git_dir, log_entries(git_dir, wanted[:_MOST_FOLDERS]), own)
    except (GitFailed, OSError):
        return ()
    named = {item.path for item in found if item.content is not None and REVISION.search(item.content.text)}
    return tuple(item for item in found if item.path in named)


def _usual(folder: str) -> bool:
    return any("version" in part or "alembic" in part or "migration" in part for part in folder.casefold().split("/"))


def _inside(folder: str, place: str) -> bool:
    return not place or folder == place or folder.startswith(place + "/")


def _head(git_dir: Path) -> str:
    for name in (_BUNDLE_HEAD, "HEAD"):
        try:
            found = run_git(git_dir, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").decode("ascii").strip()
        except GitFailed:
            continue
        if found:
            return found
    return ""


def _holding(git_dir: Path, commit: str) -> tuple[str, ...]:
    """Return the branches and tags that hold a commit, local ones first."""
    shown = run_git(git_dir, "for-each-ref", f"--contains={commit}", "--format=%(refname)", "refs/heads", "refs/remotes", "refs/tags")
    names = shown.decode("utf-8", "replace").split()
    rank = {"refs/heads/": 0, "refs/tags/": 1, "refs/remotes/": 2}
    ordered = sorted(names, key=lambda name: (next((at for head, at in rank.items() if name.startswith(head)), 3), name))
    return tuple(re.sub(r"^refs/(heads|remotes|tags)/", "", name) for name in ordered if not name.endswith("/HEAD"))
