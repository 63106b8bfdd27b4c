"""Teams, their members, and the team that owns a project."""

DESCRIPTION = "Teams and team members"


def migrate(conn):
    conn.execute(
        """
        CREATE TABLE IF NOT EXISTS teams (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            lead TEXT,
            created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
        )
        """
    )
    conn.execute(
        """
        CREATE TABLE IF NOT EXISTS team_members (
            team_id INTEGER NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
            user_name TEXT NOT NULL,
            role TEXT NOT NULL DEFAULT 'member' CHECK (role IN ('lead', 'member', 'observer')),
            PRIMARY KEY (team_id, user_name)
        )
        """
    )
    columns = {row[1] for row in conn.execute("PRAGMA table_info(projects)")}
    if "team_id" not in columns:
        conn.execute("ALTER TABLE projects ADD COLUMN team_id INTEGER REFERENCES teams (id)")
    conn.commit()


def rollback(conn):
    conn.execute("ALTER TABLE projects DROP COLUMN team_id")
    conn.execute("DROP TABLE IF EXISTS team_members")
    conn.execute("DROP TABLE IF EXISTS teams")
    conn.commit()
