-- Bug triage: root cause, assignee, time of triage

ALTER TABLE bugs ADD COLUMN root_cause TEXT;
ALTER TABLE bugs ADD COLUMN assignee TEXT;
ALTER TABLE bugs ADD COLUMN triaged_at TIMESTAMP;

CREATE INDEX IF NOT EXISTS idx_bugs_triage ON bugs (triaged_at, severity);
