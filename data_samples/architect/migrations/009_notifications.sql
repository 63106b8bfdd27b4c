-- Notifications: what was sent to whom

CREATE TABLE IF NOT EXISTS notification_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    notification_type TEXT NOT NULL,
    recipient TEXT NOT NULL,
    payload TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

CREATE INDEX IF NOT EXISTS idx_notification_log_type ON notification_log (notification_type);
CREATE INDEX IF NOT EXISTS idx_notification_log_created ON notification_log (created_at DESC);

CREATE TABLE IF NOT EXISTS notification_preferences (
    user_name TEXT NOT NULL,
    notification_type TEXT NOT NULL,
    enabled INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (user_name, notification_type)
);
