"""Templates for the weekly reports."""

DESCRIPTION = "Report templates"


def upgrade(conn):
    conn.execute(
        """
        CREATE TABLE IF NOT EXISTS report_templates (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            body TEXT NOT NULL,
            schedule TEXT NOT NULL DEFAULT 'weekly' CHECK (schedule IN ('daily', 'weekly', 'monthly')),
            UNIQUE (name, schedule)
        )
        """
    )


def downgrade(conn):
    conn.execute("DROP TABLE IF EXISTS report_templates")
