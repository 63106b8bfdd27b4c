"""The tables that the application makes for itself, as it is imported, before any migration runs."""

TABLES = [
    """CREATE TABLE IF NOT EXISTS app_users (
        id INTEGER PRIMARY KEY AUTOINCREMENT, user_name TEXT NOT NULL UNIQUE, password_hash TEXT NOT NULL,
        email TEXT, is_admin INTEGER DEFAULT 0, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)""",
    """CREATE TABLE IF NOT EXISTS user_sessions (
        token TEXT PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES app_users(id) ON DELETE CASCADE,
        expires_at TIMESTAMP NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS login_attempts (
        id INTEGER PRIMARY KEY AUTOINCREMENT, user_name TEXT, address TEXT, success INTEGER DEFAULT 0,
        attempted_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)""",
    """CREATE TABLE IF NOT EXISTS password_resets (
        token TEXT PRIMARY KEY, user_id INTEGER NOT NULL, used INTEGER DEFAULT 0, created_at TIMESTAMP)""",
    """CREATE TABLE IF NOT EXISTS user_preferences (
        user_id INTEGER NOT NULL, name TEXT NOT NULL, value TEXT, PRIMARY KEY (user_id, name)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS dashboards (
        id INTEGER PRIMARY KEY AUTOINCREMENT, owner_id INTEGER REFERENCES app_users(id), title TEXT NOT NULL,
        layout TEXT DEFAULT '{}', is_default INTEGER DEFAULT 0)""",
    """CREATE TABLE IF NOT EXISTS dashboard_widgets (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        dashboard_id INTEGER NOT NULL REFERENCES dashboards(id) ON DELETE CASCADE,
        kind TEXT NOT NULL CHECK (kind IN ('chart', 'table', 'number', 'text')), position INTEGER, config TEXT)""",
    """CREATE TABLE IF NOT EXISTS saved_searches (
        id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER, name TEXT NOT NULL, query TEXT NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS tasks (
        id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL, status TEXT DEFAULT 'todo', assignee TEXT,
        due_at TIMESTAMP, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)""",
    """CREATE TABLE IF NOT EXISTS task_dependencies (
        task_id INTEGER NOT NULL REFERENCES tasks(id) ON DELETE CASCADE,
        depends_on INTEGER NOT NULL REFERENCES tasks(id) ON DELETE CASCADE,
        PRIMARY KEY (task_id, depends_on), CHECK (task_id <> depends_on))""",
    """CREATE TABLE IF NOT EXISTS task_history (
        id INTEGER PRIMARY KEY AUTOINCREMENT, task_id INTEGER NOT NULL, field TEXT, old_value TEXT, new_value TEXT,
        changed_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)""",
    """CREATE TABLE IF NOT EXISTS task_queue (
        id INTEGER PRIMARY KEY AUTOINCREMENT, task_type TEXT NOT NULL, payload TEXT, state TEXT DEFAULT 'pending',
        priority INTEGER DEFAULT 0, attempts INTEGER DEFAULT 0, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)""",
    """CREATE TABLE IF NOT EXISTS environments (
        id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, base_url TEXT, healthy INTEGER DEFAULT 1)""",
    """CREATE TABLE IF NOT EXISTS servers (
        id INTEGER PRIMARY KEY AUTOINCREMENT, environment_id INTEGER REFERENCES environments(id), host TEXT NOT NULL,
        port INTEGER DEFAULT 8080, UNIQUE (host, port))""",
    """CREATE TABLE IF NOT EXISTS server_metrics (
        server_id INTEGER NOT NULL, metric TEXT NOT NULL, value REAL,
        taken_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)""",
    """CREATE TABLE IF NOT EXISTS deployments (
        id INTEGER PRIMARY KEY AUTOINCREMENT, environment_id INTEGER, version TEXT, status TEXT DEFAULT 'started',
        started_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, finished_at TIMESTAMP)""",
    """CREATE TABLE IF NOT EXISTS deployment_steps (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        deployment_id INTEGER NOT NULL REFERENCES deployments(id) ON DELETE CASCADE,
        step TEXT NOT NULL, output TEXT, ok INTEGER)""",
    """CREATE TABLE IF NOT EXISTS error_groups (
        id INTEGER PRIMARY KEY AUTOINCREMENT, fingerprint TEXT NOT NULL UNIQUE, title TEXT, first_seen TIMESTAMP,
        last_seen TIMESTAMP, occurrences INTEGER DEFAULT 1)""",
    """CREATE TABLE IF NOT EXISTS error_log (
        id INTEGER PRIMARY KEY AUTOINCREMENT, group_id INTEGER REFERENCES error_groups(id), message TEXT NOT NULL,
        stack TEXT, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)""",
    """CREATE TABLE IF NOT EXISTS attachments (
        id INTEGER PRIMARY KEY AUTOINCREMENT, entity TEXT NOT NULL, entity_id INTEGER NOT NULL,
        file_name TEXT NOT NULL,
        content BLOB, size INTEGER)""",
    """CREATE TABLE IF NOT EXISTS comments (
        id INTEGER PRIMARY KEY AUTOINCREMENT, entity TEXT NOT NULL, entity_id INTEGER NOT NULL, author TEXT,
        body TEXT NOT NULL, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)""",
    """CREATE TABLE IF NOT EXISTS reactions (
        comment_id INTEGER NOT NULL REFERENCES comments(id) ON DELETE CASCADE, user_id INTEGER NOT NULL,
        emoji TEXT NOT NULL, PRIMARY KEY (comment_id, user_id, emoji))""",
    """CREATE TABLE IF NOT EXISTS activity_feed (
        id INTEGER PRIMARY KEY AUTOINCREMENT, actor TEXT, verb TEXT, entity TEXT, entity_id INTEGER,
        created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)""",
    """CREATE TABLE IF NOT EXISTS email_queue (
        id INTEGER PRIMARY KEY AUTOINCREMENT, recipient TEXT NOT NULL, subject TEXT, body TEXT,
        sent INTEGER DEFAULT 0)""",
    """CREATE TABLE IF NOT EXISTS feature_usage (
        feature TEXT NOT NULL, day DATE NOT NULL, uses INTEGER DEFAULT 0, PRIMARY KEY (feature, day))""",
    """CREATE TABLE IF NOT EXISTS integrations (
        id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, config TEXT DEFAULT '{}',
        enabled INTEGER DEFAULT 1)""",
    """CREATE TABLE IF NOT EXISTS backups (
        id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL, bytes INTEGER, taken_at TIMESTAMP)""",
    """CREATE TABLE IF NOT EXISTS cron_jobs (
        id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, schedule TEXT NOT NULL,
        enabled INTEGER DEFAULT 1)""",
    """CREATE TABLE IF NOT EXISTS cron_runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT, job_id INTEGER NOT NULL REFERENCES cron_jobs(id), ok INTEGER,
        started_at TIMESTAMP, finished_at TIMESTAMP)""",
    """CREATE TABLE IF NOT EXISTS health_checks (
        id INTEGER PRIMARY KEY AUTOINCREMENT, target TEXT NOT NULL, ok INTEGER, latency_ms REAL,
        checked_at TIMESTAMP)""",
    """CREATE TABLE IF NOT EXISTS link_previews (url TEXT PRIMARY KEY, title TEXT, image TEXT,
        fetched_at TIMESTAMP)""",
    """CREATE TABLE IF NOT EXISTS rate_limits (
        client TEXT NOT NULL, window_start TIMESTAMP NOT NULL, hits INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (client, window_start))""",
    """CREATE TABLE IF NOT EXISTS notification_log (
        id INTEGER PRIMARY KEY AUTOINCREMENT, event_type TEXT NOT NULL, recipient TEXT NOT NULL, payload TEXT,
        created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, channel TEXT NOT NULL DEFAULT 'email',
        status TEXT NOT NULL DEFAULT 'queued', sent_at TIMESTAMP)""",
    """CREATE TABLE IF NOT EXISTS workers (
        id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, host TEXT, status TEXT NOT NULL DEFAULT 'idle',
        last_heartbeat TIMESTAMP, capacity INTEGER NOT NULL DEFAULT 1)""",
    """CREATE TABLE IF NOT EXISTS webhooks (
        id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER NOT NULL, url TEXT NOT NULL,
        event_types TEXT NOT NULL,
        active INTEGER NOT NULL DEFAULT 1, signing_secret TEXT)""",
]

INDEXES = [
    "CREATE INDEX IF NOT EXISTS idx_user_sessions_user ON user_sessions(user_id)",
    "CREATE INDEX IF NOT EXISTS idx_login_attempts_address ON login_attempts(address, attempted_at)",
    "CREATE INDEX IF NOT EXISTS idx_task_queue_next ON task_queue(priority DESC, id) WHERE state = 'pending'",
    "CREATE INDEX IF NOT EXISTS idx_error_log_group ON error_log(group_id)",
    "CREATE INDEX IF NOT EXISTS idx_activity_feed_created ON activity_feed(created_at DESC)",
]


def create_tables(conn):
    """Make the application's tables and indexes where they are missing."""
    for statement in TABLES + INDEXES:
        conn.execute(statement)
    conn.commit()
