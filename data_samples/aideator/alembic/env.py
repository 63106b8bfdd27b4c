"""Alembic's environment: the models it compares with, and the connection it migrates."""

import asyncio
import os
from logging.config import fileConfig

from alembic import context
from app.models import Base
from sqlalchemy import create_engine, make_url, pool

config = context.config
if config.config_file_name is not None:
    fileConfig(config.config_file_name, disable_existing_loggers=False)

target_metadata = Base.metadata


def database_url():
    """Return the address from the environment; the containers set `postgresql+asyncpg://...`."""
    return make_url(os.environ.get("DATABASE_URL", "postgresql+asyncpg://aideator@localhost:5432/aideator"))


def run_migrations_offline():
    """Write the SQL of the migrations instead of running it."""
    context.configure(
        url=database_url(),
        target_metadata=target_metadata,
        literal_binds=True,
        dialect_opts={"paramstyle": "named"},
    )
    with context.begin_transaction():
        context.run_migrations()


def do_run_migrations(connection):
    """Run the migrations on a connection, all of them in one transaction."""
    context.configure(connection=connection, target_metadata=target_metadata)
    with context.begin_transaction():
        context.run_migrations()


async def run_async_migrations(url):
    """Run the migrations through an asynchronous driver."""
    from sqlalchemy.ext.asyncio import create_async_engine

    connectable = create_async_engine(url, poolclass=pool.NullPool)
    async with connectable.connect() as connection:
        await connection.run_sync(do_run_migrations)
    await connectable.dispose()


def run_migrations_online():
    """Run the migrations; a plain driver in the address needs no event loop."""
    url = database_url()
    if url.get_dialect().is_async:
        asyncio.run(run_async_migrations(url))
        return
    with create_engine(url, poolclass=pool.NullPool).connect() as connection:
        do_run_migrations(connection)


if context.is_offline_mode():
    run_migrations_offline()
else:
    run_migrations_online()
