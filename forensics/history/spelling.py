"""How a tracker may spell a migration: its number, its stem or its file name -> the version of the chain."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from forensics.model import Chain, History, Migration


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """Every spelling of every migration of a chain, of its archived chains last.

    ``exact`` leads from a spelling to the version, or to the id where several files share the version and the
    spelling names one of them. ``numbers`` leads from a number to the version that is this number.
    """

    exact: Mapping[str, str]
    numbers: Mapping[int, str]
    widths: frozenset[int]

    @classmethod
    def of(cls, chain: Chain | None) -> Spelling:
        """Return the spellings of a chain; without a chain there are none."""
        exact: dict[str, str] = {}
        numbers: dict[int, str] = {}
        widths: set[int] = set()
        chains = (chain, *chain.archived) if chain else ()
        for item in chains:
            for migration in item.migrations:
                exact.setdefault(migration.version, migration.version)
                shared = len(item.by_version[migration.version]) > 1
                for name in _names(migration):
                    exact.setdefault(name, migration.id if shared else migration.version)
                if item.tool != "alembic" and migration.version.isdecimal():
                    numbers.setdefault(int(migration.version), migration.version)
                    widths.add(len(migration.version))
        return cls(exact=exact, numbers=numbers, widths=frozenset(widths))

    def resolve(self, value: object) -> tuple[str, bool]:
        """Return the version that a tracker's value means, and whether any file confirms it."""
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        text = "" if value is None else str(value).strip()
        if text in self.exact:
            return self.exact[text], True
        if text.isdecimal() and len(text) < 40 and int(text) in self.numbers:
            return self.numbers[int(text)], True
        return re.sub(r"\.(?:sql|py)$", "", text, flags=re.I), False

    def knows(self, version: str) -> bool:
        """Whether a version is one of the chain's."""
        return version in self.exact

    def telling(self, history: History) -> bool:
        """Whether the tracker's values are too special for a coincidence: names, or numbers with zeros in front."""
        raw = [row.ref.partition("=")[2].strip() for row in history.rows]
        special = [text for text in raw if not text.isdecimal() or (text.startswith("0") and len(text) in self.widths)]
        return bool(special) and all(self.resolve(text)[1] for text in special)


def _names(migration: Migration) -> list[str]:
    stem = (migration.file or migration.id).rpartition("/")[2].rpartition(".")[0]
    bare = re.sub(r"[._]up$", "", stem)
    file = (migration.file or "").rpartition("/")[2]
    return [name for name in dict.fromkeys((migration.id, stem, bare, file, migration.file or "")) if name]
