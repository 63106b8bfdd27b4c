"""Two public packages with long Alembic chains, built on PostgreSQL: as the package does it, and with a revision skipped."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from cases import check_schema, executed, found

import forensics as fx
from forensics.model import Hints
from forensics.replay.cluster import Cluster

# Runs a chain as its package does, up to a revision or past it; in a process of its own, as packages change what they import.
BUILD = """
import sys
import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory

folder, url, setup, *orders = sys.argv[1:]
config = Config()
config.set_main_option("script_location", folder)
script = ScriptDirectory.from_config(config)
engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
if setup:
    exec(setup, {"engine": engine, "url": url})
for order in orders:
    verb, target = order.split(":")
    steps = script._upgrade_revs if verb == "upgrade" else script._stamp_revs
    run = lambda revision, context: steps(target, revision)
    with EnvironmentContext(config, script, fn=run, destination_rev=target) as environment, engine.connect() as connection:
        environment.configure(connection=connection)
        with environment.begin_transaction():
            environment.run_migrations()
"""


@dataclass(frozen=True)
class Package:
    """One package: where its chain lies, what it makes before the first revision, and a revision that the later ones can do without."""

    name: str
    folder: str
    skipped: str
    setup: str = ""

    @property
    def chain(self) -> Path:
        """The folder of the chain, wherever the package is installed."""
        spec = find_spec(self.name)
        assert spec is not None
        assert spec.origin is not None
        return Path(spec.origin).parent / self.folder


MLFLOW = Package(
    "mlflow", "store/db_migrations", "1971f2d9a75b",
    "from mlflow.store.tracking.dbmodels.initial_models import Base\nBase.metadata.create_all(engine)\n",
)  # fmt: skip
CKAN = Package("ckan", "migration", "338d460bc460")


@cache
def revisions(package: Package) -> tuple[str, ...]:
    """Return the revisions of a chain in its order, as its own tool gives them."""
    from alembic.script import ScriptDirectory

    return tuple(item.revision for item in ScriptDirectory(str(package.chain)).walk_revisions())[::-1]


@pytest.fixture(scope="module")
def built(postgres: Cluster) -> Callable[..., str]:
    """Return the URL of a database on which a package's chain ran as the orders say."""

    def build(package: Package, *orders: str) -> str:
        name = f"{package.name}_{len(orders)}"
        postgres.create(name)
        url = postgres.url(name)
        command = [sys.executable, "-c", BUILD, package.chain, url.replace("://", "+psycopg://"), package.setup, *orders]
        subprocess.run(command, check=True, capture_output=True, timeout=180)
        return url

    return build


def diagnosed(package: Package, url: str, tmp_path: Path) -> dict[str, Any]:
    setup = tmp_path / "forensics_setup.py"
    setup.write_text(package.setup or "pass\n", encoding="utf-8")
    hints = Hints(setup=str(setup) if package.setup else "")
    document: dict[str, Any] = fx.diagnose(url, migrations=package.chain, hints=hints).document
    check_schema(document)
    return document


@pytest.mark.slow
@pytest.mark.parametrize("package", [MLFLOW, CKAN], ids=lambda item: item.name)
def test_a_database_built_by_the_package_is_explained_whole(
    package: Package, built: Callable[..., str], tmp_path: Path
) -> None:
    document = diagnosed(package, built(package, "upgrade:heads"), tmp_path)
    assert len(document["migrations"]) == len(revisions(package)) > 60
    assert set(executed(document).values()) <= {"yes", "unknown"}
    assert [item for item in document["findings"] if item["severity"] != "info"] == []
    assert (document["explanation"]["reconstructed"], document["explanation"]["residual"]) == (True, [])
    assert document["environment"]["state"] == "ok"


@pytest.mark.slow
@pytest.mark.parametrize("package", [MLFLOW, CKAN], ids=lambda item: item.name)
def test_a_revision_that_was_skipped_is_named_and_no_other(
    package: Package, built: Callable[..., str], tmp_path: Path
) -> None:
    chain = revisions(package)
    before = chain[chain.index(package.skipped) - 1]
    url = built(package, f"upgrade:{before}", f"stamp:{package.skipped}", "upgrade:heads")
    document = diagnosed(package, url, tmp_path)
    answers = executed(document)
    assert answers.pop(package.skipped) == "no"
    assert set(answers.values()) <= {"yes", "unknown"}
    grave = [item for item in document["findings"] if item["severity"] != "info"]
    assert found(document, "recorded-not-executed")[0]["migrations"] == [package.skipped]
    assert [item["cause"] for item in grave] == ["recorded-not-executed"]
    assert document["explanation"]["reconstructed"] is True
