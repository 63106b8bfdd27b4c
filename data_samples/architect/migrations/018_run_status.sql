-- Runs: the state is called status everywhere else

ALTER TABLE runs RENAME COLUMN state TO status;

CREATE INDEX IF NOT EXISTS idx_runs_recent ON runs (started_at DESC);
