"""Which transaction wrote what: the physical evidence of a server whose rows carry the number of their transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

# The place of a transaction in the order of those that are known here (from 1), and the command within it (-1: unknown).
Moment = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """When the catalogue rows of one group were written.

    ``at`` is when its relation was made (a view, type or function: when it was last defined), ``key`` when its primary key was.
    ``apart`` holds what was written at another time: (``column``, ``constraint``, ``index``, ``trigger`` or ``label``; name;
    transaction; command); everything else of the group has the transaction of ``at``. ``dropped`` are the slots of dropped
    columns: (number, transaction, command).
    """

    name: str
    at: Moment
    key: Moment | None = None
    apart: tuple[tuple[str, str, int, int], ...] = ()
    dropped: tuple[tuple[int, int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RowWritten:
    """When one row of a tracker was last written. ``ref`` is the row's, as in its history."""

    table: str
    ref: str
    at: Moment


@dataclass(frozen=True, kw_only=True)
class Writers:
    """Which transactions wrote the schema and the trackers.

    Transactions are numbered by their order, so that what is kept does not depend on how busy the server is. ``committed`` are
    their times where the server keeps these, else nothing; ``first`` are the commands with which each began to make relations
    that are still there. ``wrapped``: more than 2^32 transactions have run, so
    that equal numbers still mean one transaction but the order may not be the true one. ``illegible`` counts the rows of which the
    server no longer says who wrote them.
    """

    groups: tuple[Written, ...] = ()
    rows: tuple[RowWritten, ...] = ()
    first: tuple[int, ...] = ()
    committed: tuple[datetime | None, ...] = ()
    wrapped: bool = False
    illegible: int = 0

    @cached_property
    def by_name(self) -> Mapping[str, Written]:
        """The groups by their case-folded name."""
        return {item.name.casefold(): item for item in self.groups}
