"""Check the planted facts on a real PostgreSQL, without the toolkit's engine: catalogue queries, Alembic, the logs.

    python check_facts.py           compare with expected.json; exit 1 where something differs
    python check_facts.py --show    print what was found as JSON

A private cluster plays the story anew, and makes beside it what the chains build by themselves. Asked is, without looking
at `expected.json`:
  1. What does each database hold, and which chain's schema is that?
  2. What does the tracker say?
  3. Where does the old chain fail first, from each of its revisions, and what is left then? Does the older one build?
  4. In what do the old and the clean chain differ?
  5. What do the logs say, and are the ones of this folder those of this run?
"""

import json
import re
import sys
import tempfile
from datetime import datetime
from pathlib import Path

sys.dont_write_bytecode = True

import build  # noqa: E402
import psycopg  # noqa: E402
from stage import Environment, Stage  # noqa: E402

HERE = Path(__file__).resolve().parent
OLD = ("001", "002", "003", "8aa06f2b7e5a", "c6deba72bbcc", "cf94a9256bdb")
COMMITS = dict(zip(OLD, ("current", "tasks", "cleanup", "github", "keys", "archived"), strict=True))
CLEAN = "0b228e9fec0b"

# what was really executed in each database; 003 leaves no trace (see `silent`)
STORIES = {
    "clean": [CLEAN],
    "restamp": [CLEAN],
    "stale": OLD[:3],
    "drifted": OLD,
    "restored": OLD,
    "empty-again": [],
    "created": [],
    "stamped": [],
    "race": [CLEAN],
}
COLUMNS = """
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY c.relname, a.attnum"""
OTHERS = """
    SELECT 'index', indexname, tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT 'constraint', conname, conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
    UNION ALL SELECT relkind::text, relname, '', '' FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind NOT IN ('r', 'i')
    UNION ALL SELECT 'type', typname, '', '' FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'e'"""


def look(env):
    """The schema as a set of objects, the order of the columns, and the tracker's rows (None without a tracker)."""
    with psycopg.connect(env.stage.url(env.database)) as connection:
        columns = connection.execute(COLUMNS).fetchall()
        others = connection.execute(OTHERS).fetchall()
        tracked = any(row[0] == "alembic_version" for row in columns)
        query = "SELECT version_num FROM alembic_version ORDER BY 1"
        rows = [row[0] for row in connection.execute(query)] if tracked else None
    objects = {("column", *row) for row in columns} | set(others)
    schema = frozenset(item for item in objects if "alembic_version" not in item[1:4])
    order = {}
    for table, column, *_ in columns:
        order.setdefault(table, []).append(column)
    order.pop("alembic_version", None)
    return schema, order, rows


def upgraded(stage, name, *steps):
    """A new database on which Alembic ran to the head of each commit; ("app", commit) starts the application."""
    env = Environment(stage, name)
    for step in steps:
        if isinstance(step, tuple):
            env.app("2025-01-01 00:00:00", step[1], keep=False)
        else:
            env.alembic("2025-01-01 00:00:00", step, "upgrade", "head", keep=False)
    return env


def first_failure(env, label):
    """The first statement that fails when Alembic runs to the head of a commit, or None."""
    process = env.start(label, "-m", "alembic", "upgrade", "head")
    _, said = process.communicate(timeout=60)
    if not process.returncode:
        return None
    migration = re.findall(r"Running upgrade \S* -> (\w+)", said)[-1]
    error = re.findall(r"^sqlalchemy\.exc\.\w+: \([\w.]+\) (.+)$", said, re.M)[-1]
    statement = " ".join(re.findall(r"\[SQL: ([^\]]*)\]", said)[-1].split())
    return {"migration": migration, "statement": statement, "error": error}


def failures(stage):
    """Where the old chain fails first from each of its revisions; databases that had drifted where nothing else gets there."""
    old, found = build.OLD, {}
    starts = {
        "empty": (),
        "001": ("current",),
        "002": ("tasks",),
        "003": ("cleanup",),
        "c6deba72bbcc": ("cleanup", ("app", "cleanup"), "github", ("app", "github"), "keys"),
    }
    for name, steps in starts.items():
        found[name] = first_failure(upgraded(stage, f"from {name}", *steps), old)
    # `runs` alone comes back before 8aa06f2b7e5a: with today's application, which has no ApiKey
    found["8aa06f2b7e5a"] = first_failure(upgraded(stage, "from 8aa", "cleanup", ("app", "keys"), "github"), old)
    found["cf94a9256bdb"] = first_failure(upgraded(stage, "from cf9", *starts["c6deba72bbcc"], "archived"), old)
    return found


def references(stage):
    """What the chains and the models build by themselves."""
    drifting = [step for label in ("tasks", "cleanup", "github") for step in (label, ("app", label))]
    empty = upgraded(stage, "ref empty")
    first_failure(empty, build.OLD)
    return {
        "clean": look(upgraded(stage, "ref clean", build.NEW)),
        "old at 002": look(upgraded(stage, "ref 002", "tasks")),
        "old at 003": look(upgraded(stage, "ref 003", "cleanup")),
        "old at cf94a9256bdb": look(upgraded(stage, "ref old", *drifting, "keys", ("app", "keys"), "archived")),
        "models": look(upgraded(stage, "ref models", ("app", build.NEW))),
        "older": look(upgraded(stage, "ref older", "zones")),
        "nothing": look(empty),
    }


def named(schema, known, runs):
    """The names of a schema: a chain's, with or without what `create_all` adds to it."""
    for name, (reference, _, _) in known.items():
        if schema == reference and name not in ("models", "old at 002"):
            return name
        if schema == reference | runs and name != "nothing":
            return f"{name}, with runs"
    return "unknown"


def logged(texts):
    """What the logs of one environment say."""
    server = "".join(text for name, text in texts.items() if name.endswith("-postgres.log"))
    everything = "".join(texts.values())
    error = re.compile(r"^(\S+ \S+) UTC .* ERROR:  (.*)$", re.M)
    missing = [at for at, text in error.findall(server) if text.startswith('index "ix_runs_created_at" does not exist')]
    users = [at for at, text in error.findall(server) if text.startswith('relation "users" does not exist')]
    revisions = re.findall(r"ERROR \[\S+\] Can't locate revision identified by '(\w+)'", everything)
    found = {
        "cannot_locate": {name: revisions.count(name) for name in revisions},
        "drop_index_errors": len(missing),
        "drop_index": [iso(at) for at in missing],
        "users_missing": [iso(at) for at in users],
    }
    if users:
        job = re.search(r"^(\S+ \S+) UTC \[(\d+)\].*statement: \n\tCREATE TABLE users", server, re.M)
        done = re.search(rf"^(\S+ \S+) UTC \[{job[2]}\].*disconnection", server, re.M)
        found |= {"created": iso(job[1]), "finished": iso(done[1])}
    return found


def iso(text):
    return datetime.fromisoformat(text).isoformat(timespec="milliseconds") + "Z"


def story(stage, target):
    """Play the story; each environment's look, and the logs."""
    environments = [env for scene in build.STORY for env in scene(stage)]
    return {env.name: look(env) for env in environments}, {env.name: env.logs() for env in environments}


def find():
    """Everything that can be found out."""
    with tempfile.TemporaryDirectory() as folder, build.Cluster() as cluster:
        stage = Stage(cluster.url(), Path(folder).resolve(), cluster.log_file)
        known = references(stage)
        failing = failures(stage)
        live, logs = story(stage, Path(folder))
    runs = known["models"][0] - known["clean"][0]
    old, clean = known["old at cf94a9256bdb"], known["clean"]
    environments = {}
    for name, (schema, _, rows) in live.items():
        ran = {item: "yes" if item in STORIES[name] else "no" for item in (CLEAN, *OLD)}
        ran["003"] = "unknown" if known["old at 002"][0] == known["old at 003"][0] else ran["003"]
        environments[name] = {"tracker": rows is not None, "recorded": rows or [], "schema": named(schema, known, runs)}
        environments[name] |= {"executed": ran, "log": logged(logs[name])}
    committed = {path.name: path.read_text(encoding="utf-8") for path in (HERE / "logs").glob("*.log")}
    return {
        "environments": environments,
        "first_failure_from": {name: failing[name] for name in ("empty", *OLD)},
        "left_after_failure": sorted(known["nothing"][0]),
        "older_builds": bool(known["older"][0]),
        "runs": sorted(item[1] for item in runs if item[0] == "index"),
        "difference": [sorted(old[0] - clean[0], key=str), sorted(clean[0] - old[0], key=str)],
        "layout": sorted(table for table, order in clean[1].items() if order != old[1][table]),
        "same_after_dump": live["drifted"][:2] == live["restored"][:2],
        "logs_as_committed": committed == {name: text for texts in logs.values() for name, text in texts.items()},
    }


def compare(found, expected):
    """Name what differs between what was found and what is expected."""
    old = expected["archived"]["chains"]["alembic/versions_backup/versions"]
    archived = lambda name, default: (found["difference"][0 if name == "old" else 1] or [default])[0]  # noqa: E731
    pairs = [
        ("first failures", found["first_failure_from"], old["first_failure_from"]),
        ("left after the failure", found["left_after_failure"], old["left_after_failure"]),
        ("the older chain builds", found["older_builds"], True),
        ("the difference", [len(side) for side in found["difference"]], [1, 1]),
        ("old side", archived("old", None), ("column", "tasks", "archived", "boolean", True, "false")),
        ("clean side", archived("clean", None), ("column", "tasks", "archived", "boolean", True, None)),
        (
            "layout",
            found["layout"],
            [item["table"] for item in expected["archived"]["difference_from_active"]["layout"]],
        ),
        ("drifted and restored agree", found["same_after_dump"], True),
        ("logs are the committed ones", found["logs_as_committed"], True),
    ]
    for name, env in expected["environments"].items():
        mine = found["environments"][name]
        pairs += [(f"{name}: {key}", mine[key], env[key]) for key in ("tracker", "recorded", "schema")]
        if env["executed"]:
            told = env["executed"] | env["archived_executed"]
            pairs.append((f"{name}: executed", mine["executed"], told))
        log = mine["log"]
        if "log" in env:
            pairs += [(f"{name}: {key}", log.get(key), env["log"][key]) for key in env["log"] if key in log]
        for finding in env["findings"]:
            if finding["cause"] == "stale-runner":
                times = (finding["times"], finding["first"], finding["last"])
                seen = log["drop_index"]
                pairs.append((f"{name}: stale runner", (len(seen), seen[0], seen[-1]), times))
            if finding["cause"] == "race":
                uses = (finding["uses"], finding["created"], finding["finished"])
                pairs.append((f"{name}: race", (log["users_missing"], log["created"], log["finished"]), uses))
            if finding.get("indexes"):
                pairs.append(
                    (
                        f"{name}: indexes of runs",
                        [item for item in found["runs"] if item != "runs_pkey"],
                        finding["indexes"],
                    )
                )
    return [f"{what}: found {mine}, expected {theirs}" for what, mine, theirs in pairs if mine != theirs]


def main(words):
    """Print what was found, or what is wrong."""
    found = find()
    if "--show" in words:
        print(json.dumps(found, indent=1, default=str))
        return 0
    expected = json.loads((HERE / "expected.json").read_text(encoding="utf-8"))
    wrong = compare(found, expected)
    print("\n".join(wrong) or f"{len(expected['environments'])} environments and 3 chains are as expected")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
