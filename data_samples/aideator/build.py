"""Build the sample: nine databases on a real PostgreSQL, their logs, the history of the alembic folder, the evidence.

    python build.py [TARGET] [--force]
    python build.py [TARGET] --server postgresql://user@host/postgres

Alembic and the application are really run, as of the commit of each scene. Without `--server` that happens on a private
cluster, which is gone afterwards: what is left are the logs (`logs/`) and the saved evidence (`data/evidence/`), which
every command takes in place of the databases. With it the databases stay on that server, as `aideator_NAME`, and
`live.toml` is the case that reads them there; the logs are the ones of this folder.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

sys.dont_write_bytecode = True

import history  # noqa: E402
import psycopg  # noqa: E402
from stage import LIMIT, Environment, Stage  # noqa: E402

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from forensics.acquire import acquire, store  # noqa: E402
from forensics.case import load  # noqa: E402
from forensics.gathering import chain_of  # noqa: E402
from forensics.replay.cluster import Cluster  # noqa: E402
from forensics.replay.inside.postmaster import folders  # noqa: E402

OLD, NEW = "archived", "clean"  # the commits that the old and the new container carry
ACQUIRED = datetime(2025, 7, 14, 9, 0, tzinfo=UTC)
CASE = ("forensics.toml", "alembic.ini", "alembic", "app", "scripts", "history.bundle")
SEED = "scripts/add_mock_task_data.py"


def clean(stage):
    """The clean migration on an empty database."""
    env = Environment(stage, "clean", "mod")
    env.alembic("2025-07-13 19:02:10", NEW, "upgrade", "head")
    yield env


def restamp(stage):
    """The old container fails on an empty database; the clean migration runs; the old container stamps its own head."""
    env = Environment(stage, "restamp")
    for at in ("2025-07-13 19:20:05", "2025-07-13 19:25:11"):
        env.alembic(at, OLD, "upgrade", "head", actor="old-container", fails=True)
    env.alembic("2025-07-13 19:31:40", NEW, "upgrade", "head")
    env.alembic("2025-07-13 20:05:12", OLD, "upgrade", "head", actor="old-container", fails=True)
    env.alembic("2025-07-13 20:05:14", OLD, "stamp", "--purge", "head", actor="old-container")
    for at in ("2025-07-13 20:40:33", "2025-07-13 21:40:36"):
        env.alembic(at, NEW, "upgrade", "head", fails=True)
    yield env


def stale(stage):
    """Stopped at 003; a container that still carries the old folder keeps trying, the new one cannot begin."""
    env = Environment(stage, "stale")
    env.alembic("2025-06-25 16:10:00", "cleanup", "upgrade", "head", keep=False)
    for minute in (50, 51, 53, 55, 57, 59):
        env.alembic(f"2025-07-13 20:{minute}:01", OLD, "upgrade", "head", actor="old-container", fails=True)
    env.alembic("2025-07-13 21:20:40", NEW, "upgrade", "head", fails=True)
    yield env


def drifted_and_restored(stage):
    """The old chain to its end, where each start of the application brought `runs` back; and a dump of it, restored."""
    env = Environment(stage, "drifted", "ddl")
    env.alembic("2025-06-10 09:30:00", "current", "upgrade", "head", keep=False)
    for day, label in (("06-24", "tasks"), ("06-25", "cleanup"), ("07-01", "github"), ("07-05", "keys")):
        env.alembic(f"2025-{day} 17:00:00", label, "upgrade", "head", keep=False)
        env.app(f"2025-{day} 17:00:05", label, keep=False)
    env.alembic("2025-07-09 11:00:00", "archived", "upgrade", "head", keep=False)
    env.run("2025-07-09 11:05:00", "seed", "archived", SEED, keep=False)
    env.alembic("2025-07-13 19:38:20", NEW, "upgrade", "head", fails=True)
    env.app("2025-07-13 19:38:24", NEW)
    yield env
    copy = Environment(stage, "restored")
    dump_and_restore(stage, env.database, copy.database)
    yield copy


def dump_and_restore(stage, source, target):
    """Dump a database with pg_dump and run the dump in another."""
    near = [Path(folder) / "pg_dump" for folder in folders()]
    found = next((str(path) for path in near if path.is_file()), shutil.which("pg_dump"))
    if found is None:
        raise SystemExit("pg_dump was not found beside the server's programs")
    words = [found, "--inserts", "--no-owner", "--no-privileges", f"--dbname={stage.url(source)}"]
    dump = subprocess.run(words, check=True, capture_output=True, text=True, timeout=LIMIT).stdout
    # The commands of psql in it are for psql; the rest is SQL.
    script = "\n".join(line for line in dump.splitlines() if not line.startswith("\\"))
    with psycopg.connect(stage.url(target, role=stage.role)) as connection:
        connection.execute(script)


def empty_again(stage):
    """The old container on an empty database: five migrations are told as run, the sixth fails, nothing is left."""
    env = Environment(stage, "empty-again", "mod")
    for at in ("2025-07-13 20:15:30", "2025-07-13 20:20:31"):
        env.alembic(at, OLD, "upgrade", "head", actor="old-container", fails=True)
    yield env


def created_and_stamped(stage):
    """The application was started on an empty database; in one of two somebody stamped it."""
    env = Environment(stage, "created", "ddl")
    env.app("2025-07-13 21:00:12", NEW)
    yield env
    env = Environment(stage, "stamped", "mod")
    env.app("2025-07-13 21:05:10", NEW)
    env.alembic("2025-07-13 21:06:02", NEW, "stamp", "head")
    yield env


def race(stage):
    """The data script starts beside the migration job, twice before the job has finished."""
    env = Environment(stage, "race", "mod")
    with held(stage, env, "alembic_version") as first, held(stage, env, "tasks") as second:
        begin = stage.logged()
        job = env.start(NEW, "-m", "alembic", "upgrade", "head")
        waits(stage, env)
        opening = env.server(begin, settled=False)
        begin = stage.logged()
        env.clock.set("2025-07-13 22:10:01.400")
        env.write("migrate", opening)
        env.run("2025-07-13 22:10:01.730", "seed", NEW, SEED, fails=True)
        begin = stage.logged()
        first.rollback()
        waits(stage, env, "tasks")
        middle = env.server(begin, settled=False)
        after = stage.logged()
        env.clock.set("2025-07-13 22:10:02.050")
        migrating = middle
        told_at = len(env.lines.get("postgres", []))
        begin = after
        attempt = env.start(NEW, SEED)
        said = env.told(attempt, NEW, fails=True)
        late = sessions_of_script(env, begin)
        second.rollback()
        told = env.told(job, NEW, fails=False)
        rest = finish(env, begin, late)
    del told_at
    opening_told = [line for line in told if "Running upgrade" not in line.text]
    env.write("migrate", [*opening_told, *[line for line in told if line not in opening_told], *migrating])
    env.clock.set("2025-07-13 22:10:02.610")
    env.write("seed", interleave(late, said))
    env.clock.set("2025-07-13 22:10:02.940")
    env.write("migrate", rest)
    env.run("2025-07-13 22:10:32.150", "seed", NEW, SEED)
    yield env
