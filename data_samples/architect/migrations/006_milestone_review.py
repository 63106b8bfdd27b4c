"""Review rules, and the list of milestones that wait for a review."""

DESCRIPTION = "Milestone review rules and queue"


def _columns(conn, table):
    return {row[1] for row in conn.execute(f"PRAGMA table_info({table})")}


def upgrade(conn):
    conn.execute(
        """
        CREATE TABLE IF NOT EXISTS review_rules (
            id INTEGER PRIMARY KEY,
            milestone_type TEXT NOT NULL UNIQUE,
            min_reviewers INTEGER NOT NULL DEFAULT 1 CHECK (min_reviewers > 0),
            auto_approve_below INTEGER
        )
        """
    )
    if "review_status" in _columns(conn, "milestones"):
        conn.execute("CREATE INDEX IF NOT EXISTS idx_milestones_waiting ON milestones (created_at) WHERE review_status = 'pending'")
        conn.execute(
            """
            CREATE VIEW IF NOT EXISTS v_milestone_review AS
            SELECT id, name, milestone_type, risk_score, reviewed_by, reviewed_at
            FROM milestones
            WHERE review_status = 'pending'
            """
        )


def downgrade(conn):
    conn.execute("DROP VIEW IF EXISTS v_milestone_review")
    conn.execute("DROP INDEX IF EXISTS idx_milestones_waiting")
    conn.execute("DROP TABLE IF EXISTS review_rules")
