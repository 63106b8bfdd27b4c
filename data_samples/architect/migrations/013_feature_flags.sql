-- Feature flags

CREATE TABLE IF NOT EXISTS feature_flags (
    name TEXT PRIMARY KEY,
    enabled INTEGER NOT NULL DEFAULT 0 CHECK (enabled IN (0, 1)),
    rollout INTEGER NOT NULL DEFAULT 100,
    updated_at TIMESTAMP
);

CREATE INDEX IF NOT EXISTS idx_feature_flags_on ON feature_flags (rollout) WHERE enabled = 1;
