-- Session costs

ALTER TABLE sessions ADD COLUMN cost_cents INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN currency TEXT NOT NULL DEFAULT 'USD';

CREATE INDEX IF NOT EXISTS idx_sessions_user ON sessions (lower(user_name), started_at DESC);
