-- Rebuild features: a check on the status, an estimate, no orphans

CREATE TABLE features_new (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    milestone_id INTEGER REFERENCES milestones (id) ON DELETE SET NULL,
    title TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'planned' CHECK (status IN ('planned', 'active', 'review', 'done', 'dropped')),
    priority INTEGER NOT NULL DEFAULT 3 CHECK (priority BETWEEN 1 AND 5),
    estimate_hours REAL,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

INSERT INTO features_new (id, project_id, milestone_id, title, status, priority, created_at)
SELECT id, project_id, milestone_id, title, coalesce(status, 'planned'), coalesce(priority, 3), created_at
FROM features
WHERE project_id IN (SELECT id FROM projects);

DROP TABLE features;

ALTER TABLE features_new RENAME TO features;

CREATE INDEX idx_features_project ON features (project_id, status);
CREATE INDEX idx_features_milestone ON features (milestone_id) WHERE milestone_id IS NOT NULL;
