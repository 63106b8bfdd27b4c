"""Build the sample: twelve databases, their logs and the history of the migrations folder, as they came about.

    python build.py [TARGET]

Everything is done by the application, by its manager, or by a helping hand, in the order of the story, on a clock
that the story sets. Without TARGET the databases are put into this folder (`data/`, not in git); with one, the whole
case is.
"""

import os
import shutil
import sqlite3
import sys
import tempfile
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.dont_write_bytecode = True

import history  # noqa: E402
from app import legacy_tracker  # noqa: E402
from app.start import connect, run_single, start  # noqa: E402
from manager import Manager, checksum  # noqa: E402

HERE = Path(__file__).resolve().parent
SKIPPED = "skipped (already applied)"
EMPTY = ("env1", "env2", "feature1", "feature2", "feature3")
INCIDENT = "metrics"  # the migrations folder on 2026-02-10


class Clock:
    """A clock that the story sets, and that moves on a little each time somebody looks at it."""

    def __init__(self):
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def set(self, text):
        self.now = datetime.fromisoformat(text).replace(tzinfo=UTC) + timedelta(milliseconds=123)

    def __call__(self):
        now = self.now
        self.now += timedelta(milliseconds=41)
        return now


class Environment:
    """One database on its way: who did what to it, and when."""

    def __init__(self, fleet, name):
        self.fleet, self.name, self.clock, self.lines = fleet, name, Clock(), []
        self.path = fleet.database(name)
        self.path.parent.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def opened(self, at, *, journal="wal", left_open=False):
        """A process that has the database open; `left_open`: it ends without closing it, and the log stays behind."""
        self.clock.set(at)
        self.conn = connect(self.path) if journal == "wal" else sqlite3.connect(self.path)
        self.conn.execute("PRAGMA synchronous = OFF")
        yield self
        if left_open:
            kept = [self.path, self.path.with_name(self.path.name + "-wal")]
            for path in kept:
                shutil.copyfile(path, path.with_name(path.name + ".kept"))
        self.conn.close()
        if left_open:
            for path in kept:
                os.replace(path.with_name(path.name + ".kept"), path)

    def log(self, level, name, text):
        local = (self.clock() - timedelta(hours=8)).replace(tzinfo=None)
        self.lines.append(f"{local.isoformat(' ', 'milliseconds').replace('.', ',')} {level} {name}: {text}\n")

    def ways(self):
        """What the story sets for the manager: where it logs to, its clock, the order of a directory."""
        return {"log": self.log, "clock": self.clock, "listing": sorted_listing}

    def start(self, label, at=None, *, migrate=True):
        """Start the application on the migrations folder as of a commit."""
        if at:
            self.clock.set(at)
        start(self.conn, self.fleet.migrations(label), migrate=migrate, **self.ways())
        self.conn.rollback()

    def manager(self, label, at=None):
        """Run the manager from the command line; returns what is still pending."""
        if at:
            self.clock.set(at)
        manager = Manager(self.conn, self.fleet.migrations(label), **self.ways())
        with suppress(Exception):
            manager.migrate()
        self.conn.rollback()
        return manager.pending()

    def by_hand(self, at, sql):
        """Somebody types SQL into the database's shell."""
        self.clock.set(at)
        self.conn.executescript(sql)

    def type_row(self, at, version, description, md5=None):
        """Somebody types a row into the tracker."""
        self.conn.execute(
            "INSERT INTO schema_versions (version, applied_at, description, checksum) VALUES (?, ?, ?, ?)",
            (version, at, description, md5),
        )
        self.conn.commit()

    def fails(self, at, page, error):
        """The application meets what is not there."""
        self.clock.set(at)
        self.log("ERROR", "app", f"GET {page} failed: {error}")

    def healthy(self, at):
        """Somebody asks for the health page."""
        self.clock.set(at)
        self.log("INFO", "app", "GET /health 200")


class Fleet:
    """The twelve databases below one folder."""

    def __init__(self, home, scratch):
        self.home, self.scratch = home, scratch

    def database(self, name):
        return self.home / "data" / ("" if name == "main" else name) / "architect.db"

    def migrations(self, label):
        path = self.scratch / label
        return path if path.is_dir() else history.checkout(label, path)

    def text(self, label, name):
        return self.migrations(label).joinpath(name).read_text()


def sorted_listing(path):
    """A directory in an order that does not depend on the file system."""
    return sorted(os.listdir(path))


def mark_up_to_016(env, at):
    """One statement, twelve rows."""
    names = {name[:3]: name[4:].rsplit(".", 1)[0] for name in sorted(history.folder(INCIDENT), reverse=True)}
    rows = [(f"{number:03}", at, f"{names[f'{number:03}']} - {SKIPPED}") for number in range(5, 17)]
    env.conn.executemany("INSERT INTO schema_versions (version, applied_at, description) VALUES (?, ?, ?)", rows)
    env.conn.commit()


def main_and_prod(fleet):
    """Nobody had run 004: its row was typed, then that of 003, then twelve more. In main 004 was really run, later."""
    instants = {
        "main": ("15:38:01", "15:41:10", "19:45:37", "19:46:48", "19:56:42", "19:57:30"),
        "prod": ("15:41:12", "15:44:02", "19:49:05", "19:50:20", "19:58:10", "19:59:03"),
    }
    for name, times in instants.items():
        begun, broken, fourth, third, batch, restart = (f"2026-02-10 {time}" for time in times)
        env = Environment(fleet, name)
        with env.opened(begun):
            if name == "main":
                legacy_tracker.prepare(env.conn)
            env.start(INCIDENT)
            env.fails(broken, "/api/milestones?app=1", "no such column: app_id")
            env.type_row(fourth, "004", f"fix_milestones_schema - {SKIPPED}")
            file = fleet.migrations(INCIDENT) / "003_autopilot_core.sql"
            env.type_row(third, "003", "Autopilot core: apps, runs, milestones, artifacts", checksum(file))
            env.clock.set(third[:-2] + "59")
            Manager(env.conn, file.parent, **env.ways()).status()
        with env.opened(batch, left_open=name == "prod"):
            mark_up_to_016(env, batch)
            env.start(INCIDENT, restart)
            env.fails(restart[:11] + "20:14:26", "/api/milestones?app=1", "no such column: app_id")
            if name == "prod":
                env.by_hand("2026-02-10 21:05:00", "CREATE INDEX idx_bugs_hotfix ON bugs(status, created_at);")
                env.start(INCIDENT, "2026-02-10 23:10:44")
        if name == "main":
            repair_004(fleet, env)
        yield env


def repair_004(fleet, env):
    """The repair of the day: run 004 for real, replace its row, start again."""
    with env.opened("2026-02-10 22:56:30"):
        env.log("INFO", "repair", "Backing up to data/backups/architect-20260210-145630.db")
        backups = env.path.parent / "backups"
        backups.mkdir()
        with sqlite3.connect(backups / "architect-20260210-145630.db") as backup:
            env.conn.backup(backup)
        backup.close()
        env.conn.executescript(fleet.text(INCIDENT, "004_fix_milestones_schema.sql"))
        env.conn.execute(
            "INSERT OR REPLACE INTO schema_versions (version, applied_at, description, checksum)"
            " VALUES ('004', '2026-02-10 22:56:33', 'Fix milestones schema (re-executed by repair)', 'manual_fix')"
        )
        env.conn.commit()
        env.clock.set("2026-02-10 22:56:33")
        env.log("INFO", "repair", "004 executed: 13 columns, 2 indexes; its row was of 2026-02-10 19:45:37")
        env.start(INCIDENT, "2026-02-10 22:57:10")
        env.healthy("2026-02-10 23:02:51")


def dev(fleet):
    """The oldest: it ran files under numbers that they no longer have, and got a helping hand with 003, 004 and 008."""
    env = Environment(fleet, "dev")
    with env.opened("2026-01-13 18:02:10"):
        env.start("start")
    with env.opened("2026-01-15 19:12:00"):
        env.start("autopilot")
        env.fails("2026-01-15 19:20:31", "/api/milestones?app=1", "no such column: app_id")
    with env.opened("2026-01-16 20:10:00"):
        env.by_hand("2026-01-16 20:10:00", fleet.text("fix", "004_fix_milestones_schema.sql"))
        env.type_row("2026-01-16 20:11:22", "004", "Fix milestones schema (run by hand)", "manual")
        env.manager("fix", "2026-01-16 20:12:05")
    with env.opened("2026-01-19 17:00:40"):
        env.start("reviews")
        env.by_hand("2026-01-23 22:40:00", "ALTER TABLE projects ADD COLUMN color TEXT DEFAULT '#3366cc';")
    with env.opened("2026-01-28 18:30:00"):
        env.manager("filters")
        migrate_008(fleet, env, "2026-01-28 18:41:17")
    with env.opened("2026-01-29 17:05:00"):
        env.start("filters")
    with env.opened("2026-02-04 18:20:00", left_open=True):
        run_single(env.conn, fleet.migrations("health") / "028_milestone_health.sql", log=env.log)
        env.start("health", "2026-02-04 18:20:05")
        env.start(INCIDENT, "2026-02-10 16:05:12")
        env.healthy("2026-02-10 16:05:20")
    return env


def migrate_008(fleet, env, at):
    """Somebody calls `migrate()` of 008 from a Python prompt, and types the row."""
    scope = {}
    exec(fleet.text("filters", "008_teams.py"), scope)
    env.clock.set(at)
    scope["migrate"](env.conn)
    env.type_row(at, "008", "Teams and team members (migrate() called by hand)")


def qa(fleet):
    """004 was run by hand before its row was typed, and 003 then went through: everything recorded here is true."""
    env = Environment(fleet, "qa")
    with env.opened("2026-02-06 18:02:33"):
        env.start("signed")
        env.fails("2026-02-06 18:09:47", "/api/milestones?app=1", "no such column: app_id")
    with env.opened("2026-02-06 18:30:00"):
        env.by_hand("2026-02-06 18:30:00", fleet.text("signed", "004_fix_milestones_schema.sql"))
        env.type_row("2026-02-06 18:31:09", "004", f"fix_milestones_schema - {SKIPPED}")
        env.manager("signed", "2026-02-06 18:33:41")
    with env.opened("2026-02-10 16:12:00"):
        env.start(INCIDENT)
        env.healthy("2026-02-10 16:12:30")
    return env


def env3(fleet):
    """Whatever failed was marked as skipped, up to the end."""
    env = Environment(fleet, "env3")
    with env.opened("2026-02-09 17:30:00"):
        legacy_tracker.prepare(env.conn)
        env.start("model")
        env.start("model", "2026-02-09 17:48:12")
    at = datetime.fromisoformat("2026-02-09 18:00:00")
    pending = True
    while pending:
        with env.opened(str(at)):
            pending = env.manager("model")
            at += timedelta(minutes=4)
            if pending and not env.lines[-1].endswith("UNIQUE constraint failed: schema_versions.version\n"):
                number, title = pending[0][:3], pending[0][4:].rsplit(".", 1)[0]
                env.type_row(str(at - timedelta(minutes=2)), number, f"{title} - {SKIPPED}")
    with env.opened("2026-02-10 16:20:00"):
        env.by_hand("2026-02-10 16:20:00", "DROP INDEX idx_session_events_type;")
        env.start(INCIDENT, "2026-02-10 16:21:08")
        env.healthy("2026-02-10 16:21:30")
    return env


def test_suite(fleet):
    """One run of the manager, on nothing."""
    env = Environment(fleet, "test_suite")
    with env.opened("2026-02-10 17:30:00", journal="delete"):
        env.manager(INCIDENT)
    return env


def test(fleet):
    """The application was imported here, and the manager never ran."""
    env = Environment(fleet, "test")
    with env.opened("2026-02-10 17:45:00"):
        env.start(INCIDENT, migrate=False)
    return env


def empty(fleet):
    """Zero bytes; a bare header; three databases in which nothing is left."""
    for name in EMPTY:
        fleet.database(name).parent.mkdir(parents=True)
    fleet.database("env1").touch()
    scripts = {
        "env2": "PRAGMA user_version = 1; PRAGMA user_version = 0;",
        "feature1": "PRAGMA user_version = 3;",
        "feature2": "CREATE TABLE probe (id INTEGER); DROP TABLE probe;",
        "feature3": "PRAGMA journal_mode = WAL; PRAGMA user_version = 1; PRAGMA user_version = 0;",
    }
    for name, script in scripts.items():
        conn = sqlite3.connect(fleet.database(name))
        conn.executescript(script)
        conn.close()


@contextmanager
def environment(**values):
    """Set variables of the process for a while."""
    saved = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in saved.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def build(target=HERE):
    """Build everything below `target`."""
    target = Path(target).resolve()
    data, logs = target / "data", target / "logs"
    if data.exists() and not (data / "BUILT").exists():
        raise SystemExit(f"{data} was not made by this script; move it away first")
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    (data / "BUILT").write_text("Made by build.py; delete freely.\n")
    logs.mkdir(exist_ok=True)
    if target != HERE:
        source_only = shutil.ignore_patterns("__pycache__")
        for name in ("migrations", "app"):
            shutil.copytree(HERE / name, target / name, dirs_exist_ok=True, ignore=source_only)
        for name in ("forensics.toml", "history.bundle"):
            if (HERE / name).exists():
                shutil.copyfile(HERE / name, target / name)
    with tempfile.TemporaryDirectory() as scratch:
        fleet = Fleet(target, Path(scratch))
        envs = [*main_and_prod(fleet), dev(fleet), qa(fleet)]
        with environment(ARCHITECT_HOME=str(target), ARCHITECT_ENV="env3"):
            envs.append(env3(fleet))
        envs += [test_suite(fleet), test(fleet)]
        empty(fleet)
    for env in envs:
        (logs / f"{env.name}-app.log").write_text("".join(env.lines), encoding="utf-8", newline="\n")
    if not history.write_bundle(target / "history.bundle"):
        print("git was not found: history.bundle is the one that was there", file=sys.stderr)


if __name__ == "__main__":
    build(*sys.argv[1:2])
