"""What was read of one environment, as frames to look at: its schema, its tracker, its chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from forensics import frames

if TYPE_CHECKING:
    import pandas as pd

    from forensics.model import Chain as ChainRecord
    from forensics.model import ChainEvidence
    from forensics.model import History as HistoryRecord
    from forensics.model import Snapshot as SnapshotRecord

_SCHEMA = "E001"


class Snapshot:
    """The schema of one database at one moment. Each frame has the columns of ``frames.SHAPES[name]``."""

    def __init__(self, record: SnapshotRecord) -> None:
        self.record = record

    @property
    def fingerprint(self) -> str:
        """What the schema means, as one text: no spelling, no generated names, no column order."""
        return self.record.fingerprint

    @property
    def tables(self) -> pd.DataFrame:
        """One row a table: table, columns, without_rowid, strict, autoincrement, module, evidence."""
        return self._frame("tables")

    @property
    def columns(self) -> pd.DataFrame:
        """One row a column: table, column, position, type, affinity, notnull, default, collation, generated ..."""
        return self._frame("columns")

    @property
    def primary_keys(self) -> pd.DataFrame:
        """One row a primary key: table, columns, name, evidence."""
        return self._frame("primary_keys")

    @property
    def foreign_keys(self) -> pd.DataFrame:
        """One row a foreign key: table, columns, what it references, its actions, name, evidence."""
        return self._frame("foreign_keys")

    @property
    def uniques(self) -> pd.DataFrame:
        """One row a unique constraint: table, columns, name, evidence."""
        return self._frame("uniques")

    @property
    def checks(self) -> pd.DataFrame:
        """One row a check constraint: table, expression, name, evidence."""
        return self._frame("checks")

    @property
    def indexes(self) -> pd.DataFrame:
        """One row an index: table, name, columns, unique, predicate, evidence."""
        return self._frame("indexes")

    @property
    def views(self) -> pd.DataFrame:
        """One row a view: name, definition, evidence."""
        return self._frame("views")

    @property
    def triggers(self) -> pd.DataFrame:
        """One row a trigger: table, name, definition, evidence."""
        return self._frame("triggers")

    @property
    def objects(self) -> pd.DataFrame:
        """One row an object of any kind: kind, table, name, ident, meaning, trace, evidence."""
        return self._frame("objects")

    def _frame(self, kind: str) -> pd.DataFrame:
        return frames.schema(kind, self.record, evidence=_SCHEMA)

    def __repr__(self) -> str:
        return f"Snapshot({self.record.dialect}, {len(self.record.groups)} tables and views, {self.fingerprint})"

    def _repr_html_(self) -> str:
        return str(self.tables.to_html(index=False))


class History:
    """What the tracker says."""

    def __init__(self, record: HistoryRecord) -> None:
        self.record = record

    @property
    def df(self) -> pd.DataFrame:
        """One row a record: version, recorded_at, order, description, checksum, success, row_id, evidence."""
        return frames.history(self.record)

    @property
    def versions(self) -> tuple[str, ...]:
        """The recorded versions in the tracker's order."""
        return self.record.versions

    def __repr__(self) -> str:
        return f"History({self.record.tool}, {self.record.table}, {self.record.state}, {len(self.record.rows)} rows)"

    def _repr_html_(self) -> str:
        return str(self.df.to_html(index=False))


class Chain:
    """The migrations in the order in which their tool runs them, with what the repository says about them."""

    def __init__(self, evidence: ChainEvidence) -> None:
        self.evidence = evidence

    @property
    def record(self) -> ChainRecord:
        """The chain itself."""
        return self.evidence.chain

    @property
    def df(self) -> pd.DataFrame:
        """One row a migration: id, version, name, parents, file, language, checksum, md5, origin, loadable, problem."""
        return frames.chain(self.record)

    def __repr__(self) -> str:
        return f"Chain({self.record.name}, {self.record.tool}, {len(self.record.migrations)} migrations)"

    def _repr_html_(self) -> str:
        return str(self.df.to_html(index=False))
