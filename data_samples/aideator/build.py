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
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

sys.dont_write_bytecode = True

import history  # noqa: E402
import psycopg  # noqa: E402
from serverlog import interleave  # noqa: E402
from stage import LIMIT, Environment, Stage  # noqa: E402

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parents[1]))  # a checkout that is not installed

import forensics  # noqa: E402
from forensics.acquire import acquire, store  # noqa: E402
from forensics.case.file import load  # noqa: E402
from forensics.case.gathering import chain_of  # noqa: E402
from forensics.errors import ForensicsError  # noqa: E402
from forensics.replay.cluster import Cluster  # noqa: E402
from forensics.replay.inside.postmaster import folders  # noqa: E402

OLD, NEW = "archived", "clean"  # the commits that the old and the new container carry
ACQUIRED = datetime(2025, 7, 14, 9, 0, tzinfo=UTC)
CASE = ("forensics.toml", "alembic.ini", "alembic", "app", "scripts", "history.bundle")
READING = ("acquire", "adapters", "catalogs", "events.py", "history", "logs", "model", "redact.py")  # of the toolkit
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
    found = pg_dump(stage)
    words = [found, "--inserts", "--no-owner", "--no-privileges", f"--dbname={stage.url(source, password=False)}"]
    env = {**os.environ, "PGPASSWORD": stage.address.password or ""}
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=LIMIT)
    if done.returncode:
        raise SystemExit(f"pg_dump: {done.stderr.strip()}")
    # The commands of psql in it are for psql; the rest is SQL.
    script = "\n".join(line for line in done.stdout.splitlines() if not line.startswith("\\"))
    with psycopg.connect(stage.url(target, role=stage.role)) as connection:
        connection.execute(script)


def pg_dump(stage):
    """The oldest pg_dump on this machine that is not older than the server."""
    places = [*folders(), *os.environ.get("PATH", "").split(os.pathsep)]
    programs = {}
    for program in (path for path in (Path(place, "pg_dump") for place in places) if path.is_file()):
        told = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=LIMIT).stdout
        major = re.search(r"\) (\d+)", told)
        if major and int(major[1]) >= stage.version:
            programs.setdefault(int(major[1]), str(program))
    if not programs:
        raise SystemExit(
            f"there is no pg_dump for PostgreSQL {stage.version} beside the server's programs or on the PATH"
        )
    return programs[min(programs)]


def empty_again(stage):
    """The old container on an empty database: three migrations are told as run, the fourth fails, nothing is left."""
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
    """The data script starts beside the migration job, twice before the job has finished, and once more after it."""
    env = Environment(stage, "race", "mod")
    begin, said = stage.logged(), []
    with held(stage, env, "alembic_version") as first, held(stage, env, "tasks") as second:
        job = env.start(NEW, "-m", "alembic", "upgrade", "head")
        for hold in (first, second):
            waits_for(stage, hold)
            said.append(env.told(env.start(NEW, SEED), NEW, fails=True))
            env.server(begin, left=1)
            hold.rollback()
        told = env.told(job, NEW, fails=False)
    pieces = [list(lines) for _, lines in groupby(env.server(begin), key=lambda line: line.pid)] or [[]] * 5
    running = [line for line in told if "Running upgrade" in line.text]
    opening = [line for line in told if line not in running]
    for at, actor, lines in (
        ("2025-07-13 22:10:01.400", "migrate", interleave(pieces[0], opening)),
        ("2025-07-13 22:10:01.730", "seed", interleave(pieces[1], said[0])),
        ("2025-07-13 22:10:01.905", "migrate", running + pieces[2]),
        ("2025-07-13 22:10:02.310", "seed", interleave(pieces[3], said[1])),
        ("2025-07-13 22:10:02.640", "migrate", pieces[4]),
    ):
        env.clock.set(at)
        env.write(actor, lines)
    env.run("2025-07-13 22:10:32.150", "seed", NEW, SEED)
    yield env


@contextmanager
def held(stage, env, table):
    """Keep a table's name taken by a transaction that never ends well, so that whoever creates the table waits."""
    with closing(psycopg.connect(stage.url(env.database))) as connection:
        connection.execute(f"CREATE TABLE {table} ()")
        yield connection


def waits_for(stage, hold):
    """Wait until somebody waits for this transaction."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))"
    until = time.monotonic() + LIMIT
    with psycopg.connect(stage.url(stage.address.database), autocommit=True) as connection:
        while not connection.execute(query, (hold.info.backend_pid,)).fetchone()[0]:
            if time.monotonic() > until:
                raise SystemExit(f"the migration job did not come to its tables within {LIMIT:.0f} s")
            time.sleep(0.01)


STORY = (clean, restamp, stale, drifted_and_restored, empty_again, created_and_stamped, race)


def acquire_all(target, environments):
    """Save what the toolkit reads of each database, as evidence of the story's morning after."""
    case = load(target / "forensics.toml")
    chain = chain_of(case.chain("main")).chain
    for env in environments:
        spec = case.environment(env.name)
        live = replace(spec, evidence=None, url=f"postgresql:///{env.database}", address=env.stage.url(env.database))
        found = acquire(live, case, chain)
        if found.state == "unreadable":
            raise SystemExit(f"{env.name}: {found.problem}; {found.remedy}")
        store(replace(found, acquired_at=ACQUIRED), spec.evidence)


def play(stage, target, scratch):
    """Play the story, write the logs, save the evidence."""
    with ThreadPoolExecutor(max_workers=4) as pool:
        environments = [env for scene in pool.map(lambda scene: list(scene(stage)), STORY) for env in scene]
    for env in environments if stage.log else ():
        for name, text in env.logs().items():
            (target / "logs" / name).write_text(text, encoding="utf-8", newline="\n")
    acquire_all(target, environments)


def mark(target):
    """A digest of everything that the evidence depends on."""
    found = hashlib.sha256(sys.version.encode())
    package = Path(forensics.__file__).parent
    places = [package / name for name in READING] + [target / name for name in ("logs", *CASE)] + [*HERE.glob("*.py")]
    for file in [file for place in sorted(places) for file in under(place)]:
        found.update(file.name.encode() + b"\0" + file.read_bytes())
    return found.hexdigest()


def under(place):
    """A file, or the files of a folder that make a difference."""
    if place.is_file():
        return [place]
    return sorted(path for path in place.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def live_case(target):
    """Write the case that reads the databases themselves."""
    text = (target / "forensics.toml").read_text(encoding="utf-8")

    def address(match):
        return f'url      = "${{AIDEATOR_URL}}/aideator_{match[1].replace("-", "_")}"'

    live = re.sub(r'(?m)^evidence = "data/evidence/([a-z-]+)"$', address, text)
    (target / "live.toml").write_text(live, encoding="utf-8", newline="\n")


def build(target=HERE, server=None, force=False):
    """Build everything below `target`."""
    target = Path(target).resolve()
    data, logs = target / "data", target / "logs"
    built = data / "BUILT"
    if data.exists() and not built.exists():
        raise SystemExit(f"{data} was not made by this script; move it away first")
    if target != HERE:
        without = shutil.ignore_patterns("__pycache__")
        for name in (*CASE, "logs"):
            place = HERE / name
            if place.is_dir():
                shutil.copytree(place, target / name, dirs_exist_ok=True, ignore=without)
            elif place.is_file():
                target.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(place, target / name)
    if not history.write_bundle(target / "history.bundle"):
        print("git was not found: history.bundle is the one that was there", file=sys.stderr)
    if built.exists() and not force and not server and built.read_text() == mark(target):
        return
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    built.touch()
    logs.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder).resolve()
        if server:
            play(Stage(server, scratch), target, scratch)
            live_case(target)
        else:
            with Cluster() as cluster:
                play(Stage(cluster.url(), scratch, cluster.log_file), target, scratch)
    built.write_text(mark(target))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("target", nargs="?", default=HERE, help="the folder that gets the case; default: this one")
    parser.add_argument("--server", help="the address of a server that keeps the databases")
    parser.add_argument("--force", action="store_true", help="build anew what is up to date")
    try:
        build(**vars(parser.parse_args()))
    except (ForensicsError, psycopg.OperationalError) as error:
        raise SystemExit(f"the sample could not be built: {error}") from None
