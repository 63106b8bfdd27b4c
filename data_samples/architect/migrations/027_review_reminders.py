"""Remind reviewers of what they have not looked at."""

DESCRIPTION = "Code review reminders"


def upgrade(conn):
    columns = {row[1] for row in conn.execute("PRAGMA table_info(code_reviews)")}
    if not columns:
        raise RuntimeError("code_reviews is missing: run 024 first")
    if "reminded_at" not in columns:
        conn.execute("ALTER TABLE code_reviews ADD COLUMN reminded_at TIMESTAMP")
    conn.execute(
        """
        CREATE TRIGGER IF NOT EXISTS trg_code_reviews_touch AFTER UPDATE OF verdict ON code_reviews
        BEGIN
            UPDATE code_reviews SET updated_at = CURRENT_TIMESTAMP, reminded_at = NULL WHERE id = NEW.id;
        END
        """
    )


def downgrade(conn):
    conn.execute("DROP TRIGGER IF EXISTS trg_code_reviews_touch")
    conn.execute("ALTER TABLE code_reviews DROP COLUMN reminded_at")
