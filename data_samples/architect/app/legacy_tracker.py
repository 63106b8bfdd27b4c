"""What is left of the first migration manager: its tracker, which nothing writes to any more."""

DDL = """CREATE TABLE IF NOT EXISTS migration_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT, migration_name TEXT NOT NULL UNIQUE, batch INTEGER,
    executed_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)"""


def prepare(conn):
    """Make the tracker of the first manager."""
    conn.execute(DDL)
    conn.commit()
