"""Filters that people saved for the lists of the dashboard."""

DESCRIPTION = "Saved filters"


def upgrade(conn):
    conn.execute(
        """
        CREATE TABLE saved_filters (
            id INTEGER PRIMARY KEY,
            owner TEXT NOT NULL,
            name TEXT NOT NULL,
            query TEXT NOT NULL DEFAULT '{}',
            shared INTEGER NOT NULL DEFAULT 0,
            UNIQUE (owner, name)
        )
        """
    )


def downgrade(conn):
    conn.execute("DROP TABLE saved_filters")
