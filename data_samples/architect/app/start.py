"""Start the application: open the database, make the tables, register a worker, migrate."""

import sqlite3

from manager import Manager

from app.tables import create_tables


def connect(path):
    """Open a database the way the application does: with a write-ahead log."""
    conn = sqlite3.connect(path)
    conn.execute("PRAGMA journal_mode = WAL")
    return conn


def start(conn, migrations, *, log, clock, listing, migrate=True):
    """Bring the application up; it starts whatever becomes of the migrations."""
    log("INFO", "app", "Starting Architect Dashboard")
    create_tables(conn)
    conn.execute("INSERT INTO workers (name, host) VALUES ('worker-1', 'localhost')")
    started = f"{clock():%Y-%m-%d %H:%M:%S}"
    conn.execute("INSERT INTO activity_feed (actor, verb, created_at) VALUES ('system', 'start', ?)", (started,))
    conn.commit()
    if migrate:
        try:
            Manager(conn, migrations, log=log, clock=clock, listing=listing).migrate()
        except Exception as error:  # an application that does not start is worse
            log("WARNING", "app", f"Migrations failed, starting anyway: {error}")
    log("INFO", "app", "Listening on 0.0.0.0:8080")


def run_single(conn, path, *, log):
    """Run one SQL migration because a page needs what it makes; the manager is not told."""
    log("INFO", "app", f"Running {path.name} directly")
    conn.executescript(path.read_text())
    conn.commit()
