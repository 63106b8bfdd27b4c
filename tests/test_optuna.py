"""Databases of `optuna`, a real project: it makes its tables from its models, and upgrades older ones by its chain."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cases import causes, check_schema, executed, found, one

import forensics as fx
from forensics.model import Hints

HINTS = Hints(models=("optuna.storages._rdb.models:BaseModel.metadata",))
REBUILD = Path(__file__).with_name("rebuild.py")


@cache
def chain() -> Path:
    import optuna

    return Path(optuna.__file__).parent / "storages" / "_rdb" / "alembic"


@cache
def revisions() -> tuple[str, ...]:
    """Return the revisions of the chain, in its order, as its own tool gives them."""
    from alembic.script import ScriptDirectory

    return tuple(item.revision for item in ScriptDirectory(str(chain())).walk_revisions())[::-1]


def opened_by_optuna(path: Path) -> None:
    """Let optuna open a database as it does at each start; it makes what its models lack."""
    import optuna

    storage = optuna.storages.RDBStorage(f"sqlite:///{path}")
    storage.remove_session()
    storage.engine.dispose()


def built_by_chain(path: Path, skipped: str = "") -> list[str]:
    """Upgrade revision by revision; one is only stamped, and so is each that fails then. Return what did not run."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(chain()))
    config.set_main_option("sqlalchemy.url", f"sqlite:///{path}")
    left: list[str] = []
    for revision in revisions():
        try:
            if revision == skipped:
                raise LookupError(revision)
            command.upgrade(config, revision)
        except Exception:
            command.stamp(config, revision)
            left.append(revision)
    return left


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Quiet tools, and one cache for the replays of the chain, which are the same in every test."""
    folder = tmp_path_factory.mktemp("optuna")
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    logging.disable()
    yield folder
    logging.disable(logging.NOTSET)
    os.environ.pop("XDG_CACHE_HOME") if before is None else os.environ.update(XDG_CACHE_HOME=before)


def diagnose(path: Path) -> dict[str, Any]:
    document = dict(fx.diagnose(path, migrations=chain(), hints=HINTS).document)
    check_schema(document)
    return document


def tables(items: Sequence[dict[str, Any]]) -> set[str]:
    return {item["name"] for item in items if item["kind"] == "table"}


def test_made_by_optuna_itself_it_is_healthy_and_nobody_is_accused(tmp_path: Path) -> None:
    opened_by_optuna(tmp_path / "study.db")
    document = diagnose(tmp_path / "study.db")
    assert document["environment"]["state"] == "ok"
    assert causes(document) == set()
    finding = one(document, "built-from-models")
    assert finding["severity"] == "info"
    assert tables(finding["objects"]) == {"study_directions"} & tables(finding["objects"]) or tables(finding["objects"])
    no_migration_makes = {item["name"] for item in finding["objects"] if item["state"] == "extra" and item["kind"] == "table"}
    assert no_migration_makes == added_by_optuna(tmp_path)
    assert set(executed(document).values()) <= {"no", "unknown"}
    assert document["failures"] == []


def added_by_optuna(folder: Path) -> set[str]:
    """Return the tables that optuna makes in a database that its chain has built."""
    import sqlite3
    from contextlib import closing

    def names(path: Path) -> set[str]:
        with closing(sqlite3.connect(path)) as connection:
            return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}

    path = folder / "compared.db"
    built_by_chain(path)
    before = names(path)
    opened_by_optuna(path)
    added = names(path) - before
    assert added, "this optuna makes nothing that its chain does not make"
    return added


def test_built_by_its_chain_all_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    built_by_chain(path)
    document = diagnose(path)
    assert document["environment"]["state"] == "ok"
    assert causes(document) == set()
    assert not found(document, "built-from-models")
    assert set(executed(document).values()) <= {"yes", "unknown"}
    assert document["explanation"]["reconstructed"]
    assert document["explanation"]["outside"] == []
    file = tmp_path / "diagnosis.json"
    file.write_text(json.dumps(document))
    done = subprocess.run([sys.executable, "-I", REBUILD, file, chain(), path], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "equal\n", "")


def test_what_optuna_adds_when_it_opens_it_comes_from_its_models(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    built_by_chain(path)
    opened_by_optuna(path)
    document = diagnose(path)
    finding = one(document, "manual-change")
    assert finding["origin"] == "models"
    assert tables(finding["objects"]) == added_by_optuna(tmp_path)
    assert causes(document) <= {"manual-change"}
    assert document["explanation"]["reconstructed"]
    assert set(executed(document).values()) <= {"yes", "unknown"}


@pytest.fixture(scope="module")
def silent(home: Path) -> set[str]:
    """The revisions that change no schema."""
    import sqlite3
    from contextlib import closing

    from alembic import command
    from alembic.config import Config

    path = home / "silent.db"
    config = Config()
    config.set_main_option("script_location", str(chain()))
    config.set_main_option("sqlalchemy.url", f"sqlite:///{path}")
    states = []
    for revision in revisions():
        command.upgrade(config, revision)
        with closing(sqlite3.connect(path)) as connection:
            states.append(sorted(connection.execute("SELECT name, sql FROM sqlite_master").fetchall()))
    return {name for name, was, now in zip(revisions()[1:], states, states[1:], strict=False) if was == now}


@pytest.mark.parametrize("place", range(12))
def test_a_revision_that_is_recorded_and_did_not_run_is_found(tmp_path: Path, silent: set[str], place: int) -> None:
    if place >= len(revisions()):
        return
    skipped = revisions()[place]
    path = tmp_path / "study.db"
    left = built_by_chain(path, skipped)
    document = diagnose(path)
    told = executed(document)
    assert {item["recorded"] for item in document["migrations"]} == {True}
    accused = {name for item in found(document, "recorded-not-executed") for name in item["migrations"]}
    partly = {name for item in found(document, "partially-executed") for name in item["migrations"]}
    if skipped in silent:
        assert told[skipped] == "unknown"
        assert skipped not in accused
    else:
        assert told[skipped] == "no"
        assert skipped in accused
    assert accused | partly <= set(left)
    assert {name for name, said in told.items() if said == "yes"} >= set(revisions()) - set(left) - silent
