"""What two other tools can answer at all: whether a schema is what it should be. Neither names a migration.

Both are given the best case: the schema that the chain builds stands for the models, with no difference in spelling.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from benchmarks.accuracy.building import Site
from benchmarks.accuracy.worlds import Plant, clean

OWN = {"schema_versions", "alembic_version", "schema_versions_id_seq"}


def answers(site: Site, plant: Plant) -> tuple[str, str]:
    """Return what `alembic check` and sqlalchemy-diff say: ``same``, ``differs``, ``error``, or ``-`` where there is none."""
    healthy = clean(plant.source)
    with contextlib.ExitStack() as stack, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        right = stack.enter_context(_engine(site, healthy))
        if site.dialect == "sqlite":
            right = stack.enter_context(_copied(right))
        live = stack.enter_context(_engine(site, plant))
        return _alembic(right, live), _difference(right, live)


@contextlib.contextmanager
def _engine(site: Site, plant: Plant) -> Iterator[Any]:
    """Build a database and yield an engine of SQLAlchemy for it."""
    import sqlalchemy
    from sqlalchemy.pool import NullPool, StaticPool

    from benchmarks.accuracy.on_postgresql import PostgresSite
    from benchmarks.accuracy.on_sqlite import SqliteSite

    if isinstance(site, SqliteSite):
        with site.raw(plant) as connection:
            engine = sqlalchemy.create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
            yield engine
            return
    assert isinstance(site, PostgresSite)
    with site.raw(plant) as name:
        engine = sqlalchemy.create_engine(site.url(name).replace("postgresql:", "postgresql+psycopg:", 1), poolclass=NullPool)
        yield engine
        engine.dispose()


@contextlib.contextmanager
def _copied(engine: Any) -> Iterator[Any]:
    """Yield an engine for a copy, as there is one connection only that databases in memory are built on."""
    import sqlite3

    import sqlalchemy
    from sqlalchemy.pool import StaticPool

    copy = sqlite3.connect(":memory:", check_same_thread=False)
    raw = engine.raw_connection()
    raw.driver_connection.backup(copy)
    other = sqlalchemy.create_engine("sqlite://", creator=lambda: copy, poolclass=StaticPool)
    yield other
    other.dispose()
    copy.close()


def _alembic(right: Any, live: Any) -> str:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from sqlalchemy import MetaData

    metadata = MetaData()
    try:
        metadata.reflect(right)
        for name in OWN & metadata.tables.keys():
            metadata.remove(metadata.tables[name])
        options = {
            "compare_type": True,
            "compare_server_default": True,
            "include_name": lambda name, kind, _parents: not (kind == "table" and name in OWN),
        }
        with live.connect() as connection:
            found = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
    except Exception as error:  # it may well not cope with what was planted
        return f"error: {type(error).__name__}"
    return "differs" if found else "same"


def _difference(right: Any, live: Any) -> str:
    if find_spec("sqlalchemydiff") is None:
        return "-"
    comparer = import_module("sqlalchemydiff.comparer").Comparer
    try:
        found = comparer(right, live).compare()
    except Exception as error:  # it may well not cope with what was planted
        return f"error: {type(error).__name__}"
    return "same" if found.is_match else "differs"
