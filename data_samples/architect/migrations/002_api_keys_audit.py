"""API keys, the audit log and the settings of the dashboard."""

import os
import sqlite3
from pathlib import Path

DESCRIPTION = "API keys, audit log and settings"


def _environment_database():
    """Open the database of the environment that ARCHITECT_ENV names."""
    home = Path(os.environ.get("ARCHITECT_HOME", Path(__file__).resolve().parents[1]))
    env = os.environ.get("ARCHITECT_ENV", "")
    return sqlite3.connect(home / "data" / env / "architect.db")


def upgrade(conn=None):
    conn = conn or _environment_database()
    conn.execute(
        """
        CREATE TABLE IF NOT EXISTS api_keys (
            id INTEGER PRIMARY KEY,
            label TEXT NOT NULL,
            key_hash TEXT NOT NULL UNIQUE,
            scopes TEXT NOT NULL DEFAULT 'read',
            expires_at TIMESTAMP,
            revoked INTEGER NOT NULL DEFAULT 0,
            created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
        )
        """
    )
    conn.execute(
        """
        CREATE TABLE IF NOT EXISTS audit_log (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            actor TEXT NOT NULL,
            action TEXT NOT NULL,
            entity TEXT,
            entity_id INTEGER,
            detail TEXT,
            created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
        )
        """
    )
    conn.execute("CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT, updated_at TIMESTAMP) WITHOUT ROWID")
    conn.execute("CREATE INDEX IF NOT EXISTS idx_audit_log_entity ON audit_log (entity, entity_id)")
    conn.execute("CREATE INDEX IF NOT EXISTS idx_api_keys_live ON api_keys (label) WHERE revoked = 0")
    conn.commit()


def downgrade(conn=None):
    conn = conn or _environment_database()
    for table in ("settings", "audit_log", "api_keys"):
        conn.execute(f"DROP TABLE IF EXISTS {table}")
    conn.commit()
