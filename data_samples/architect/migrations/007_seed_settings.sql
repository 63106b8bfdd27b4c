-- Default settings

INSERT OR IGNORE INTO settings (name, value) VALUES ('theme', 'light');
INSERT OR IGNORE INTO settings (name, value) VALUES ('retention_days', '90');
INSERT OR IGNORE INTO settings (name, value) VALUES ('default_timezone', 'America/Los_Angeles');
INSERT OR IGNORE INTO settings (name, value) VALUES ('banner', 'Nightly window; builds may queue');
