"""Databases of `optuna`, a real project: it makes its tables from its models, and upgrades older ones by its chain."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from cases import causes, check_schema, executed, found, one

import forensics as fx
from forensics.model import Hints

HINTS = Hints(models=("optuna.storages._rdb.models:BaseModel.metadata",))
REBUILD = Path(__file__).with_name("rebuild.py")


@cache
def chain() -> Path:
    package = find_spec("optuna")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "storages" / "_rdb" / "alembic"


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


def step(path: Path, verb: str, revision: str) -> None:
    """Upgrade a database to a revision, or only stamp it."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(chain()))
    config.set_main_option("sqlalchemy.url", f"sqlite:///{path}")
    getattr(command, verb)(config, revision)


def objects(path: Path) -> set[tuple[str, str, str]]:
    with closing(sqlite3.connect(path)) as connection:
        return set(connection.execute("SELECT type, name, sql FROM sqlite_master"))


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Quiet tools, one cache for the replays of the chain, and a copy of a database at each of its revisions."""
    folder = tmp_path_factory.mktemp("optuna")
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    logging.disable()
    silence = logging.NullHandler()
    logging.getLogger().addHandler(silence)  # its env.py sets up logging from a file where there is no handler
    for revision in revisions():
        step(folder / "head.db", "upgrade", revision)
        shutil.copy(folder / "head.db", folder / f"{revision}.db")
    yield folder
    logging.disable(logging.NOTSET)
    logging.getLogger().removeHandler(silence)
    os.environ.pop("XDG_CACHE_HOME") if before is None else os.environ.update(XDG_CACHE_HOME=before)


@pytest.fixture(scope="module")
def silent(home: Path) -> set[str]:
    """The revisions that change no schema."""
    states = [set(), *(objects(home / f"{revision}.db") for revision in revisions())]
    return {name for name, was, now in zip(revisions(), states, states[1:], strict=False) if was == now}


@pytest.fixture(scope="module")
def added(home: Path) -> set[str]:
    """The tables that optuna makes in a database that its chain has built."""
    path = Path(shutil.copy(home / "head.db", home / "opened.db"))
    opened_by_optuna(path)
    found = {name for kind, name, _sql in objects(path) - objects(home / "head.db") if kind == "table"}
    assert found, "this optuna makes nothing that its chain does not make"
    return found


def diagnose(path: Path) -> dict[str, Any]:
    document = dict(fx.diagnose(path, migrations=chain(), hints=HINTS).document)
    check_schema(document)
    return document


def tables(items: Sequence[dict[str, Any]]) -> set[str]:
    return {item["name"] for item in items if item["kind"] == "table"}


def test_made_by_optuna_itself_it_is_healthy_and_nobody_is_accused(tmp_path: Path, added: set[str]) -> None:
    opened_by_optuna(tmp_path / "study.db")
    document = diagnose(tmp_path / "study.db")
    assert document["environment"]["state"] == "ok"
    assert causes(document) == set()
    finding = one(document, "built-from-models")
    assert finding["severity"] == "info"
    assert tables(finding["objects"]) == added
    assert set(executed(document).values()) <= {"no", "unknown"}
    assert document["failures"] == []


def test_built_by_its_chain_all_is_explained(tmp_path: Path, home: Path) -> None:
    document = diagnose(home / "head.db")
    assert document["environment"]["state"] == "ok"
    assert causes(document) == set()
    assert not found(document, "built-from-models")
    assert set(executed(document).values()) <= {"yes", "unknown"}
    assert document["explanation"]["reconstructed"]
    assert document["explanation"]["outside"] == []
    file = tmp_path / "diagnosis.json"
    file.write_text(json.dumps(document))
    command = [sys.executable, "-I", REBUILD, file, chain(), home / "head.db"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "equal\n", "")


def test_what_optuna_adds_when_it_opens_it_comes_from_its_models(home: Path, added: set[str]) -> None:
    document = diagnose(home / "opened.db")
    finding = one(document, "manual-change")
    assert finding["origin"] == "models"
    assert tables(finding["objects"]) == added
    assert causes(document) <= {"manual-change"}
    assert document["explanation"]["reconstructed"]
    assert set(executed(document).values()) <= {"yes", "unknown"}


@pytest.mark.parametrize("skipped", revisions())
def test_a_revision_that_is_recorded_and_did_not_run(
    tmp_path: Path, home: Path, silent: set[str], skipped: str
) -> None:
    place = revisions().index(skipped)
    path = tmp_path / "study.db"
    if place:
        shutil.copy(home / f"{revisions()[place - 1]}.db", path)
    step(path, "stamp", skipped)
    left = {skipped}
    for revision in revisions()[place + 1 :]:
        try:
            step(path, "upgrade", revision)
        except (sqlalchemy.exc.SQLAlchemyError, AssertionError):  # it needs what is not there; people stamp it then and go on
            step(path, "stamp", revision)
            left.add(revision)
    document = diagnose(path)
    told = executed(document)
    assert all(item["recorded"] for item in document["migrations"])
    accused = {name for item in found(document, "recorded-not-executed") for name in item["migrations"]}
    partly = {name for item in found(document, "partially-executed") for name in item["migrations"]}
    assert (told[skipped], skipped in accused) == (("unknown", False) if skipped in silent else ("no", True))
    assert accused | partly <= left
    assert {name for name, said in told.items() if said == "yes"} >= set(revisions()) - left - silent


def test_one_revision_changes_no_schema(silent: set[str]) -> None:
    assert len(silent) == 1
