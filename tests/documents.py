"""Documents of the contract's shape, written by hand: a small fleet with one environment of each kind."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from forensics.model import Event

NAMES = (
    "initial_schema", "add_users", "milestones_rework", "fix_milestones_schema", "projects_archive", "task_labels",
    "run_metrics", "agent_sessions", "notifications", "review_queue", "rollback_plans", "risk_register",
    "feature_flags", "audit_trail", "search_index", "dependency_graph", "team_calendar", "webhooks", "api_tokens",
    "retention_rules", "cost_tracking", "deploy_gates", "backfill_owner", "dashboard_views",
)  # fmt: skip
PYTHON = {"008", "014", "023"}
HOSTILE = 'a|b`c <script>alert("x")</script>\n# *not* a [heading](http://evil.example) ${HOME}'

Document = dict[str, Any]


def ident(version: str) -> str:
    """Return the id of the migration with that version."""
    return f"{version}_{NAMES[int(version) - 1]}"


def migration(
    version: str, executed: str = "yes", *, at: str | None = None, recorded: bool | None = None, basis: str = "schema",
    expected: int = 4, present: int | None = None,
) -> Document:  # fmt: skip
    name = ident(version)
    present = {"yes": expected, "partial": expected // 2}.get(executed, 0) if present is None else present
    return {
        "id": name,
        "version": version,
        "name": NAMES[int(version) - 1],
        "file": name + (".py" if version in PYTHON else ".sql"),
        "content": {"sha256": hashlib.sha256(name.encode()).hexdigest(), "origin": "worktree"},
        "recorded": at is not None if recorded is None else recorded,
        "recorded_at": at,
        "executed": executed,
        "basis": "none" if executed == "unknown" else basis,
        "effects": {
            "expected": expected, "present": present, "absent": expected - present, "superseded": 0, "altered": 0,
        },
    }  # fmt: skip


def finding(number: int, cause: str, severity: str, summary: str, **other: Any) -> Document:
    proofs = [{"source": "schema", "detail": "the live catalogue was compared with the replayed chain", "ref": "E001"}]
    return {
        "id": f"F{number}", "cause": cause, "scope": "environment", "severity": severity, "migrations": [],
        "objects": [], "summary": summary, "evidence": proofs, "evidence_against": [], "confidence": 0.97,
        "would_overturn": "A log of the migration tool that shows another order.", "contributing": [],
        "alternatives": [], "remedy": "Run the missing statements.", "prevention": "Check the schema before a deployment.",
        **other,
    }  # fmt: skip


def missing(table: str, *names: str) -> list[Document]:
    return [{"kind": "column", "table": table, "name": name, "state": "missing"} for name in names]


def diagnosis(
    name: str, state: str, migrations: list[Document], findings: list[Document], *, explanation: Document | None = None,
    next_failure: Document | None = None, failures: list[Document] | None = None, tracker: Document | None = None,
) -> Document:  # fmt: skip
    recorded = [item["version"] for item in migrations if item["recorded"]]
    executed = [item["version"] for item in migrations if item["executed"] == "yes"]
    partial = [item["version"] for item in migrations if item["executed"] == "partial"]
    return {
        "schema": "forensics/diagnosis/1",
        "environment": {
            "name": name, "url": f"sqlite:///data/{name}/architect.db", "dialect": "sqlite", "server_version": "3.45.1",
            "state": state, "fingerprint": "fp1:9c41a06c2b7f4f0d8a1e5b7c9d3f2a10", "layout": "fp1:77d0f2",
        },
        "tracker": tracker or {
            "tool": "numbered", "table": "schema_versions", "state": "present", "recorded": recorded,
        },
        "trackers": [],
        "chain": {
            "name": "main", "tool": "numbered", "path": "migrations", "count": len(NAMES), "bases": ["001"],
            "heads": ["024"], "builds_from_empty": False,
        },
        "migrations": migrations,
        "findings": findings,
        "explanation": explanation or {
            "steps": [{"migration": label} for label in executed], "executed": executed, "partial": partial,
            "outside": [], "residual": [], "reconstructed": True, "baseline": {"residual": 0}, "ties": [],
            "scratch": {"server_version": "3.45.1", "isolation": "namespaces"},
        },
        "next_failure": next_failure,
        "failures": failures or [],
    }  # fmt: skip


def bare(name: str, state: str, findings: list[Document], *, tracker: Document | None = None) -> Document:
    """Return an environment about which nothing more is known."""
    document = diagnosis(name, state, [], findings)
    document["environment"] |= {"fingerprint": None, "layout": None, "server_version": None}
    return document | {"tracker": tracker or {}, "chain": {}, "explanation": {}, "next_failure": {}}


def versions(first: int, last: int) -> list[str]:
    return [f"{number:03d}" for number in range(first, last + 1)]


MASKED_003 = finding(
    2, "masked-create", "warning",
    "003 says CREATE TABLE IF NOT EXISTS milestones, but 001 had created milestones already, so the create did "
    "nothing and the index that follows it cannot be made.",
    scope="chain", migrations=["003"],
    objects=[{"kind": "table", "table": None, "name": "milestones", "state": "altered"}],
    evidence=[
        {"source": "replay", "ref": "003_milestones_rework.sql:41",
         "detail": "003 fails at statement 6, CREATE INDEX ... ON milestones(app_id): no such column: app_id"},
        {"source": "file", "detail": "001 creates milestones with project_id", "ref": "001_initial_schema.sql:12"},
    ],
    remedy="Let 004 run before 003, or drop the masked CREATE from 003.",
    prevention="Do not use IF NOT EXISTS in a migration that owns the table.",
)  # fmt: skip

OUTSIDE_009 = "CREATE TABLE notification_log (\n    id INTEGER PRIMARY KEY,\n    kind TEXT NOT NULL,\n    sent_at TIMESTAMP\n)"


def prod() -> Document:
    rows = [migration(v, at="2026-02-10T15:38:01Z", expected=22) for v in versions(1, 2)]
    rows.append(migration("003", "partial", at="2026-02-10T19:46:48Z", expected=30, present=12))
    rows.append(migration("004", "no", at="2026-02-10T19:45:37Z", expected=15))
    rows += [migration(v, "no" if v != "008" else "unknown", at="2026-02-10T19:56:42Z") for v in versions(5, 16)]
    rows += [migration(v, "no") for v in versions(17, 24)]
    findings = [
        finding(
            1, "recorded-not-executed", "critical",
            "Migration 004 is recorded as applied, but none of its 15 effects are in the schema.",
            migrations=["004"], objects=missing("milestones", "app_id", "run_id", "milestone_type", "risk_level"),
            evidence=[
                {"source": "schema", "detail": "milestones has 6 columns, none of the 13 that 004 adds", "ref": "E001"},
                {"source": "tracker", "detail": "description says 'skipped (already applied)'", "ref": "schema_versions.version=004"},
                {"source": "tracker", "ref": "schema_versions.version=004",
                 "detail": "no checksum, where rows that the manager writes have one"},
            ],
            confidence=0.99, would_overturn="A migration log that shows 004 running after 2026-02-10T19:45:37Z.",
            contributing=["F2", "F3"], remedy="Execute 004 for real, then 003 from its statement 6.",
            prevention="Never insert tracker rows by hand; gate deployments on `forensics check`.",
        ),
        MASKED_003,
        finding(
            3, "bulk-stamped", "warning",
            "005 to 016 were recorded in one instant, 2026-02-10T19:56:42Z, without having run.",
            migrations=versions(5, 16),
            evidence=[{"source": "tracker", "detail": "twelve rows share one applied_at", "ref": "schema_versions.id=5..16"}],
            evidence_against=[{"source": "schema", "ref": "008_agent_sessions.py",
                               "detail": "008 changes no object, so the schema cannot tell"}],
            confidence=0.95,
        ),
        finding(
            4, "partially-executed", "critical",
            "003 stopped at statement 6 of 11: its first five statements took effect, the rest did not.",
            migrations=["003"], contributing=["F2"],
            objects=[{"kind": "index", "table": "milestones", "name": "idx_milestones_app", "state": "missing"}],
        ),
    ]  # fmt: skip
    explanation = {
        "steps": [
            {"outside": 0}, {"migration": "001"}, {"migration": "002"},
            {"migration": "003", "statements": [1, 2, 3, 4, 5], "of": 11},
        ],
        "executed": ["001", "002"], "partial": ["003"],
        "outside": [{
            "before": "001", "origin": "application",
            "objects": [{"kind": "table", "table": None, "name": "notification_log", "state": "extra"}],
            "ddl": [OUTSIDE_009],
        }],
        "residual": [], "reconstructed": True, "baseline": {"residual": 94}, "ties": [],
        "scratch": {"server_version": "3.45.1", "isolation": "namespaces"},
    }  # fmt: skip
    return diagnosis("prod", "needs-fixing", rows, findings, explanation=explanation)


def dev() -> Document:
    rows = [migration(v, at="2026-02-09T10:00:00Z", expected=22) for v in versions(1, 8)]
    rows += [migration(v, "no") for v in versions(9, 24)]
    error = "no such column: notification_type"
    failure = {
        "migration": ident("009"), "version": "009", "file": ident("009") + ".sql",
        "statement": "CREATE INDEX idx_notification_type ON notification_log(notification_type)",
        "error": error, "cause": "masked-create", "when": "next-run", "basis": "schema",
    }  # fmt: skip
    findings = [
        finding(
            1, "pending-will-fail", "critical", f"The next run will stop at 009: {error}.", migrations=["009"],
            contributing=["F2"], objects=missing("notification_log", "notification_type"),
            remedy="Create the missing column first, then run 009.",
        ),
        finding(
            2, "masked-create", "error",
            "009 expects to create notification_log, but the application has created it in another shape at its start.",
            migrations=["009"], objects=missing("notification_log", "notification_type"),
            evidence=[
                {"source": "code", "detail": "the application holds the same CREATE TABLE, letter by letter", "ref": "app/store.py:118"},
            ],
        ),
        finding(
            3, "manual-change", "error", "notification_log was created outside migrations, before 001.",
            origin="application", objects=[{"kind": "table", "table": None, "name": "notification_log", "state": "extra"}],
        ),
    ]  # fmt: skip
    explanation = {
        "steps": [{"outside": 0}, *({"migration": v} for v in versions(1, 8))],
        "executed": versions(1, 8), "partial": [],
        "outside": [{
            "before": "001", "origin": "application", "ddl": [OUTSIDE_009],
            "objects": [{"kind": "table", "table": None, "name": "notification_log", "state": "extra"}],
        }],
        "residual": [], "reconstructed": True, "baseline": {"residual": 7}, "ties": [],
        "scratch": {"server_version": "3.45.1", "isolation": "namespaces"},
    }  # fmt: skip
    again = {**failure, "migration": ident("004"), "version": "004", "file": ident("004") + ".sql", "when": "if-rerun",
             "statement": "ALTER TABLE milestones ADD COLUMN app_id INTEGER", "error": "duplicate column name: app_id"}  # fmt: skip
    return diagnosis(
        "dev", "needs-fixing", rows, findings, explanation=explanation, next_failure=failure, failures=[failure, again]
    )


def qa() -> Document:
    rows = [migration(v, at="2026-02-08T09:00:00Z", expected=22) for v in versions(1, 24)]
    return diagnosis("qa", "ok", rows, [])


def waiting() -> Document:
    rows = [migration(v, at="2026-02-08T09:00:00Z") for v in versions(1, 20)] + [
        migration(v, "no") for v in versions(21, 24)
    ]
    info = finding(1, "pending", "info", "021 to 024 are not applied yet; nothing is wrong.", migrations=versions(21, 24))
    return diagnosis("env3", "pending", rows, [info])


def main() -> Document:
    rows = [migration(v, at="2026-02-10T15:38:01Z", expected=22) for v in versions(1, 2)]
    rows.append(migration("003", "yes", at="2026-02-10T19:46:48Z", expected=30))
    rows.append(migration("004", "yes", at="2026-02-10T22:56:33Z", expected=15))
    rows += [migration(v, "no", at="2026-02-10T19:56:42Z") for v in versions(5, 16)]
    rows += [migration("017", "yes", recorded=False), *(migration(v, "no") for v in versions(18, 24))]
    findings = [
        finding(1, "recorded-not-executed", "critical",
                "005 to 016 are recorded as applied, but none of their 48 effects are in the schema.",
                migrations=versions(5, 16)),
        finding(2, "executed-not-recorded", "error", "017 ran, but the tracker does not know it.", migrations=["017"]),
    ]  # fmt: skip
    return diagnosis("main", "needs-fixing", rows, findings)


def suite() -> Document:
    rows = [migration(v, at="2026-02-01T08:00:00Z") for v in versions(1, 2)]
    rows += [migration("003", "partial", expected=30, present=12), *(migration(v, "no") for v in versions(4, 24))]
    found = finding(1, "partially-executed", "critical", "003 stopped at statement 6 of 11.", migrations=["003"])
    return diagnosis("test_suite", "needs-fixing", rows, [found])


def untracked() -> Document:
    found = finding(
        1, "untracked", "error", "65 tables are there, but no tracker: no migration was ever recorded here.",
        origin="application",
    )  # fmt: skip
    absent = {"tool": None, "table": None, "state": "absent", "recorded": []}
    rows = [migration(v, "no") for v in versions(1, 24)]
    return diagnosis("test", "needs-fixing", rows, [found], tracker=absent)


def empty(name: str = "env1") -> Document:
    found = finding(1, "uninitialised", "info", "The database file has zero bytes: nothing was ever created in it.",
                    remedy="Nothing to repair. Run the migrations when it is needed.")  # fmt: skip
    return bare(name, "not-initialised", [found])


def unreadable(name: str = "old") -> Document:
    found = finding(
        1, "unreadable", "error", "The file is not a database: its first bytes are 'hello wo'.",
        remedy="Check the address of this environment in the case file.",
    )  # fmt: skip
    return bare(name, "unreadable", [found])


def hostile() -> Document:
    """Return a document in which every name tries to break out of its place."""
    rows = [
        {**migration("001", "no", at="2026-02-10T15:38:01Z"), "id": HOSTILE, "name": HOSTILE, "file": HOSTILE,
         "version": HOSTILE},
    ]  # fmt: skip
    found = finding(
        1, "recorded-not-executed", "critical", f"Migration {HOSTILE} is recorded, but never ran.",
        migrations=[HOSTILE], objects=[{"kind": "column", "table": HOSTILE, "name": HOSTILE, "state": "missing"}],
        evidence=[{"source": HOSTILE, "detail": HOSTILE, "ref": HOSTILE}],
        evidence_against=[{"source": HOSTILE, "detail": HOSTILE, "ref": HOSTILE}],
        would_overturn=HOSTILE, remedy=HOSTILE, prevention=HOSTILE, alternatives=[HOSTILE],
    )  # fmt: skip
    explanation = {
        "steps": [{"outside": 0}, {"migration": HOSTILE, "statements": [1], "of": 2}],
        "executed": [], "partial": [HOSTILE],
        "outside": [{
            "before": HOSTILE, "origin": "unknown", "ddl": [f"CREATE TABLE x (\n```\n{HOSTILE}\n~~~\n)"],
            "objects": [{"kind": "table", "table": None, "name": HOSTILE, "state": "extra"}],
        }],
        "residual": [{"kind": "table", "table": None, "name": HOSTILE, "state": "extra"}],
        "reconstructed": False, "baseline": {"residual": 3}, "ties": [{"executed": [HOSTILE]}],
        "scratch": {"server_version": "3.45.1", "isolation": "guard"},
    }  # fmt: skip
    failure = {
        "migration": HOSTILE, "version": HOSTILE, "file": HOSTILE, "statement": HOSTILE, "error": HOSTILE,
        "cause": "masked-create", "when": "next-run", "basis": "schema",
    }  # fmt: skip
    document = diagnosis("dev", "needs-fixing", rows, [found], explanation=explanation, next_failure=failure,
                         failures=[failure])  # fmt: skip
    document["environment"] |= {"name": HOSTILE, "url": f"sqlite:///{HOSTILE}"}
    document["tracker"] |= {"table": HOSTILE}
    document["chain"] |= {"path": HOSTILE, "name": HOSTILE, "bases": [HOSTILE], "heads": [HOSTILE]}
    return document


def fleet(*documents: Document, title: str = "Architect dashboard: recurring migration failures") -> Document:
    """Return the fleet document of these environments, or of the whole small fleet."""
    chosen = list(documents) or [
        main(), dev(), prod(), qa(), waiting(), suite(), untracked(), empty("env1"), empty("env2"), empty("feature1"),
        empty("feature2"), unreadable(),
    ]  # fmt: skip
    names = {item["environment"]["name"] for item in chosen}
    groups = [
        {
            "id": "G1", "cause": "recorded-not-executed", "migrations": versions(4, 16), "environments": ["main", "prod"],
            "findings": [["main", "F1"], ["prod", "F1"]],
            "summary": "004 to 016 are recorded as applied in 2 environments, but did not run there.",
        },
        {
            "id": "G2", "cause": "masked-create", "migrations": ["009"], "environments": ["dev"],
            "findings": [["dev", "F2"]],
            "summary": "009 expects to create notification_log, which the application creates first.",
        },
    ]  # fmt: skip
    return {
        "schema": "forensics/fleet/1",
        "case": {"name": "architect", "title": title, "incident": "INC-2026-02-10"},
        "environments": chosen,
        "groups": [group for group in groups if names >= set(group["environments"])],
    }


def events() -> tuple[Event, ...]:
    """Return the timeline of the incident: tracker rows, commits, log lines and what people said."""

    def at(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)

    rows = [
        Event(at=at("2026-02-10T15:38:01"), source="tracker", message=f"{v} recorded", ref=f"schema_versions.version={v}",
              environment="prod", migration=v, assumed="UTC")
        for v in ("001", "002")
    ]  # fmt: skip
    rows += [
        Event(at=at("2026-01-04T09:12:00"), source="git", message="Add the first migrations", ref="git:1f2e3d4",
              actor="Dana"),
        Event(at=at("2026-02-03T17:40:10"), source="git", message="Milestones get risk and review columns (003, 004)",
              ref="git:5a6b7c8", actor="Dana"),
        Event(at=at("2026-02-10T15:38:03.5"), source="log", message="Migration 003 failed: no such column: app_id",
              ref="logs/prod.log:118", level="error", assumed="America/Los_Angeles", precision=0.001),
        Event(at=at("2026-02-10T19:45:37"), source="tracker", message="004 recorded: skipped (already applied)",
              ref="schema_versions.version=004", migration="004", assumed="UTC"),
        Event(at=at("2026-02-10T19:46:48"), source="tracker", message="003 recorded", migration="003",
              ref="schema_versions.version=003", assumed="UTC"),
        Event(at=at("2026-02-10T20:00:00"), source="human", message="Users report that the app does not start",
              ref="forensics.toml#events[0]", actor="on-call"),
        Event(at=at("2026-02-10T22:56:33"), source="tracker", message="004 recorded: manual_fix", migration="004",
              ref="schema_versions.id=19", assumed="UTC"),
    ]  # fmt: skip
    rows += [
        Event(at=at("2026-02-10T19:56:42"), source="tracker", message=f"{v} recorded: skipped (already applied)",
              ref=f"schema_versions.version={v}", migration=v, assumed="UTC")
        for v in versions(5, 16)
    ]  # fmt: skip
    rows += [
        Event(at=at(f"2026-02-10T20:{minute:02d}:00"), source="log", message="no such column: app_id",
              ref=f"logs/prod.log:{200 + minute}", level="error", assumed="America/Los_Angeles")
        for minute in range(1, 40)
    ]  # fmt: skip
    rows.append(Event(at=None, source="file", message="003_milestones_rework 2.sql holds the same bytes as 003",
                      ref="003_milestones_rework 2.sql"))  # fmt: skip
    return tuple(sorted(rows, key=lambda event: (event.at is None, event.at or at("2026-01-01T00:00:00"), event.ref)))
