"""What a step touched, read on the connection that ran it, with statements that are prepared once for a connection."""

from __future__ import annotations

from typing import Any

from .pg_watch import Touched

# A few objects are looked for in catalogues of any size, which grow without being analysed: always by index.
_SETTINGS = {"search_path": "", "enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off"}
_SETTLED = "SELECT " + ", ".join(f"set_config('{name}', '{value}', false)" for name, value in _SETTINGS.items())
# Queries that only tell something new where objects of these kinds were touched.
_KINDS = {
    "types": "t", "labels": "t", "rules": "t", "functions": "p", "schemas": "n", "extensions": "n", "members": "n",
}  # fmt: skip
_RESET = tuple(f"RESET {name}" for name in _SETTINGS)


class Capture:
    """Reads the catalogue rows of touched objects. ``near`` and ``queries`` are the parent's texts, with ``$1``, ``$2``."""

    def __init__(self, near: str, queries: dict[str, str]) -> None:
        self.names = list(queries)
        self._prepare = [
            f"PREPARE forensics_near(oid[]) AS SELECT coalesce(array_agg(n.o) FILTER (WHERE n.r), '{{}}')::text,"
            f" coalesce(array_agg(n.o), '{{}}')::text FROM ({near}) AS n(o, r)",
            *(f'PREPARE "forensics_{name}"(oid[], oid[]) AS {sql}' for name, sql in queries.items()),
        ]
        self._owners: dict[int, int] = {}

    def prepare(self, session: Any) -> None:
        """Prepare the statements on a new connection."""
        for sql in self._prepare:
            session.raw(sql)

    def read(self, session: Any, touched: Touched) -> dict[str, Any]:
        """Return what must be read again, and the rows of each query for it that can have changed."""
        only = set(touched.oids)
        # An index that is gone belonged to a table that is another now. Identifiers are never used twice in a cluster.
        only.update([self._owners[oid] for oid in only if oid in self._owners])
        array = "'{" + ",".join(map(str, sorted(only))) + "}'"
        near = session.answer([_SETTLED, f"EXECUTE forensics_near({array})"])[1][0]
        given = f"('{near[0]}', '{near[1]}')"
        names = [name for name in self.names if _KINDS.get(name, "") in ("", *touched.kinds)]
        answers = session.answer([*(f'EXECUTE "forensics_{name}"{given}' for name in names), *_RESET])
        wanted, shown = _numbers(near[0]), _numbers(near[1])
        for row in answers[names.index("indexes")]:
            self._owners[row[0]] = row[1]
        return {
            "only": sorted(only),
            "wanted": wanted,
            "context": sorted(set(shown) - set(wanted)),
            "rows": {name: answers[at] for at, name in enumerate(names)},
        }


def _numbers(array: str) -> list[int]:
    return [int(item) for item in array.strip("{}").split(",") if item]
