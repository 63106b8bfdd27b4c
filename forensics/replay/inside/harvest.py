"""Alembic's ``env.py``, run for what it would pass to ``configure()``, or in earnest where that is asked for.

Only inside an isolation without a network. Whatever engine it makes leads to the scratch database, so that
nothing of its own configuration is followed, and it needs neither its drivers nor its server.
"""

from __future__ import annotations

import argparse
import contextlib
import logging.config
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Engine

from . import numbered

_WANTED = ("version_table", "version_table_schema", "transaction_per_migration", "render_as_batch", "include_schemas")
_PLAIN = {"ix": "ix_%(column_0_label)s"}


class AsyncEngine:
    """Stands where an asynchronous engine would: what runs on it runs on the scratch database, and at once."""

    def __init__(self, engine: Engine) -> None:
        self.sync_engine = engine
        self.url = engine.url
        self.dialect = engine.dialect

    def connect(self) -> AsyncConnection:
        """Return a connection for ``async with``."""
        return AsyncConnection(self.sync_engine)

    begin = connect

    async def dispose(self, close: bool = True) -> None:
        """Do nothing: there is no pool."""


class AsyncConnection:
    """A connection that ``async with`` opens and whose ``run_sync`` calls at once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.sync_connection: Any = None

    async def __aenter__(self) -> AsyncConnection:
        self.sync_connection = self._engine.connect()
        return self

    async def __aexit__(self, *_details: object) -> None:
        self.sync_connection.commit() if hasattr(self.sync_connection, "commit") else None
        self.sync_connection.close()

    async def run_sync(self, call: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Call with the connection itself, as SQLAlchemy does in a greenlet."""
        return call(self.sync_connection, *args, **options)

    async def execute(self, statement: Any, parameters: Any = None) -> Any:
        """Execute on the connection itself."""
        return self.sync_connection.execute(statement, parameters or {})

    async def commit(self) -> None:
        """Commit, where connections have that."""
        if hasattr(self.sync_connection, "commit"):
            self.sync_connection.commit()


class Staged(EnvironmentContext):
    """What ``alembic.context`` is to ``env.py``: it takes note of ``configure()`` and runs ``action`` for the migrations."""

    def __init__(self, config: Config, script: ScriptDirectory, action: Callable[[], None] | None, offline: bool) -> None:
        super().__init__(config, script, as_sql=offline)
        self.action = action
        self.told: list[dict[str, Any]] = []

    def configure(self, *args: Any, **options: Any) -> None:
        """Take note of the arguments; in earnest also configure."""
        self.told.append(options)
        if self.action is not None:
            super().configure(*args, **options)

    def begin_transaction(self) -> Any:
        """Open the transaction in earnest only."""
        return contextlib.nullcontext() if self.action is None else super().begin_transaction()

    def run_migrations(self, **_options: Any) -> None:
        """Run nothing, or what was asked for."""
        if self.action is not None:
            self.action()

    def get_context(self) -> Any:
        """Return the migration context; dry there is a bare one without a connection."""
        if self.action is not None:
            return super().get_context()
        return argparse.Namespace(opts=self.told[-1] if self.told else {}, connection=None, as_sql=False, bind=None)


# The functions of the module ``alembic.context`` are known for the class itself; they are to lead to this one as well.
Staged._setups[Staged] = EnvironmentContext._setups[EnvironmentContext]


@contextlib.contextmanager
def redirected(engine: Engine, seen: list[str]) -> Iterator[None]:
    """Let every engine that is made meanwhile be this one; ``seen`` collects the drivers that were asked for."""

    def note(url: Any) -> None:
        with contextlib.suppress(Exception):
            seen.append(str(sqlalchemy.engine.make_url(url).drivername))

    def create(url: Any, *_args: Any, **_options: Any) -> Engine:
        note(url)
        return engine

    def create_async(url: Any, *_args: Any, **_options: Any) -> AsyncEngine:
        note(url)
        return AsyncEngine(engine)

    def configured(configuration: Any, prefix: str = "sqlalchemy.", **_options: Any) -> Engine:
        return create(configuration.get(prefix + "url") or "")

    def configured_async(configuration: Any, prefix: str = "sqlalchemy.", **_options: Any) -> AsyncEngine:
        return create_async(configuration.get(prefix + "url") or "")

    def no_logging(*_args: Any, **_options: Any) -> None:
        return None

    import sqlalchemy.engine.create as inner

    places: list[tuple[Any, str, Any]] = [
        (sqlalchemy, "create_engine", create), (sqlalchemy.engine, "create_engine", create),
        (inner, "create_engine", create), (sqlalchemy, "engine_from_config", configured),
        (sqlalchemy.engine, "engine_from_config", configured), (inner, "engine_from_config", configured),
        (logging.config, "fileConfig", no_logging), (logging.config, "dictConfig", no_logging),
    ]  # fmt: skip
    with contextlib.suppress(ImportError):
        import sqlalchemy.ext.asyncio as outer_async
        import sqlalchemy.ext.asyncio.engine as inner_async

        for room in (outer_async, inner_async):
            places += [(room, "create_async_engine", create_async), (room, "async_engine_from_config", configured_async)]
    kept = [(room, name, getattr(room, name)) for room, name, _ in places if hasattr(room, name)]
    for room, name, made in places:
        if hasattr(room, name):
            setattr(room, name, made)
    try:
        yield
    finally:
        for room, name, old in kept:
            setattr(room, name, old)


def configuration(root: str, ini: str, url: str) -> Config:
    """Return Alembic's configuration as its own command would have it, but for the address of the database."""
    config = Config(ini) if ini and os.path.isfile(ini) else Config()
    config.cmd_opts = argparse.Namespace(x=[], name="alembic", raiseerr=False, config=ini or None)
    config.set_main_option("script_location", root.replace("%", "%%"))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def stage(
    env_file: str, ini: str, url: str, make: Callable[[], Engine], action: Callable[[], None] | None, offline: bool = False
) -> tuple[Staged, list[str]]:
    """Run ``env.py`` and return what it said, with the drivers that it asked for. Raises what it raises."""
    folder = os.path.dirname(env_file)
    staged = Staged(configuration(folder, ini, url), ScriptDirectory(folder), action, offline)
    drivers: list[str] = []
    with open(env_file, encoding="utf-8") as file:
        text = file.read()
    try:
        with redirected(make(), drivers), staged:
            numbered.load(text, env_file)
    except Exception:
        # What comes after the last word that is wanted does not matter.
        if action is not None or not staged.told:
            raise
    return staged, drivers


def harvest(env_file: str, ini: str, url: str, make: Callable[[], Engine]) -> dict[str, Any]:
    """Return the arguments of ``configure()``, from the online way of ``env.py``, else from its offline one."""
    try:
        staged, drivers = stage(env_file, ini, url, make, None)
    except Exception as error:
        try:
            staged, drivers = stage(env_file, ini, url, make, None, offline=True)
        except Exception:
            raise error from None
    if not staged.told:
        staged, drivers = stage(env_file, ini, url, make, None, offline=True)
    found: dict[str, Any] = {}
    for told in staged.told[:1]:
        for name in _WANTED:
            if told.get(name) is not None:
                found[name] = told[name] if isinstance(told[name], (bool, str)) else str(told[name])
        found.update(_metadata(told.get("target_metadata")))
    driver = next((name.partition("+")[2] for name in drivers if "+" in name), "")
    if driver:
        found["driver"] = driver
    return found


def _metadata(metadata: Any) -> dict[str, Any]:
    """Return the naming convention of the metadata, and where the object stands."""
    first = metadata[0] if isinstance(metadata, (list, tuple)) and metadata else metadata
    convention = getattr(first, "naming_convention", None)
    if first is None or convention is None:
        return {}
    found: dict[str, Any] = {}
    place = _place(first)
    if place:
        found["metadata"] = place
    if {str(key): value for key, value in dict(convention).items()} != _PLAIN:
        simple = {key: value for key, value in dict(convention).items() if isinstance(key, str) and isinstance(value, str)}
        whole = len(simple) == len(dict(convention))
        found["naming_convention"] = simple if whole else place
    return found


def _place(metadata: Any) -> str:
    """Return ``module:attribute`` of a metadata object, or of the declarative base that holds it."""
    for name, module in sorted(sys.modules.items()):
        if name.startswith(("sqlalchemy", "alembic", "_")) or module is None:
            continue
        for attribute, value in sorted(vars(module).items(), key=lambda item: str(item[0])):
            if value is metadata:
                return f"{name}:{attribute}"
            if isinstance(value, type) and vars(value).get("metadata") is metadata:
                return f"{name}:{attribute}.metadata"
    return ""
