"""How the migrations folder came to be: its commits, the folder as of each of them, and the git bundle.

The texts of today are the files in `migrations/`; older ones are told here as differences from them.
"""

import os
import shutil
import subprocess
import tempfile
from datetime import datetime
from pathlib import Path

MIGRATIONS = Path(__file__).parent / "migrations"
DANA = "Dana Reyes <dana@architect.example>"
SAM = "Sam Okafor <sam@architect.example>"
PRIYA = "Priya Nair <priya@architect.example>"

USAGE_SNAPSHOTS = """-- Usage snapshots, one a day

CREATE TABLE IF NOT EXISTS usage_snapshots (
    id INTEGER PRIMARY KEY,
    day DATE NOT NULL UNIQUE,
    projects INTEGER NOT NULL DEFAULT 0,
    open_bugs INTEGER NOT NULL DEFAULT 0
);

CREATE INDEX IF NOT EXISTS idx_usage_snapshots_bugs ON usage_snapshots (open_bugs DESC);
"""


def today(name):
    """The text of a file as it is now."""
    return (MIGRATIONS / name).read_text(encoding="utf-8")


def before(name, now, then):
    """The text of a file before `then` became `now`."""
    text = today(name)
    if text.count(now) != 1:
        raise SystemExit(f"{name}: expected {now!r} once; its history is told from today's text, see history.py")
    return text.replace(now, then)


def commits():
    """The commits, oldest first: (label, time, author, message, {file: text, or None where it goes})."""
    comment = "--\n-- Everything on the dashboard hangs off a project. Dates are stored in UTC.\n"
    initial = before("001_initial_schema.sql", comment, "")
    sessions = before("005_session_tracking.sql", "    model TEXT,\n", "")
    teams = before("008_teams.py", ', and the team that owns a project."""', '."""')
    reviews, filters = today("024_code_reviews.sql"), today("024_saved_filters.py")
    merged = [
        "006_milestone_review.py", "007_seed_settings.sql", "009_notifications.sql", "010_workers_labels.sql",
        "011_activity_rollup.py", "012_worker_heartbeat.sql", "013_report_templates.py", "014_bug_triage.sql",
        "015_audit_retention.py", "016_rebuild_features.sql", "017_session_costs.sql", "018_run_status.sql",
        "019_webhooks.sql", "020_rate_limits.sql", "022_session_regions.sql", "023_drop_project_notes.sql",
    ]  # fmt: skip
    return [
        ("start", "2026-01-12T09:05:00-08:00", DANA, "Start the numbered migrations",
         {"001_initial_schema.sql": initial, "002_api_keys_audit.py": today("002_api_keys_audit.py")}),
        ("autopilot", "2026-01-15T10:20:00-08:00", SAM, "Autopilot: apps, runs and their milestones",
         {"003_autopilot_core.sql": today("003_autopilot_core.sql")}),
        ("fix", "2026-01-16T11:48:00-08:00", SAM, "Fix the milestones schema: 003 needs columns that 001 does not have",
         {"004_fix_milestones_schema.sql": today("004_fix_milestones_schema.sql")}),
        ("reviews", "2026-01-19T08:31:00-08:00", PRIYA, "Code reviews, saved filters",
         {"005_code_reviews.sql": reviews, "006_saved_filters.py": filters}),
        ("comment", "2026-01-21T15:02:00-08:00", DANA, "001: say what it is about",
         {"001_initial_schema.sql": today("001_initial_schema.sql")}),
        ("sessions", "2026-01-27T09:12:00-08:00", SAM, "Merge the sessions branch; code reviews move to the end",
         {"005_code_reviews.sql": None, "024_code_reviews.sql": reviews, "005_session_tracking.sql": sessions,
          "008_teams.py": teams, "021_usage_snapshots.sql": USAGE_SNAPSHOTS, **{name: today(name) for name in merged}}),
        ("filters", "2026-01-27T10:40:00-08:00", PRIYA, "Saved filters get the next free number",
         {"006_saved_filters.py": None, "024_saved_filters.py": filters}),
        ("health", "2026-02-03T14:25:00-08:00", DANA, "Worker names, notification events, reminders, milestone health",
         {name: today(name) for name in ("008_teams.py", "025_unique_worker_names.sql",
                                         "026_notification_log_events.sql", "027_review_reminders.py",
                                         "028_milestone_health.sql")}),
        ("signed", "2026-02-05T09:50:00-08:00", PRIYA, "Signed webhooks; backfill of the milestones' apps",
         {name: today(name) for name in ("029_webhook_secrets.sql", "030_backfill_milestone_apps.sql")}),
        ("model", "2026-02-08T12:15:00-08:00", SAM, "Sessions know their model",
         {"005_session_tracking.sql": today("005_session_tracking.sql")}),
        ("flags", "2026-02-09T15:37:00-08:00", DANA, "Feature flags",
         {"013_feature_flags.sql": today("013_feature_flags.sql")}),
        ("metrics", "2026-02-09T21:12:00-08:00", PRIYA, "Usage snapshots move to the metrics service",
         {"021_usage_snapshots.sql": None}),
        ("copy", "2026-02-10T18:10:00-08:00", DANA, "Work of the day",
         {"004_fix_milestones_schema 2.sql": today("004_fix_milestones_schema 2.sql")}),
    ]  # fmt: skip


def folder(label):
    """The migrations folder as of a commit: {file: text}."""
    files = {}
    for name, _, _, _, changes in commits():
        files.update(changes)
        if name == label:
            return {file: text for file, text in files.items() if text is not None}
    raise KeyError(label)


def checkout(label, target):
    """Write the folder as of a commit."""
    target.mkdir(parents=True)
    for name, text in folder(label).items():
        (target / name).write_text(text, encoding="utf-8", newline="\n")
    return target


def data(text):
    """A text as `git fast-import` reads it."""
    raw = text.encode()
    return b"data %d\n%s\n" % (len(raw), raw)


def stream():
    """The history as `git fast-import` reads it."""
    for _, at, author, message, changes in commits():
        who = f"{author} {int(datetime.fromisoformat(at).timestamp())} -0800"
        yield f"commit refs/heads/main\nauthor {who}\ncommitter {who}\n".encode() + data(message + "\n")
        for name, text in changes.items():
            path = f"migrations/{name}\n"
            yield f"D {path}".encode() if text is None else f"M 100644 inline {path}".encode() + data(text)


def write_bundle(target):
    """Write the history as a git bundle; one that holds it already is left alone.

    Its bytes depend on the version of git.

    False where there is no git.
    """
    present = {path.name: path.read_text(encoding="utf-8") for path in MIGRATIONS.iterdir() if path.is_file()}
    if folder("copy") != present:
        raise SystemExit("the last commit of history.py is not what migrations/ holds")
    if shutil.which("git") is None:
        return False
    with tempfile.TemporaryDirectory() as home:
        path = os.environ.get("PATH", "")
        env = {"PATH": path, "HOME": home, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}

        def git(*words, **more):
            return subprocess.run(["git", *words], cwd=home, env=env, check=True, capture_output=True, **more).stdout

        git("init", "--bare", "--initial-branch=main", ".")
        git("fast-import", input=b"".join(stream()))
        if target.exists() and git("rev-parse", "main").strip() in git("bundle", "list-heads", str(target)):
            return True
        git("-c", "pack.threads=1", "bundle", "create", "history.bundle", "HEAD", "main")
        shutil.move(Path(home) / "history.bundle", target)
    return True
