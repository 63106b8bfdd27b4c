"""Daily activity counts, so that the front page does not scan the whole feed.

The feed is read over a connection of its own: it belongs to the application, which writes to it all the time, and the log has
to be folded in first for the counts to be complete.
"""

import os
import sqlite3
from pathlib import Path

DESCRIPTION = "Daily activity rollup, bug assignee"


def _feed():
    """Count the activity feed by day, in the database of the environment that ARCHITECT_ENV names."""
    home = Path(os.environ.get("ARCHITECT_HOME", Path(__file__).resolve().parents[1]))
    env = os.environ.get("ARCHITECT_ENV", "")
    own = sqlite3.connect(home / "data" / env / "architect.db")
    try:
        own.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return own.execute("SELECT date(created_at), count(*) FROM activity_feed GROUP BY 1 ORDER BY 1").fetchall()
    finally:
        own.close()


def upgrade(conn):
    try:
        days = _feed()
    except (OSError, sqlite3.Error):
        days = []  # no feed yet: the rollup starts empty
    conn.execute(
        """
        CREATE TABLE IF NOT EXISTS activity_rollup (
            day DATE PRIMARY KEY,
            events INTEGER NOT NULL DEFAULT 0
        )
        """
    )
    columns = {row[1] for row in conn.execute("PRAGMA table_info(bugs)")}
    if "assignee" not in columns:
        conn.execute("ALTER TABLE bugs ADD COLUMN assignee TEXT")
    conn.execute("CREATE INDEX IF NOT EXISTS idx_bugs_assignee ON bugs (assignee) WHERE assignee IS NOT NULL")
    conn.executemany("INSERT OR REPLACE INTO activity_rollup (day, events) VALUES (?, ?)", days)


def downgrade(conn):
    conn.execute("DROP INDEX IF EXISTS idx_bugs_assignee")
    conn.execute("ALTER TABLE bugs DROP COLUMN assignee")
    conn.execute("DROP TABLE IF EXISTS activity_rollup")
