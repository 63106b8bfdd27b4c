-- Worker heartbeat: when a worker was last seen, and how much it can take

CREATE TABLE IF NOT EXISTS worker_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    worker_id INTEGER NOT NULL REFERENCES workers (id) ON DELETE CASCADE,
    event TEXT NOT NULL,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

ALTER TABLE workers ADD COLUMN last_heartbeat TIMESTAMP;
ALTER TABLE workers ADD COLUMN capacity INTEGER NOT NULL DEFAULT 1;

CREATE INDEX IF NOT EXISTS idx_workers_heartbeat ON workers (last_heartbeat DESC);
