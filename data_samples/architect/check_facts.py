"""Check the planted facts against the databases, with the standard library alone.

    python check_facts.py [CASE]        compare with expected.json; exit 1 where something differs
    python check_facts.py --show [CASE] print what was found as JSON

Four questions to each database, none of them answered by looking at `expected.json`:
  1. Does the true story (`STORIES`), replayed from nothing, give the live schema, statement for statement?
  2. Which migrations leave no trace there: the schema is the same with them as without?
  3. Which pending files fail at the next run, which recorded ones if they are run again, in order?
  4. Whose text do the recorded checksums belong to?
"""

import hashlib
import json
import os
import re
import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

sys.dont_write_bytecode = True

import history  # noqa: E402
from app import legacy_tracker, tables  # noqa: E402
from manager import TRACKER, collect  # noqa: E402

HERE = Path(__file__).resolve().parent
NOWHERE = Path(tempfile.gettempdir(), "nowhere")  # what a migration that opens a database by itself is led to
FILES = {Path(name).stem: name for name in collect(HERE / "migrations", lambda path: sorted(os.listdir(path)))}
SHORT = {stem[:3]: stem for stem in FILES if stem[:3] not in ("004", "013", "024")}
SHORT |= {"004": "004_fix_milestones_schema", "013py": "013_report_templates", "013sql": "013_feature_flags"}
SHORT |= {"024py": "024_saved_filters", "024sql": "024_code_reviews", "021": "021_usage_snapshots"}
HOTFIX = "CREATE INDEX idx_bugs_hotfix ON bugs(status, created_at)"
COLOUR = "ALTER TABLE projects ADD COLUMN color TEXT DEFAULT '#3366cc'"
DROPPED = "DROP INDEX idx_session_events_type"
HALF_003 = ("003", [1, 2, 3, 4])

# the truth, in order: a migration, a migration with the statements that were run, `app`, or SQL typed by somebody;
# `NNN@commit` is the text of the file as of that commit
STORIES = {
    "main": ["legacy", "app", "001", "002", HALF_003, "004"],
    "prod": ["app", "001", "002", HALF_003, HOTFIX],
    "dev": ["app", "001@start", "002", HALF_003, "004", "003", "024sql", "024py", COLOUR, "007", "008@filters", "028"],
    "qa": ["app", "001", "002", HALF_003, "004", "003", "005@signed", "006", "007"],
    "env3": [
        "legacy", "app", "001", "002", HALF_003, "004", "005", "006", "007", "010", "011", ("012", [1]), "013py",
        ("014", [1]), "015", "016", "017", "018", "020", "021@model", "023", "024py", "024sql",
        "027", "028", "030", DROPPED,
    ],
    "test_suite": ["001", "002", HALF_003],
    "test": ["app"],
}  # fmt: skip


def statements(script):
    """Split a script; comments go with the statement that follows them."""
    found, current = [], ""
    for piece in re.split(r"(?<=;)", script):
        current += piece
        if sqlite3.complete_statement(current):
            found.append(current.strip())
            current = ""
    return [text for text in found if re.sub(r"--[^\n]*", "", text).strip(" ;\n")]


def source(step):
    """A migration's file and text."""
    short, _, label = step.partition("@")
    stem = SHORT[short]
    if label:
        folder = history.folder(label)
        name = next(name for name in folder if Path(name).stem == stem)
        return name, folder[name]
    return FILES[stem], (HERE / "migrations" / FILES[stem]).read_text(encoding="utf-8")


def run(conn, name, text, only=None, entry=("upgrade",)):
    """Run one migration as the manager does, or only some of its statements."""
    if name.endswith(".py"):
        scope = {"__file__": str(NOWHERE / "migrations" / name), "__name__": "migration"}
        exec(compile(text, name, "exec"), scope)
        function = next((scope[word] for word in entry if word in scope), None)
        if function is None:
            raise RuntimeError(f"Migration {name[:3]} missing 'upgrade' function")
        function(conn)
        conn.commit()
    elif only:
        for number, statement in enumerate(statements(text), 1):
            if number in only:
                conn.execute(statement)
    else:
        conn.executescript(text)


def schema(conn):
    """The schema, apart from the trackers: names and definitions, spelled evenly."""
    rows = conn.execute("SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    ignored = ("schema_versions", "migration_history", "sqlite_sequence")
    return {(*row[:3], re.sub(r"[\s\"]+", "", row[3]).lower()) for row in rows if row[2] not in ignored}


def replay(story):
    """Replay a story from nothing; the schema, or None where a step fails."""
    with closing(sqlite3.connect(":memory:")) as conn:
        try:
            for step in story:
                only = None
                if isinstance(step, tuple):
                    step, only = step
                if step == "app":
                    tables.create_tables(conn)
                elif step == "legacy":
                    conn.execute(legacy_tracker.DDL)
                elif " " in step:
                    conn.execute(step)
                else:
                    run(conn, *source(step), only, entry=("upgrade", "migrate"))
            return schema(conn)
        except (sqlite3.Error, RuntimeError):
            return None


def without_trace(story, truth):
    """Migrations with which the schema is the same as without."""
    found = set()
    mine = [(step[0] if isinstance(step, tuple) else step).partition("@")[0] for step in story]
    for short, stem in SHORT.items():
        if short in mine:
            without = [step for step, name in zip(story, mine, strict=True) if name != short]
            if replay(without) == truth:
                found.add(stem)
        elif any(replay([*story[:at], short, *story[at:]]) == truth for at in range(len(story) + 1) if short != "021"):
            found.add(stem)
    return found


def executed(story, silent):
    """The state of each migration, from the true story."""
    state = dict.fromkeys(FILES, "no")
    for step in story:
        short = (step[0] if isinstance(step, tuple) else step).partition("@")[0]
        if short in SHORT:
            state[SHORT[short]] = "partial" if isinstance(step, tuple) else "yes"
    return {stem: "unknown" if stem in silent else state.get(stem, "no") for stem in FILES}


def failures(path, names, *, record, apart=False, bare=False):
    """Run files on a copy of a database, one after the other (or each on its own copy); what fails, and how."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:

        def copy():
            target = Path(folder, "copy.db")
            clone(path, target)
            conn = sqlite3.connect(target)
            conn.execute(TRACKER)
            if bare:
                for (table,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                    if table not in ("schema_versions", "sqlite_sequence"):
                        conn.execute(f'DELETE FROM "{table}"')
                conn.commit()
            return conn

        conn = copy()
        for name in names:
            if apart:
                conn.close()
                conn = copy()
            try:
                run(conn, name, (HERE / "migrations" / name).read_text(encoding="utf-8"))
                if record:
                    conn.execute("INSERT INTO schema_versions (version) VALUES (?)", (name[:3],))
            except (sqlite3.Error, RuntimeError) as error:
                found[Path(name).stem] = str(error)
            conn.commit()
        conn.close()
    return found


def clone(path, target):
    """Copy a database with its write-ahead log."""
    for tail in ("", "-wal", "-shm"):
        Path(f"{target}{tail}").unlink(missing_ok=True)
    for tail in ("", "-wal"):
        if Path(f"{path}{tail}").exists():
            shutil.copyfile(f"{path}{tail}", f"{target}{tail}")


def checksums(rows):
    """For each recorded md5: the current file of that version with it, else the commit and file that had it."""
    known = {}
    for label, *_ in history.commits():
        for name, text in history.folder(label).items():
            known.setdefault(hashlib.md5(text.encode()).hexdigest(), f"{label}:{name}")
    found = {}
    for version, md5 in rows:
        now = [name for name in FILES.values() if name[:3] == version]
        texts = {hashlib.md5((HERE / "migrations" / name).read_bytes()).hexdigest() for name in now}
        if md5 in known and md5 not in texts:
            found[version] = known[md5]
    return found


def look(case, name):
    """Everything that can be found out about one environment."""
    path = case / "data" / ("" if name == "main" else name) / "architect.db"
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "live.db")
        clone(path, target)
        with closing(sqlite3.connect(target)) as conn:
            live = schema(conn)
            tracked = conn.execute("SELECT 1 FROM sqlite_master WHERE name = 'schema_versions'").fetchone()
            query = "SELECT version, checksum FROM schema_versions ORDER BY version"
            rows = conn.execute(query).fetchall() if tracked else []
    recorded = [version for version, _ in rows]
    found = {"tracker": bool(tracked), "recorded": recorded, "objects": len(live)}
    if name not in STORIES:
        return found
    story = STORIES[name]
    silent = without_trace(story, live)
    pending = [file for file in FILES.values() if file[:3] not in recorded]
    rerun = [file for file in FILES.values() if file[:3] in recorded]
    found["story_rebuilds_schema"] = replay(story) == live
    found["executed"] = executed(story, silent)
    next_run = failures(path, pending, record=True)
    found["failures"] = {
        "next-run": next_run,
        "if-rerun": failures(path, rerun, record=False),
        "if-rerun-apart": failures(path, rerun, record=False, apart=True),
    }
    bare = failures(path, pending, record=True, bare=True) | failures(path, rerun, record=False, bare=True)
    found["by_data"] = sorted(set(next_run | found["failures"]["if-rerun"]) - set(bare))
    found["older_text"] = checksums(rows)
    return found


def compare(found, expected):
    """Name what differs between what was found and what is expected."""
    for key, empty in (("tracker", False), ("recorded", []), ("executed", {})):
        mine, theirs = found.get(key, empty), expected[key]
        if mine != theirs:
            if key == "executed":
                theirs = {stem: state for stem, state in theirs.items() if mine.get(stem) != state}
                mine = {stem: mine.get(stem) for stem in theirs}
            yield f"{key}: found {mine}, expected {theirs}"
    if not found.get("story_rebuilds_schema", True):
        yield "the true story does not rebuild the schema"
    if "failures" not in found or expected["state"] == "not-initialised":
        return
    if sorted(found["by_data"]) != expected["failures"]["by_data"]:
        yield f"by data: found {found['by_data']}"
    silent = {name[:3] for name in found["by_data"]}
    for when in ("next-run", "if-rerun"):
        must = {(entry["version"], entry["error"]) for entry in expected["failures"][when]}
        tolerated = expected["failures"]["tolerated"]
        may = must | {(version, error) for version, error in found_pairs(found, when) if version in tolerated}
        alone = "if-rerun-apart" if when == "if-rerun" else when
        for label in (when, alone):
            pairs = {pair for pair in found_pairs(found, label) if pair[0] not in silent}
            if not (pairs <= may and must <= pairs):
                yield f"failures {label}: only found {pairs - may}, only expected {must - pairs}"
    first = next(iter(found["failures"]["next-run"].items()), None)
    theirs = expected["next_failure"] and (expected["next_failure"]["migration"], expected["next_failure"]["error"])
    if first != theirs:
        yield f"next failure: found {first}, expected {theirs}"


def found_pairs(found, when):
    """The failures found, as pairs of version and error."""
    return {(stem[:3], error) for stem, error in found["failures"][when].items()}


def main(words):
    """Print what was found, or what is wrong."""
    show = "--show" in words
    words = [word for word in words if word != "--show"]
    case = Path(words[0]) if words else HERE
    os.environ["ARCHITECT_HOME"] = str(NOWHERE)
    names = [*STORIES, "env1", "env2", "feature1", "feature2", "feature3"]
    found = {name: look(case, name) for name in names}
    if show:
        print(json.dumps(found, indent=1))
        return 0
    expected = json.loads((HERE / "expected.json").read_text(encoding="utf-8"))["environments"]
    wrong = [f"{name}: {text}" for name in names for text in compare(found[name], expected[name])]
    print("\n".join(wrong) or f"{len(names)} environments are as expected")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
