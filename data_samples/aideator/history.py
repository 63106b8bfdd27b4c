"""How the alembic folder came to be: its commits, the project as of each of them, and the git bundle.

The texts of today are the files of this folder; what a file was called and where it stood then is told here.
"""

import os
import shutil
import subprocess
import tempfile
from datetime import datetime
from pathlib import Path

HERE = Path(__file__).parent
LEE = "Lee Marsh <lee@aideator.example>"
NOOR = "Noor Haddad <noor@aideator.example>"
IVO = "Ivo Brandt <ivo@aideator.example>"

ACTIVE = "alembic/versions"
BACKUP = "alembic/versions_backup/versions"
ARCHIVE = "alembic/versions_archive"
FRAME = ("alembic.ini", "alembic/env.py", "alembic/script.py.mako")
PROJECT = ("app", "scripts")

# In the order of the chain; each list is what one commit added.
OLDER = (
    ("001_initial_schema.py", "002_add_runs.py", "003_add_agent_outputs.py"),
    (
        "4d1f0a7c92be_add_passwords.py",
        "7be2c1905a3d_runs_belong_to_users.py",
        "19c8e45d60fa_rename_state_to_status.py",
        "e02b7d3f8a14_add_winning_variation.py",
        "5a90cc1e7d42_add_credits.py",
        "c4417fb2e9d8_add_prompt_templates.py",
    ),
    (
        "08d63ae5b1c7_times_with_zone.py",
        "b7f1290c3e6d_passwords_required.py",
        "2e5dfa60c918_drop_prompt_templates.py",
        "f38a1b7704ce_index_outputs_by_variation.py",
    ),
)
OLD = (
    "001_current_schema.py",
    "002_add_unified_tasks.py",
    "003_drop_legacy_tables.py",
    "8aa06f2b7e5a_add_github_fields_to_users.py",
    "c6deba72bbcc_remove_api_keys.py",
    "cf94a9256bdb_add_archived_field_to_tasks_table.py",
)
CLEAN = "0b228e9fec0b_initial_clean_schema.py"

# The application until the commit `keys`: one model more, which no migration creates.
API_KEY = '''"""Keys of the agents' providers, one a person and provider."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.columns import AutoString, Base


class ApiKey(Base):
    """A key, hashed."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(AutoString(), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    provider: Mapped[str] = mapped_column(AutoString())
    key_hash: Mapped[str] = mapped_column(AutoString(), unique=True, index=True)
'''
WITH_API_KEY = ("tasks", "cleanup", "github")


def today(path):
    """The text of a file as it is now."""
    return (HERE / path).read_text(encoding="utf-8")


def added(names, folder):
    """Files that a commit adds to the active chain; `folder` is where they stand today."""
    return {f"{ACTIVE}/{name}": today(f"{folder}/{name}") for name in names}


def moved(names, folder):
    """Files that a commit moves from the active chain to where they stand today."""
    gone = {f"{ACTIVE}/{name}": None for name in names}
    return gone | {f"{folder}/{name}": today(f"{folder}/{name}") for name in names}


def commits():
    """The commits, oldest first: (label, time, author, message, {path: text, or None where it goes})."""
    older = [name for names in OLDER for name in names]
    first, second, third, fourth, fifth, last = ((name,) for name in OLD)
    return [
        ("start", "2025-05-22T09:10:00+00:00", LEE, "Alembic: users, runs, agent outputs",
         {path: today(path) for path in FRAME} | added(OLDER[0], ARCHIVE)),
        ("grow", "2025-05-30T14:20:00+00:00", NOOR, "Passwords, owners of runs, credits, templates",
         added(OLDER[1], ARCHIVE)),
        ("zones", "2025-06-06T17:30:00+00:00", LEE, "Times with zone; templates go", added(OLDER[2], ARCHIVE)),
        ("current", "2025-06-10T09:12:00+00:00", LEE, "Start again from the current schema; the old files are kept",
         moved(older, ARCHIVE) | added(first, BACKUP)),
        ("tasks", "2025-06-24T14:05:00+00:00", NOOR, "Tasks take the place of runs", added(second, BACKUP)),
        ("cleanup", "2025-06-25T15:40:00+00:00", NOOR, "Drop what is left of runs", added(third, BACKUP)),
        ("github", "2025-07-01T10:30:00+00:00", IVO, "Sign in with GitHub", added(fourth, BACKUP)),
        ("keys", "2025-07-05T16:20:00+00:00", IVO, "API keys move to the secret store", added(fifth, BACKUP)),
        ("archived", "2025-07-09T10:02:00+00:00", NOOR, "Tasks can be archived", added(last, BACKUP)),
        ("clean", "2025-07-13T18:40:00+00:00", LEE, "One clean migration; the old chain moves to versions_backup",
         moved(OLD, BACKUP) | {f"{ACTIVE}/{CLEAN}": today(f"{ACTIVE}/{CLEAN}")}),
    ]  # fmt: skip


def tree(label):
    """The alembic folder as of a commit: {path: text}."""
    files = {}
    for name, _, _, _, changes in commits():
        files.update(changes)
        if name == label:
            return {path: text for path, text in files.items() if text is not None}
    raise KeyError(label)


def checkout(label, target):
    """Write the project as of a commit: the alembic folder as the bundle has it, and the application of then."""
    for name in PROJECT:
        shutil.copytree(HERE / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path, text in tree(label).items():
        write(target / path, text)
    if label in WITH_API_KEY:
        write(target / "app/runs/api_key.py", API_KEY)
        package = today("app/runs/__init__.py").replace(
            "import Run\n", "import Run\nfrom app.runs.api_key import ApiKey\n"
        )
        write(target / "app/runs/__init__.py", package.replace('["Run"]', '["ApiKey", "Run"]'))
    return target


def write(path, text):
    """Write a file, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def data(text):
    """A text as `git fast-import` reads it."""
    raw = text.encode()
    return b"data %d\n%s\n" % (len(raw), raw)


def stream():
    """The history as `git fast-import` reads it."""
    for _, at, author, message, changes in commits():
        who = f"{author} {int(datetime.fromisoformat(at).timestamp())} +0000"
        yield f"commit refs/heads/main\nauthor {who}\ncommitter {who}\n".encode() + data(message + "\n")
        for path, text in changes.items():
            yield f"D {path}\n".encode() if text is None else f"M 100644 inline {path}\n".encode() + data(text)


def present():
    """The alembic folder as it is now."""
    found = {path: today(path) for path in FRAME}
    for folder in (ACTIVE, BACKUP, ARCHIVE):
        found |= {f"{folder}/{path.name}": path.read_text(encoding="utf-8") for path in (HERE / folder).glob("*.py")}
    return found


def write_bundle(target):
    """Write the history as a git bundle; one that holds it already is left alone.

    Its bytes depend on the version of git.

    False where there is no git.
    """
    if tree("clean") != present():
        raise SystemExit("the last commit of history.py is not what the alembic folder holds")
    if shutil.which("git") is None:
        return False
    with tempfile.TemporaryDirectory() as home:
        path = os.environ.get("PATH", "")
        env = {"PATH": path, "HOME": home, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}

        def git(*words, **more):
            return subprocess.run(["git", *words], cwd=home, env=env, check=True, capture_output=True, **more).stdout

        git("init", "--bare", "--initial-branch=main", ".")
        git("fast-import", input=b"".join(stream()))
        if target.exists() and git("rev-parse", "main").strip() in git("bundle", "list-heads", str(target.resolve())):
            return True
        git("-c", "pack.threads=1", "bundle", "create", "history.bundle", "HEAD", "main")
        shutil.move(Path(home) / "history.bundle", target)
    return True
