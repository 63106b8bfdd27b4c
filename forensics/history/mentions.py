"""Which migration a line of text speaks of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from forensics.history.assignment import follow, renames
from forensics.model import Chain, FileVersion

_BEFORE = (
    r"(?:migrations?|versions?|revisions?|appl(?:y|ied|ying)|running|runs?|upgrad(?:e|ed|ing)|skipp(?:ed|ing)"
    r"|stamp(?:ed|ing)?|identified by)"
)
_AFTER = r"(?:executed|applied|failed|skipped|recorded|re-executed|missing|rolled back)"


class Mentions:
    """The names under which the migrations of a chain appear in logs, today's and those that git remembers.

    A number alone counts only in the company of a word such as ``applied`` or ``migration``. It means the file that
    had it at that time, where git knows better than today's folder.
    """

    def __init__(self, chain: Chain, versions: Sequence[FileVersion] = ()) -> None:
        self._chain = chain
        self._versions = tuple(sorted(versions, key=lambda item: item.at))
        self._moved = renames(versions)
        self._paths = {item.file: item.id for item in chain.migrations if item.file}
        names = {path.rpartition("/")[2]: path for path in {*self._paths, *(item.path for item in versions)}}
        for name, path in list(names.items()):
            stem = name.rpartition(".")[0]
            if not stem.isdecimal():
                names.setdefault(stem, path)
        self._names = names
        telling = sorted((name for name in names if len(name) > 3), key=len, reverse=True)
        self._named = _words(telling)
        numbers = sorted(
            {item.version for item in chain.migrations} | {*map(_number, names)} - {""}, key=len, reverse=True
        )
        plain = "|".join(map(re.escape, numbers)) or r"(?!)"
        bounded = rf"['\"#(]?(?<![\w.-])(?P<{{}}>{plain})(?![\w-]|\.\w)"
        self._counted = re.compile(
            rf"\b{_BEFORE}\b[\s:#]*(?:\S+ -> )?{bounded.format('one')}|{bounded.format('two')}\s+{_AFTER}\b", re.I
        )
        ids = [item.version for item in chain.migrations if len(item.version) >= 8 and not item.version.isdecimal()]
        self._ids = _words(sorted(ids, key=len, reverse=True))

    def path(self, path: str) -> str:
        """Return the label of the migration that a path of the folder belongs to today, or what a file that is
        gone was called: its number where that is free today, else its stem."""
        found = self._paths.get(path) or self._paths.get(follow(path, self._moved))
        if found:
            return self._chain.label(found)
        name = path.rpartition("/")[2]
        number = _number(name)
        return number if number and number not in self._chain.by_version else name.rpartition(".")[0]

    def find(self, text: str, at: datetime | None = None) -> str:
        """Return the label of the migration that a text names, or an empty string for none or for several."""
        text = text[:2000]
        found = {self.path(self._names[match[0]]) for match in self._named.finditer(text)}
        if (
            not found
            and (moves := re.search(r"->\s*([\w.-]+)", text))
            and moves[1].strip(",.") in self._chain.by_version
        ):
            found = {self._version(moves[1].strip(",."), at)}
        if not found:
            found = {self._version(match["one"] or match["two"], at) for match in self._counted.finditer(text)}
        if not found:
            found = {self._version(match[0], at) for match in self._ids.finditer(text)}
        return found.pop() if len(found) == 1 else ""

    def _version(self, version: str, at: datetime | None) -> str:
        then: dict[str, str] = {}
        if at is not None:
            for item in self._versions:
                if item.at > at:
                    break
                if item.action == "R":
                    then.pop(item.old_path, None)
                if item.action == "D":
                    then.pop(item.path, None)
                elif _number(item.path.rpartition("/")[2]) == version:
                    then[item.path] = version
        if len(then) == 1:
            return self.path(next(iter(then)))
        items = self._chain.by_version.get(version, ())
        return self._chain.label(items[0].id) if len(items) == 1 else version


def _words(names: Sequence[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.-])(?:{'|'.join(map(re.escape, names)) or '(?!)'})(?![\w-])")


def _number(name: str) -> str:
    found = re.match(r"\d+(?=[ _.-])", name)
    return found[0] if found else ""
