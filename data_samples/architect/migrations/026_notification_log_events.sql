-- Notification log: the type is an event, and a message has a channel and a status

ALTER TABLE notification_log RENAME COLUMN notification_type TO event_type;
ALTER TABLE notification_log ADD COLUMN channel TEXT NOT NULL DEFAULT 'email';
ALTER TABLE notification_log ADD COLUMN status TEXT NOT NULL DEFAULT 'queued';
ALTER TABLE notification_log ADD COLUMN sent_at TIMESTAMP;

CREATE INDEX IF NOT EXISTS idx_notification_log_queue ON notification_log (status, channel) WHERE status <> 'sent';
