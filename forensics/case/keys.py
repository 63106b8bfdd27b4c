"""A table of a TOML file, read key by key, so that every mistake in it is named with its place and the way out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from forensics.errors import CaseError

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class UnsetVariable(CaseError):
    """A ``${VAR}`` that the process environment does not have."""


def expand(text: str, where: str) -> str:
    """Return ``text`` with each ``${VAR}`` replaced from the process environment.

    Raises `UnsetVariable`, which names the variable and the place, and no value of any other.
    """

    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match[1])
        if found is None:
            raise UnsetVariable(
                f"{where} needs the environment variable {match[1]}, which is not set",
                remedy=f"set it (export {match[1]}=...) and run the command again",
            )
        return found

    return _VARIABLE.sub(value, text)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the advice for a name that is not among the known ones: the nearest of them, or all of them."""
    names = list(known)
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"choose one of: {', '.join(names)}" if names else "remove it"


class Table:
    """One table of a TOML file whose keys are checked when it is made.

    Raises `CaseError` for a key that is not known (naming the nearest) and for a value of the wrong type.
    """

    def __init__(self, data: Any, place: str, known: Iterable[str] | None) -> None:
        if not isinstance(data, Mapping):
            raise CaseError(f"{place} must be a table", remedy=f"write it as [{place}] followed by its keys")
        self._data = data
        self.place = place
        names = list(known) if known is not None else None
        for key in data:
            if names is not None and key not in names:
                raise CaseError(f"unknown key {key!r} in [{place}]", remedy=nearest(key, names))

    def __contains__(self, key: str) -> bool:
        return key in self._data

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def raw(self, key: str) -> Any:
        """Return the value as TOML gives it, None where there is none."""
        return self._data.get(key)

    def where(self, key: str) -> str:
        """Return how messages name the place of a key."""
        return f"{self.place}.{key}" if self.place else key

    def text(self, key: str, default: str = "", *, among: Iterable[str] | None = None) -> str:
        """Return a text; with ``among`` one of these."""
        value = self._data.get(key, default)
        if not isinstance(value, str):
            raise self._wrong(key, "text in quotes", value)
        names = list(among) if among is not None else []
        if names and value not in names:
            raise CaseError(f"{self.where(key)} is {value!r}", remedy=nearest(value, names))
        return value

    def required(self, key: str) -> str:
        """Return a text that has to be there and not be empty."""
        if not self.text(key):
            raise CaseError(f"[{self.place}] lacks {key!r}", remedy=f'add {key} = "..." to [{self.place}]')
        return self.text(key)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; a single text is a list of one."""
        value = self._data.get(key, [])
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise self._wrong(key, "a list of texts", value)
        return tuple(items)

    def flag(self, key: str, default: bool = False) -> bool:
        """Return a truth value."""
        value = self._data.get(key, default)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false", value)
        return value

    def pairs(self, key: str, known: Iterable[str] | None = None) -> tuple[tuple[str, str], ...]:
        """Return a table of texts as pairs."""
        table = self.table(key, known)
        return tuple((name, table.text(name)) for name in table._data)

    def table(self, key: str, known: Iterable[str] | None = None) -> Table:
        """Return a table inside this one, an empty one where there is none."""
        return Table(self._data.get(key, {}), self.where(key), known)

    def tables(self, key: str, known: Iterable[str]) -> list[Table]:
        """Return the tables of a list ``[[key]]``, their places numbered from 1."""
        value = self._data.get(key, [])
        if not isinstance(value, list):
            raise CaseError(f"{self.where(key)} must be a list of tables", remedy=f"write [[{self.where(key)}]]")
        names = list(known)
        return [Table(item, f"{self.where(key)}[{number}]", names) for number, item in enumerate(value, 1)]

    def _wrong(self, key: str, wanted: str, value: object) -> CaseError:
        kind = {"int": "a number", "float": "a number", "bool": "true or false", "str": "text", "list": "a list",
                "dict": "a table"}.get(type(value).__name__, "something else")  # fmt: skip
        return CaseError(f"{self.where(key)} must be {wanted}, not {kind}", remedy="correct it in the case file")
