-- Session tracking: sessions and what happened in them

CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY,
    run_id INTEGER REFERENCES runs (id) ON DELETE SET NULL,
    user_name TEXT NOT NULL,
    provider TEXT,
    model TEXT,
    tokens_in INTEGER NOT NULL DEFAULT 0,
    tokens_out INTEGER NOT NULL DEFAULT 0,
    started_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    last_event_at TIMESTAMP
);

CREATE TABLE IF NOT EXISTS session_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    event_type TEXT NOT NULL,
    payload TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

CREATE INDEX IF NOT EXISTS idx_sessions_run ON sessions (run_id);
CREATE INDEX IF NOT EXISTS idx_session_events_type ON session_events (event_type, created_at);

CREATE TRIGGER IF NOT EXISTS trg_session_events_touch AFTER INSERT ON session_events
BEGIN
    UPDATE sessions SET last_event_at = NEW.created_at WHERE id = NEW.session_id;
END;
