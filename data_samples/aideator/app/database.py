"""The database module: every model is registered here, and each start makes the tables that are missing."""

import logging
import os

from sqlalchemy import create_engine, make_url

import app.models
import app.runs  # noqa: F401
from app.columns import metadata

log = logging.getLogger("app.database")


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
