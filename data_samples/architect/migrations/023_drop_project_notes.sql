-- Project notes moved to the wiki; bugs are listed by status and severity

DROP TABLE IF EXISTS project_notes;
DROP INDEX IF EXISTS idx_bugs_status;
CREATE INDEX IF NOT EXISTS idx_bugs_status_severity ON bugs (status, severity);
