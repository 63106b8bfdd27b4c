-- Fix milestones schema: add the autopilot columns to the table that 001 created

ALTER TABLE milestones ADD COLUMN app_id INTEGER REFERENCES apps (id);
ALTER TABLE milestones ADD COLUMN run_id INTEGER REFERENCES runs (id);
ALTER TABLE milestones ADD COLUMN milestone_type TEXT DEFAULT 'feature';
ALTER TABLE milestones ADD COLUMN risk_score INTEGER DEFAULT 0;
ALTER TABLE milestones ADD COLUMN risk_notes TEXT;
ALTER TABLE milestones ADD COLUMN rollback_available INTEGER DEFAULT 0;
ALTER TABLE milestones ADD COLUMN rollback_plan TEXT;
ALTER TABLE milestones ADD COLUMN review_status TEXT DEFAULT 'pending';
ALTER TABLE milestones ADD COLUMN reviewed_by TEXT;
ALTER TABLE milestones ADD COLUMN reviewed_at TIMESTAMP;
ALTER TABLE milestones ADD COLUMN review_notes TEXT;
ALTER TABLE milestones ADD COLUMN files_changed INTEGER DEFAULT 0;
ALTER TABLE milestones ADD COLUMN lines_changed INTEGER DEFAULT 0;

CREATE INDEX IF NOT EXISTS idx_milestones_app_status ON milestones (app_id, status);
CREATE INDEX IF NOT EXISTS idx_milestones_run ON milestones (run_id);
