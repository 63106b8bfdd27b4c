"""What git says about a folder: every text that its files ever had, when, and by whom.

Nothing in the repository is trusted: git runs without system and user settings, hooks, pagers, drivers, prompts and
networks, and a bundle is unpacked into a private folder that is gone afterwards.
"""

from __future__ import annotations

import os
import posixpath
import re
import secrets
import subprocess
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from forensics.chain.content import LIMIT, content, readable
from forensics.model import Content, FileVersion

_TIMEOUT = 120.0
_MOVES = 3
_LAST = 253_402_300_799  # the end of the year 9999, after which no date can be written
_SETTINGS = (
    "safe.directory=*", "core.hooksPath=/dev/null", "core.fsmonitor=false", "core.alternateRefsCommand=true",
    "core.quotePath=false", "log.showSignature=false", "log.mailmap=false", "i18n.logOutputEncoding=UTF-8",
    "diff.external=", "diff.renameLimit=5000", "protocol.allow=never", "protocol.file.allow=always",
)  # fmt: skip
_LOG = (
    "--full-history", "--date-order", "--raw", "-c", "-z", "-M", "--no-abbrev", "--root", "--no-ext-diff",
    "--no-textconv",
)  # fmt: skip


class GitFailed(Exception):
    """Git could not do it; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of git's raw log: what one commit did to one path."""

    commit: str
    at: datetime
    author: str
    subject: str
    action: str
    blob: str
    path: str
    old_path: str
    reachable: bool


def file_versions(source: Path, folder: str | None = None, *, names: Collection[str] = ()) -> tuple[FileVersion, ...]:
    """Return every text that the files of a folder had on any branch, in the order of time; see `read_git`."""
    return read_git(source, folder, names=names)[0]


def read_git(
    source: Path, folder: str | None = None, *, names: Collection[str] = ()
) -> tuple[tuple[FileVersion, ...], str]:
    """Return every text that the files of a folder had on any branch, and the problem where there are none to be had.

    ``source`` is a folder inside a repository, or the file of a ``git bundle``. ``folder`` is the place in the
    repository; without it that is where most of the files ``names`` ever stood, or else ``source`` itself. Paths come
    out relative to the folder. Commits that only the reflog knows are there with ``reachable=False``. Nothing is
    raised.
    """
    try:
        with opened_repository(source) as (git_dir, inside):
            if folder is None:
                folder = likely_folder(git_dir, names) if names else inside
            place = "" if folder == "." else folder.strip("/")
            places = [place]
            entries = log_entries(git_dir, places)
            while place and (more := _came_from(git_dir, entries, places)):
                places += more
                entries = log_entries(git_dir, places)
            return texts_of(git_dir, entries, place), ""
    except GitFailed as error:
        return (), str(error)
    except OSError as error:
        return (), f"{source.name} cannot be read: {error.strerror or error}"


def repository(folder: Path) -> Path | None:
    """Return the top of the working tree around a folder, or None where no repository is around it."""
    folder = folder.absolute()
    return next((place for place in (folder, *folder.parents) if os.path.lexists(place / ".git")), None)


@contextmanager
def opened_repository(source: Path) -> Iterator[tuple[Path, str]]:
    """Give the git folder of a repository or a bundle, and the place of ``source`` in it."""
    if source.is_file():
        with tempfile.TemporaryDirectory(prefix="forensics-git-") as private:
            target = Path(private) / "bundle.git"
            run_git(None, "init", "--quiet", "--bare", str(target))
            bundle = str(source.absolute())
            heads = run_git(target, "bundle", "list-heads", bundle).decode("utf-8", "replace").split()
            wanted = ["+refs/*:refs/*", *(["+HEAD:refs/forensics/head"] if "HEAD" in heads else [])]
            run_git(target, "fetch", "--quiet", "--no-auto-gc", bundle, *wanted)
            yield target, ""
        return
    if not source.is_dir():
        raise GitFailed(f"there is no repository or bundle {source.name}")
    top = repository(source)
    if top is not None:
        git_dir = top / ".git"
        if git_dir.is_file():  # a linked working tree or a submodule
            text = git_dir.read_text("utf-8", "replace").strip()
            git_dir = (top / text.removeprefix("gitdir:").strip()).resolve()
        yield git_dir, source.resolve().relative_to(top.resolve()).as_posix()
    elif (source / "objects").is_dir() and (source / "HEAD").is_file():
        yield source.absolute(), ""
    else:
        raise GitFailed(f"{source.name} is not inside a git repository")


def run_git(git_dir: Path | None, *arguments: str, stdin: bytes = b"") -> bytes:
    """Return what git writes. Raises `GitFailed`."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath), "HOME": os.devnull, "LC_ALL": "C", "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_PAGER": "cat",
        "GIT_NO_LAZY_FETCH": "1", "GIT_NO_REPLACE_OBJECTS": "1", "GIT_ATTR_NOSYSTEM": "1", "GIT_ASKPASS": "true",
        "GIT_LITERAL_PATHSPECS": "1",
    }  # fmt: skip
    where = [f"--git-dir={git_dir}"] if git_dir else []
    command = ["git", "--no-pager", *(part for item in _SETTINGS for part in ("-c", item)), *where, *arguments]
    try:
        done = subprocess.run(
            command, input=stdin, capture_output=True, env=environment, cwd=tempfile.gettempdir(), timeout=_TIMEOUT,
            check=False,
        )  # fmt: skip
    except FileNotFoundError:
        raise GitFailed("the program git is not installed") from None
    except (OSError, ValueError) as error:
        raise GitFailed(f"git could not be run: {error}") from None
    except subprocess.TimeoutExpired:
        raise GitFailed(f"git took longer than {_TIMEOUT:.0f} s") from None
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise GitFailed("git says: " + (lines[-1] if lines else f"exit code {done.returncode}"))
    return done.stdout


def likely_folder(git_dir: Path, names: Collection[str]) -> str:
    """Return the folder of the repository in which the most of these files were ever seen."""
    wanted = {name.rpartition("/")[2] for name in names}
    shown = run_git(git_dir, "log", "--all", "--format=", "--name-only", "-z", "--no-renames", "--diff-filter=A", "-m")
    seen = {path for path in shown.decode("utf-8", "surrogateescape").strip("\n\0").split("\0") if path}
    counts = Counter(
        path.strip("\n").rpartition("/")[0] for path in seen if path.strip("\n").rpartition("/")[2] in wanted
    )
    if not counts:
        raise GitFailed("its history holds none of the chain's files")
    best = min(counts, key=lambda place: (-counts[place], place.count("/"), place))
    depth = max(name.count("/") for name in names)
    return "/".join(best.split("/")[: best.count("/") + 1 - depth]) if depth else best


def log_entries(git_dir: Path, places: Sequence[str]) -> list[Entry]:
    """Return what every commit did below these places of the repository, the newest first."""
    found: list[Entry] = []
    # A mark that no author can know, so that no subject and no file name can imitate the beginning of a commit.
    mark = secrets.token_hex(8)
    # A text that was amended away may have run all the same, so what only the reflog knows is read as well.
    for reachable, scope in ((True, ("--all",)), (False, ("--reflog", "--not", "--all"))):
        wanted = f"--format=%x01{mark}%H%x00%ct%x00%an%x00%s"
        shown = run_git(git_dir, "log", *scope, *_LOG, wanted, "--", *(place for place in places if place))
        found += _parse(shown, "\x01" + mark, reachable=reachable)
    return found


def _came_from(git_dir: Path, entries: Sequence[Entry], places: Sequence[str]) -> list[str]:
    """Return the folders, not among ``places``, from which git says that files of the folder were moved here."""
    added = dict.fromkeys(entry.commit for entry in entries if entry.action == "A")
    if not added or len(places) > _MOVES:
        return []
    shown = run_git(
        git_dir, "diff-tree", "--stdin", "-r", "-M", "-z", "--name-status", "--no-commit-id", "--diff-filter=R",
        stdin="\n".join(added).encode() + b"\n",
    )  # fmt: skip
    fields = iter(shown.decode("utf-8", "surrogateescape").split("\0"))
    found: dict[str, None] = {}
    for status in fields:
        if re.fullmatch(r"R\d+", status):
            old, new = (next(fields, "").rpartition("/")[0] for _ in range(2))
            if (
                any(_inside(new, place) for place in places)
                and not any(_inside(old, place) for place in places)
                and old
            ):
                found[old] = None
    return list(found)


def _inside(folder: str, place: str) -> bool:
    return folder == place or folder.startswith(place + "/")


def _parse(shown: bytes, mark: str, *, reachable: bool) -> Iterator[Entry]:
    for block in shown.decode("utf-8", "surrogateescape").split(mark)[1:]:
        commit, at, author, rest = block.split("\0", 3)
        subject, _, listed = rest.partition("\0")
        time = datetime.fromtimestamp(max(0, min(int(at), _LAST)), UTC)
        fields = iter(listed.lstrip("\n\0").split("\0"))
        for head in fields:
            head = head.lstrip("\n")
            if not head.startswith(":"):
                continue
            parents = len(head) - len(head.lstrip(":"))
            parts = head.lstrip(":").split(" ")
            status = parts[-1][:1] if parents == 1 else ("D" if set(parts[-1]) == {"D"} else "M")
            path = next(fields, "")
            old = ""
            if parents == 1 and status in "RC":
                old, path = path, next(fields, "")
            modes, blob = parts[parents], parts[2 * parents + 1]
            if modes not in ("160000", "120000"):  # neither a submodule nor a symbolic link
                yield Entry(
                    commit=commit, at=time, author=readable(author), subject=readable(subject),
                    action={"T": "M", "C": "A"}.get(status, status), blob=blob, path=path,
                    old_path=old if status == "R" else "", reachable=reachable,
                )  # fmt: skip


def texts_of(git_dir: Path, entries: Sequence[Entry], place: str) -> tuple[FileVersion, ...]:
    """Return the entries with their texts, paths relative to ``place``, in the order of time."""
    blobs = dict.fromkeys(entry.blob for entry in entries if entry.action != "D" and set(entry.blob) != {"0"})
    paths = {entry.blob: entry.path for entry in entries}
    data = _blobs(git_dir, list(blobs))
    found = []
    for entry in entries:
        text: Content | None = None
        if entry.action != "D" and entry.blob in data:
            text, _ = content(
                data[entry.blob], python=paths[entry.blob].endswith(".py"), origin=f"git:{entry.commit[:12]}"
            )
        found.append(
            FileVersion(
                path=_below(entry.path, place), commit=entry.commit, at=entry.at, author=entry.author,
                subject=entry.subject, action=entry.action, content=text, old_path=_below(entry.old_path, place),
                reachable=entry.reachable,
            )
        )  # fmt: skip
    # git lists the newest first; commits of one second keep their order, and files of one commit go by name.
    age = {entry.commit: -place for place, entry in enumerate(entries)}
    return tuple(sorted(found, key=lambda item: (item.at, age[item.commit], item.path)))


def _blobs(git_dir: Path, names: Sequence[str]) -> dict[str, bytes]:
    sizes = run_git(git_dir, "cat-file", "--batch-check", stdin="\n".join(names).encode() + b"\n" if names else b"")
    wanted = [
        parts[0] for parts in (line.split(" ") for line in sizes.decode().splitlines())
        if len(parts) == 3 and int(parts[2]) <= LIMIT
    ]  # fmt: skip
    found: dict[str, bytes] = {}
    for start in range(0, len(wanted), 500):
        part = wanted[start : start + 500]
        shown = run_git(git_dir, "cat-file", "--batch", stdin="\n".join(part).encode() + b"\n")
        place = 0
        for name in part:
            end = shown.index(b"\n", place)
            size = int(shown[place:end].split(b" ")[2])
            found[name] = shown[end + 1 : end + 1 + size]
            place = end + size + 2
    return found


def _below(path: str, place: str) -> str:
    path = readable(path)
    return posixpath.relpath(path, place) if place and path else path
