-- Milestone health: progress of each project at a glance

CREATE VIEW IF NOT EXISTS v_milestone_health AS
SELECT project_id, count(*) AS milestones, avg(progress) AS progress, min(due_date) AS next_due
FROM milestones
WHERE status <> 'closed'
GROUP BY project_id;

CREATE TRIGGER IF NOT EXISTS trg_milestones_done AFTER UPDATE OF progress ON milestones
WHEN NEW.progress = 100 AND OLD.status = 'open'
BEGIN
    UPDATE milestones SET status = 'closed' WHERE id = NEW.id;
    INSERT INTO audit_log (actor, action, entity, entity_id) VALUES ('system', 'close; done', 'milestone', NEW.id);
END;
