"""Mark audit rows as archived instead of deleting them."""

DESCRIPTION = "Audit log retention"


def upgrade(conn):
    columns = {row[1] for row in conn.execute("PRAGMA table_info(audit_log)")}
    if "archived" not in columns:
        conn.execute("ALTER TABLE audit_log ADD COLUMN archived INTEGER NOT NULL DEFAULT 0")
    conn.execute("CREATE INDEX IF NOT EXISTS idx_audit_log_live ON audit_log (created_at) WHERE archived = 0")
    conn.execute("UPDATE audit_log SET archived = 1 WHERE created_at < datetime('now', '-90 days')")


def downgrade(conn):
    conn.execute("DROP INDEX IF EXISTS idx_audit_log_live")
    conn.execute("ALTER TABLE audit_log DROP COLUMN archived")
