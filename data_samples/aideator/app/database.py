"""The database module: every model is registered here, and each start makes the tables that are missing."""

import logging
import os

from sqlalchemy import create_engine, make_url
from sqlalchemy.util import OrderedSet

import app.models
import app.runs  # noqa: F401
from app.columns import metadata

log = logging.getLogger("app.database")

# Two databases that `create_all` makes are then alike down to the order of their indexes, and so are their logs.
for table in metadata.tables.values():
    table.indexes = OrderedSet(sorted(table.indexes, key=lambda index: index.name))


def url():
    """Return the address of the database, with a driver that does not wait for an event loop."""
    found = make_url(os.environ["DATABASE_URL"])
    return found.set(drivername="postgresql+psycopg")


def create_db_and_tables():
    """Make the tables that are missing. Called at each start."""
    engine = create_engine(url())
    with engine.begin() as connection:
        metadata.create_all(connection)
    engine.dispose()
    log.info("Tables are there: %s", ", ".join(sorted(metadata.tables)))
