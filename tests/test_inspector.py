"""Other dialects through SQLAlchemy's Inspector, tried on the one dialect that needs no server."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from forensics.acquire.other import open_inspector
from forensics.catalogs.inspector import LIMITS, InspectorReader
from forensics.errors import DatabaseUnreadable

SCHEMA = (
    "CREATE TABLE p (a INTEGER PRIMARY KEY, b VARCHAR(10) NOT NULL DEFAULT 'x', CONSTRAINT u UNIQUE (b), CHECK (a > 0))",
    "CREATE TABLE c (p INTEGER, \"Odd name\" TEXT, FOREIGN KEY(p) REFERENCES p (a) ON DELETE CASCADE)",
    "CREATE UNIQUE INDEX i ON c (p, \"Odd name\")",
    "CREATE VIEW v AS SELECT a FROM p",
    "INSERT INTO p VALUES (1, 'y')",
)  # fmt: skip


@pytest.fixture
def address(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    with engine.begin() as connection:
        for statement in SCHEMA:
            connection.exec_driver_sql(statement)
    engine.dispose()
    return url


def test_what_all_databases_share_is_read(address: str) -> None:
    with open_inspector(address) as reader:
        found = reader.snapshot()
        assert reader.columns() == {"c": ("p", "Odd name"), "p": ("a", "b")}
        assert reader.fetch("p", ["b", "a"]) == [{"b": "y", "a": 1}]
        for table in ("gone", "p"):
            with pytest.raises(DatabaseUnreadable, match="cannot be read"):
                reader.fetch(table, ["gone"])
    assert [group.name for group in found.groups] == ["c", "p", "v"]
    kinds = {key[:2] for key in found.by_key}
    assert kinds >= {("foreign_key", "c"), ("index", "c"), ("unique", "p"), ("check", "p"), ("primary_key", "p"), ("view", "")}
    assert dict(found.by_key["column", "p", "b"].meaning) == {"type": "VARCHAR(10)", "notnull": True, "default": "'x'"}
    assert dict(found.by_key["foreign_key", "c", "p->p(a)"].meaning)["on_delete"] == "cascade"
    assert dict(found.facts) == {"not compared": LIMITS}
    assert all(group.source == () for group in found.groups)


def test_the_same_schema_is_the_same(address: str) -> None:
    engine = sa.create_engine(address, poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        one = InspectorReader(connection).snapshot()
        connection.exec_driver_sql("ALTER TABLE p ADD COLUMN z INTEGER")
        two = InspectorReader(connection).snapshot()
        three = InspectorReader(connection).snapshot()
    engine.dispose()
    assert one.fingerprint != two.fingerprint
    assert two.fingerprint == three.fingerprint


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("nosuchthing://u:s3cret@db/d", "nosuchthing address, which cannot be read here"),
        ("mssql+pyodbc://u:s3cret@db/d", "driver is not there"),
        ("mysql+mysqldb://u:s3cret@db/d", "driver is not there"),
    ],
)
def test_without_a_dialect_or_its_driver(address: str, words: str) -> None:
    with pytest.raises(DatabaseUnreadable, match=words) as error, open_inspector(address):
        pass
    assert "s3cret" not in str(error.value)
    assert error.value.remedy
