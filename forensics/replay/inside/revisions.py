"""How Alembic revisions run: file by file on the scratch connection, inside the contexts that they expect.

Works with Alembic 1.8 and newer, and SQLAlchemy 1.4 and 2. The project's ``env.py`` is not run: what it would pass to
``configure()`` comes from the hints.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

import alembic
import alembic.context
import sqlalchemy
from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.pool import NullPool

from . import numbered
from .guard import Guard
from .record import Record


def settle_order() -> None:
    """Make the order in which SQLAlchemy walks through constraints and indexes that in which they were added.

    It keeps them in sets by address, so that Alembic's batch mode writes them in another order at every run. With one
    hash for all, a set's order follows from the order of its insertions alone.
    """
    for kind in (sqlalchemy.Constraint, sqlalchemy.Index, sqlalchemy.ForeignKey):
        kind.__hash__ = _same  # type: ignore[method-assign,assignment]


def _same(_: Any) -> int:
    return 1


def make_engine(scratch: Any) -> Engine:
    """Return an engine whose connections are recorded ones to the scratch database."""
    settle_order()
    if scratch.dialect == "postgresql":
        engine = sqlalchemy.create_engine(scratch.url, creator=scratch.connect, poolclass=NullPool)
        scratch.prime(engine)
        return engine
    return sqlalchemy.create_engine(
        scratch.url, creator=lambda: scratch.connect(check_same_thread=False), poolclass=NullPool
    )


def version_table(hints: dict[str, Any]) -> str:
    """Return the name of Alembic's own table without its schema."""
    name: str = hints["version_table"] or "alembic_version"
    return name.rpartition(".")[2]


class Revisions:
    """Run revisions. Raises what a revision raises."""

    def __init__(self, config: dict[str, Any], scratch: Any, guard: Guard, engine: Engine) -> None:
        self.hints: dict[str, Any] = config["hints"]
        self.scratch = scratch
        self.engine = engine
        self._guard = guard
        self._root: str = config["root"]
        self._metadata: Any = None
        event.listen(Engine, "do_connect", self._connecting)

    def versions(self) -> dict[str, str]:
        """Return the versions that a result depends on."""
        return {"alembic": str(alembic.__version__), "sqlalchemy": str(sqlalchemy.__version__)}

    def marker(self) -> list[str]:
        """Return the names of the tables that revisions would see."""
        with self.engine.connect() as connection:
            return list(sqlalchemy.inspect(connection).get_table_names())

    def run(self, text: str, path: str, entry: str, record: Record) -> None:
        """Load a revision and run its upgrade, in the transactions that Alembic opens around it."""
        module = numbered.load(text, path)
        upgrade = numbered.function(module, entry)
        record.loading = False
        if self.hints["env_py"] == "run" and self.hints["env_file"]:
            self._run_staged(upgrade)
            record.total = len(record.statements)
            return
        name = version_table(self.hints)
        config = Config()
        config.set_main_option("script_location", self._root.replace("%", "%%"))
        config.set_main_option("sqlalchemy.url", self.scratch.url.replace("%", "%%"))
        # A chain that is known from git alone has no folder; Alembic only wants one that exists.
        folder = self._root if os.path.isdir(self._root) else os.getcwd()
        environment = EnvironmentContext(config, ScriptDirectory(folder))
        with environment, self.engine.connect() as connection:
            environment.configure(
                connection=connection,
                target_metadata=self.metadata(),
                render_as_batch=self.scratch.dialect == "sqlite",
                version_table=name,
                version_table_schema=self._schema(),
                transaction_per_migration=self.hints["transaction"] != "single",
            )
            context = environment.get_context()
            with Operations.context(context), context.begin_transaction():  # noqa: SIM117
                with context.begin_transaction(_per_migration=True):
                    upgrade()
        record.total = len(record.statements)

    def _run_staged(self, upgrade: Any) -> None:
        """Run an upgrade where the project's own ``env.py`` runs the migrations, on the scratch database all the same."""
        from . import harvest

        ran: list[bool] = []

        def action() -> None:
            with Operations.context(alembic.context.get_context()):
                upgrade()
            ran.append(True)

        env_file, ini = self.hints["env_file"], self.hints["config_file"]
        harvest.stage(env_file, ini, self.scratch.url, lambda: make_engine(self.scratch), action)
        if not ran:
            raise numbered.Unloadable("its env.py ran no migrations")

    def _schema(self) -> str | None:
        """Return the schema of Alembic's own table; SQLite has none."""
        return self.hints["version_table"].rpartition(".")[0] or None if self.scratch.dialect != "sqlite" else None

    def forget(self) -> None:
        """Forget the metadata: the hint that names it does not hold."""
        self._metadata = None

    def metadata(self) -> Any:
        """Return the metadata that names constraints: the hint's object, or a new one with its templates."""
        if self._metadata is None:
            convention = self.hints["naming_convention"]
            if isinstance(convention, str) and convention:
                self._metadata = attribute(convention)
                self._metadata = getattr(self._metadata, "metadata", self._metadata)
            else:
                self._metadata = sqlalchemy.MetaData(naming_convention=dict(convention) if convention else None)
        return self._metadata

    def _connecting(self, dialect: Any, record: Any, args: Any, options: Any) -> Any:
        """Refuse every engine but the scratch one."""
        known = ("sqlite", self.scratch.dialect)
        if self._guard.armed and dialect is not self.engine.dialect and dialect.name not in known:
            place = " ".join(str(options.get(key, "")) for key in ("host", "port", "dbname", "database")).strip()
            self._guard.refuse("connect", f"{dialect.name} {place}", "a replay opens the scratch database only")


def create_models(models: list[str], engine: Engine, record: Record) -> None:
    """Create every table of the metadata objects that the hint names."""
    for name in models:
        found = attribute(name)
        getattr(found, "metadata", found).create_all(engine)
    record.total = len(record.statements)


def attribute(name: str) -> Any:
    """Return the object that ``module:attribute`` names; the module is imported."""
    module, _, path = name.partition(":")
    found: Any = importlib.import_module(module)
    for part in path.split(".") if path else ():
        found = getattr(found, part)
    return found
