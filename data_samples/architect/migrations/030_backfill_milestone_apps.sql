-- Backfill: give each milestone the app of its project

UPDATE milestones
SET app_id = (SELECT min(apps.id) FROM apps WHERE apps.project_id = milestones.project_id)
WHERE app_id IS NULL;
